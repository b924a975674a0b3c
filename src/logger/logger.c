/* SPDX-License-Identifier: MIT */
#include "logger/logger.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/crash_point.h"
#include "base/journal.h"
#include "base/pipe.h"
#include "ipc/receipt.h"
#include "ipc/tickets.h"
#include "logger/logfile.h"
#include "logger/logger_idle.h"
#include "logger/logger_limit.h"
#include "logger/logger_move.h"
#include "logger/logger_pending.h"
#include "logger/logger_state.h"
#include "logger/logger_truncation.h"
#include "logger/logger_wait.h"

static void on_wake(int signo)
{
	(void)signo;
}

static void catch_signals(void)
{
	struct sigaction wake = {.sa_handler = on_wake};
	const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR2};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigaction(SIGUSR1, &wake, NULL);
}

static bool has_no_writer(int pipe_fd)
{
	struct pollfd pollfd = {.fd = pipe_fd, .events = POLLIN};

	return poll(&pollfd, 1, 0) > 0 && (pollfd.revents & POLLHUP);
}

/* Returns STAY and *RET_MOVED: N, or less because the file may have no more messages. */
static int move_records(struct logger *l, size_t n, size_t *ret_moved)
{
	ssize_t cut = (ssize_t)n;
	int r;

	if (logger_rotates_at_limit(l) && !l->is_orphan) {
		cut = logger_limit_cut(l, n);
		if (cut < 0) {
			journal_error("cannot count the messages in the log pipe: %s; another "
				      "logger tries it", strerror((int)-cut));
			return LOGGER_NO_MEMORY;
		}
	}
	*ret_moved = (size_t)cut;
	r = logger_move_batch(l, (size_t)cut);
	if (r == STAY && logger_rotates_at_limit(l) && !l->is_orphan) {
		l->count.offset_bytes = l->offset_bytes;
		logger_limit_publish(l);
	}
	return r;
}

/* What was in the pipe before the order still goes to the old file: so that takes a round. */
static bool must_reopen(struct logger *l)
{
	bool saw_it_before = l->saw_reopen;

	if (atomic_load(&l->board->logger_order) != ORDER_REOPEN)
		return false;
	l->saw_reopen = true;
	return saw_it_before || pipe_bytes(l->fds->log_read) == 0;
}

/*
 * Whether this file must get every record with a ticket before the logger leaves.  If it does
 * not stop at a limit itself, the counter is closed because the next logger will.
 */
static bool uses_tickets(const struct logger *l)
{
	return logger_stops_at_limit(l) || tickets_are_closed(l->board);
}

/*
 * Between two records: STAY, or the status with which it is time to leave.
 * An orphan stays, since nobody would fork the next logger: what is in the
 * pipe is worth more than a limit, or than the name of the file.
 */
static int should_leave(struct logger *l)
{
	if (getppid() != l->master_pid)
		l->is_orphan = true;
	if (l->is_orphan)
		return STAY;
	if (l->is_stream)
		return !uses_tickets(l) && must_reopen(l) ? LOGGER_REOPEN : STAY;
	if (logger_truncation_found(l))
		return LOGGER_TRUNCATED;
	switch (logfile_check(l->fds->log_file, l->config->path, l->offset_bytes)) {
	case LOGFILE_TRUNCATED:
		return LOGGER_TRUNCATED;
	case LOGFILE_DELETED:
		return LOGGER_MOVED;
	case LOGFILE_MOVED:
		/* What has a ticket still goes to the renamed file: leave as for a reopen. */
		if (!uses_tickets(l))
			return LOGGER_MOVED;
		tickets_close(l->board);
		atomic_store(&l->board->logger_order, ORDER_REOPEN);
		break;
	case LOGFILE_SAME:
		break;
	}
	if (logger_rotates_at_limit(l) && logger_counted(l) >= l->config->message_limit)
		return LOGGER_FULL;
	if (!uses_tickets(l))
		return must_reopen(l) ? LOGGER_REOPEN : STAY;
	if (atomic_load(&l->board->logger_order) == ORDER_REOPEN)
		tickets_close(l->board);
	return STAY;
}

/*
 * Puts on disk what is in the file.  A failed sync is not tried again: the
 * kernel may have dropped the pages and would report success (fsync(2)).
 */
static int sync_file(struct logger *l, uint32_t round)
{
	if (l->synced_bytes == l->offset_bytes)
		return STAY;
	if (l->is_stream) {
		/* If stdout is a file, a stop leaves it on disk.  A pipe cannot be synced. */
		(void)fdatasync(l->fds->log_file);
		return STAY;
	}
	/* If the next logger finds this set, this one died before it knew the outcome. */
	atomic_store(&l->board->round_syncing, 1);
	crash_point("logger-before-sync");
	if (fdatasync(l->fds->log_file) < 0) {
		crash_point("logger-sync-failed");
		journal_field("LOG_PATH=%s", l->config->path);
		journal_field("ERRNO=%d", errno);
		journal_event(JOURNAL_SYNC_FAILED, LOG_ERR,
			      "cannot sync %s: %m; waiting clients are disconnected without their "
			      "echo, and the file is renamed",
			      l->config->path);
		receipt_end_round(l->board, round, true);
		return LOGGER_SYNC_FAILED;
	}
	crash_point("logger-after-sync");
	atomic_store(&l->board->round_syncing, 0);
	l->synced_bytes = l->offset_bytes;
	return STAY;
}

/*
 * If echoes promise it: echo_after is `synced`.  A worker that was forked
 * under that relies on it until it ends, whatever a reload says.
 */
static int sync_if_promised(struct logger *l, uint32_t round)
{
	return atomic_load(&l->board->must_sync) ? sync_file(l, round) : STAY;
}

static int finish(struct logger *l, uint32_t round)
{
	int r = sync_file(l, round);

	return r == STAY ? LOGGER_FINISHED : r;
}

/* The next logger may have another file, so this one syncs what it wrote. */
static int leave(struct logger *l, uint32_t round, int status)
{
	int r = sync_if_promised(l, round);

	crash_point("logger-leaves");
	return r == STAY ? status : r;
}

/* Only after all that was in the pipe at its start is in the file: this gives out the receipts. */
static int complete_round(struct logger *l, uint32_t round)
{
	int r = sync_if_promised(l, round);

	crash_point("logger-before-publish");
	if (r == STAY)
		receipt_end_round(l->board, round, false);
	return r;
}

/* Moves what is in the log pipe.  *RET_N: its bytes, or 0 if there was no room for them. */
static int do_round(struct logger *l, uint32_t round, size_t *ret_n)
{
	size_t n = pipe_bytes(l->fds->log_read), moved = 0;
	bool may_finish = n == 0 && (atomic_load(&l->board->logger_order) == ORDER_FINISH ||
				     has_no_writer(l->fds->log_read));
	int r = STAY;

	*ret_n = n;
	/* Looked at again: what the last writer wrote before it left is visible by now. */
	if (may_finish && pipe_bytes(l->fds->log_read) == 0)
		return finish(l, round);
	if (n > 0 && !logger_has_room(l, n)) {
		*ret_n = 0;
		return logger_wait_stalled(l, ENOSPC);
	}
	crash_point("logger-batch-seen");
	if (n > 0) {
		atomic_store(&l->board->round_offset_bytes, l->offset_bytes);
		r = move_records(l, n, &moved);
	}
	return r == STAY && moved == n ? complete_round(l, round) : r;
}

/* Such a logger has not ended its round, and may have written without a sync. */
static bool left_while_stalled(int status)
{
	return status == LOGGER_MOVED || status == LOGGER_REOPEN;
}

static int run_rounds(struct logger *l)
{
	int r;

	logger_idle_init(l);
	for (;;) {
		bool none_held = logger_limit_must_settle(l) && tickets_none_held(l->board);
		uint32_t round = receipt_start_round(l->board);
		size_t n;

		r = should_leave(l);
		if (r != STAY)
			return leave(l, round, r);
		r = do_round(l, round, &n);
		if (r == STAY && none_held && pipe_bytes(l->fds->log_read) == 0)
			r = logger_limit_settle(l);
		if (r == STAY)
			r = logger_pending_write(l);
		if (r != STAY)
			return left_while_stalled(r) ? leave(l, round, r) : r;
		cell_add(&l->board->logger_beat, 1);
		logger_idle(l, n);
	}
}

/* Completes what a killed predecessor may have left half done. */
static int recover(struct logger *l)
{
	int r;

	logger_pending_forget_staged(l);
	r = logger_move_stage(l);
	if (r != STAY || !atomic_load(&l->board->round_syncing))
		return r;
	journal_field("LOG_PATH=%s", l->config->path);
	journal_event(JOURNAL_SYNC_FAILED, LOG_ERR,
		      "the last logger died during a sync of %s; the sync counts as failed",
		      l->config->path);
	receipt_end_round(l->board, receipt_start_round(l->board), true);
	return LOGGER_SYNC_FAILED;
}

/* No batch is moved to a file whose messages cannot be counted, for want of memory, for example. */
static int start_counting(struct logger *l)
{
	int error = logger_limit_prepare(l), r = STAY;

	if (error == 0)
		return STAY;
	while (error < 0 && r == STAY && !l->is_orphan) {
		r = logger_wait_stalled(l, -error);
		error = logger_limit_prepare(l);
	}
	if (r == STAY)
		logger_end_stall(l);
	return r;
}

static int prepare(struct logger *l)
{
	off_t offset;
	int r;

	catch_signals();
	record_style_init(&l->style, l->config->format);
	l->is_stream = config_logs_to_stdout(l->config);
	l->must_copy = atomic_load(&l->board->log_is_copied);
	offset = l->is_stream ? 0 : lseek(l->fds->log_file, 0, SEEK_CUR);
	if (offset < 0)
		return LOGGER_CANNOT_GO_ON;
	l->offset_bytes = (uint64_t)offset;
	l->count = l->board->count[atomic_load(&l->board->count_index)];

	r = recover(l);
	if (r == STAY) {
		logger_pending_add_start(l);
		r = logger_pending_write(l);
	}
	if (r == STAY)
		r = start_counting(l);
	return left_while_stalled(r) ? leave(l, receipt_start_round(l->board), r) : r;
}

int logger_run(const struct config *config, const struct descriptors *fds,
	       struct scoreboard *board, pid_t master_pid)
{
	struct logger l = {
		.config = config, .fds = fds, .board = board, .master_pid = master_pid,
		.peek_read = -1, .peek_write = -1, .copy_read = -1, .copy_write = -1,
	};
	int r = prepare(&l);

	if (r != STAY)
		return r;
	cell_add(&board->logger_beat, 1);
	(void)eventfd_write(fds->doorbell, 1);
	return run_rounds(&l);
}
