/* SPDX-License-Identifier: MIT */
#include "logger.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "build.h"
#include "clock.h"
#include "crash_point.h"
#include "journal.h"
#include "logfile.h"
#include "logger_limit.h"
#include "logger_move.h"
#include "logger_state.h"
#include "logger_truncation.h"
#include "logger_wait.h"
#include "pipe.h"
#include "receipt.h"
#include "tickets.h"

/*
 * While records flow the logger naps on a timer instead of waiting on the
 * pipe: waking it costs the writer some 10 us, an awake or absent reader
 * costs 1 us.  Naps become longer while little comes in them, so that few
 * messages meet a logger that is at work.  After a large batch, so much of
 * the pipe, it does not even nap.
 */
#define SHORTEST_NAP_NSEC 500000
#define LONGEST_NAP_NSEC 4000000
#define NAPS_BEFORE_SLEEP 10
#define LARGE_BATCH(pipe_capacity) ((pipe_capacity) / 4)

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

/* Returns STAY with *RET_MOVED set: all of N, or less because the file is full. */
static int move_records(struct logger *l, size_t n, size_t *ret_moved)
{
	ssize_t cut = (ssize_t)n;
	int r;

	if (logger_rotates_at_limit(l) && !l->is_orphan) {
		cut = logger_limit_cut(l, n);
		if (cut < 0) {
			journal_error("cannot look into the log pipe: %s", strerror((int)-cut));
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

/* The service has started while there were bytes in the pipes: its record comes after them. */
static void note_wanted_start(struct logger *l)
{
	if (atomic_load(&l->board->wants_start)) {
		atomic_fetch_or(&l->board->pending_records, PENDING_START);
		atomic_store(&l->board->wants_start, 0);
	}
}

/* The logger's own records go through the empty stage, so they too are never torn or doubled. */
static int write_pending_records(struct logger *l)
{
	uint32_t pending = atomic_load(&l->board->pending_records);
	uint64_t now = clock_realtime_usec();
	char text[4 * RECORD_EVENT_MAX];
	size_t len = 0;

	if (pending == 0)
		return STAY;
	if (pending & PENDING_TORN) {
		uint64_t torn_bytes = atomic_load(&l->board->torn_bytes);

		if (torn_bytes > 0)
			text[len++] = '\n';
		len += record_torn(&l->style, text + len, now, torn_bytes);
	}
	if (pending & PENDING_START)
		len += record_start(&l->style, text + len, now, l->board->boot_id, PACKAGE_VERSION);
	if (pending & PENDING_LIMIT)
		len += record_limit(&l->style, text + len, now, l->config->message_limit);
	crash_point("logger-owes");
	if (len > 0 && write(l->fds->stage_write, text, len) != (ssize_t)len) {
		journal_error("cannot write to the stage pipe: %m");
		return LOGGER_CANNOT_GO_ON;
	}
	crash_point("logger-record-staged");
	atomic_store(&l->board->pending_records, 0);
	logger_move_stage(l);
	return STAY;
}

/* What was echoed before the order goes where it would have gone without it. */
static bool must_reopen(struct logger *l)
{
	bool known = l->saw_reopen;

	if (atomic_load(&l->board->logger_order) != ORDER_REOPEN)
		return false;
	l->saw_reopen = true;
	return known || pipe_bytes(l->fds->log_read) == 0;
}

/*
 * Between two records: is it time to leave?  Not when nobody is there who
 * would fork the next logger: what is in the pipe is worth more than a
 * limit, or than the name of the file.
 */
static int look_around(struct logger *l)
{
	if (getppid() != l->master_pid)
		l->is_orphan = true;
	if (l->is_orphan)
		return STAY;
	if (l->is_stream)
		return must_reopen(l) ? LOGGER_REOPEN : STAY;
	if (logger_truncation_found(l))
		return LOGGER_TRUNCATED;
	switch (logfile_check(l->fds->log_file, l->config->path, l->offset_bytes)) {
	case LOGFILE_TRUNCATED:
		return LOGGER_TRUNCATED;
	case LOGFILE_DELETED:
		return LOGGER_MOVED;
	case LOGFILE_MOVED:
		/* A renamed file still takes what belongs to it: leave as for a reopen. */
		if (!logger_stops_at_limit(l))
			return LOGGER_MOVED;
		tickets_close(l->board);
		atomic_store(&l->board->logger_order, ORDER_REOPEN);
		break;
	case LOGFILE_SAME:
		break;
	}
	if (logger_rotates_at_limit(l) && l->count.messages >= l->config->message_limit)
		return LOGGER_FULL;
	if (!logger_stops_at_limit(l))
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
		/* For the stop's sake, if it is a file: a pipe or a terminal has nothing to sync. */
		(void)fdatasync(l->fds->log_file);
		return STAY;
	}
	/* Whoever finds this set knows that its predecessor died before it could tell the outcome. */
	atomic_store(&l->board->round_syncing, 1);
	crash_point("logger-before-sync");
	if (fdatasync(l->fds->log_file) < 0) {
		crash_point("logger-sync-failed");
		journal_field("LOG_PATH=%s", l->config->path);
		journal_field("ERRNO=%d", errno);
		journal_event(JOURNAL_SYNC_FAILED, LOG_ERR, "cannot sync %s: %m; clients that wait for it are closed without their echo, the file is set aside",
			      l->config->path);
		receipt_end_round(l->board, round, true);
		return LOGGER_SYNC_FAILED;
	}
	crash_point("logger-after-sync");
	atomic_store(&l->board->round_syncing, 0);
	l->synced_bytes = l->offset_bytes;
	return STAY;
}

/* A worker that was forked under `synced` counts on it as long as it lives, whatever a reload says. */
static bool must_sync(const struct logger *l)
{
	return atomic_load(&l->board->must_sync);
}

static int finish(struct logger *l, uint32_t round)
{
	int r = sync_file(l, round);

	return r == STAY ? LOGGER_FINISHED : r;
}

/* A file that is left behind is synced by the one who wrote to it, where that was promised. */
static int leave(struct logger *l, uint32_t round, int status)
{
	int r = STAY;

	if (must_sync(l))
		r = sync_file(l, round);
	crash_point("logger-leaves");
	return r == STAY ? status : r;
}

/* How the logger waits when it has nothing to do. */
struct pace {
	size_t large_bytes;	/* a batch after which it does not */
	long nap_nsec;		/* the next one */
	unsigned naps;		/* in a row in which nothing came */
};

static void adapt(struct pace *pace, size_t moved_bytes)
{
	if (moved_bytes > 0)
		pace->naps = 0;
	if (moved_bytes >= pace->large_bytes)
		pace->nap_nsec = SHORTEST_NAP_NSEC;
	else if (moved_bytes < pace->large_bytes / 2 && pace->nap_nsec < LONGEST_NAP_NSEC)
		pace->nap_nsec *= 2;
}

/* Waits as the traffic of late suggests; never while somebody waits for a receipt. */
static void rest(const struct logger *l, size_t moved_bytes, struct pace *pace)
{
	adapt(pace, moved_bytes);
	if (moved_bytes >= pace->large_bytes)
		return;
	atomic_store(&l->board->logger_rests, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (!receipt_is_wanted(l->board)) {
		if (pace->naps < NAPS_BEFORE_SLEEP || logger_limit_must_settle(l)) {
			pace->naps++;
			logger_wait(l, -1, pace->nap_nsec);
		} else {
			logger_wait(l, l->fds->log_read, -1);
		}
	}
	atomic_store(&l->board->logger_rests, 0);
}

/* Ends the round, if it took all that was there: then what it promises is true. */
static int complete_round(struct logger *l, uint32_t round)
{
	int r = STAY;

	if (must_sync(l))
		r = sync_file(l, round);
	crash_point("logger-before-publish");
	if (r == STAY)
		receipt_end_round(l->board, round, false);
	return r;
}

/* Takes what is in the log pipe.  *RET_N: how much that was, and 0 when there was no room for it. */
static int do_round(struct logger *l, uint32_t round, size_t *ret_n)
{
	size_t n = pipe_bytes(l->fds->log_read), moved = 0;
	bool may_finish = n == 0 && (atomic_load(&l->board->logger_order) == ORDER_FINISH ||
				     has_no_writer(l->fds->log_read));
	int r = STAY;

	*ret_n = n;
	/* Whatever was written before the last writer left is visible by now. */
	if (may_finish && pipe_bytes(l->fds->log_read) == 0)
		return finish(l, round);
	if (n > 0 && !logger_has_room(l, n)) {
		logger_wait_stalled(l, ENOSPC);
		*ret_n = 0;
		return STAY;
	}
	crash_point("logger-batch-seen");
	if (n > 0) {
		atomic_store(&l->board->round_offset_bytes, l->offset_bytes);
		r = move_records(l, n, &moved);
	}
	return r == STAY && moved == n ? complete_round(l, round) : r;
}

static int keep_moving(struct logger *l)
{
	struct pace pace = {
		.large_bytes = LARGE_BATCH(pipe_capacity(l->fds->log_read)),
		.nap_nsec = SHORTEST_NAP_NSEC,
	};
	int r;

	for (;;) {
		bool none_held = logger_limit_must_settle(l) && tickets_none_held(l->board);
		uint32_t round = receipt_start_round(l->board);
		size_t n;

		r = look_around(l);
		if (r != STAY)
			return leave(l, round, r);
		r = do_round(l, round, &n);
		if (r == STAY && none_held && pipe_bytes(l->fds->log_read) == 0)
			r = logger_limit_settle(l);
		if (r == STAY)
			r = write_pending_records(l);
		if (r != STAY)
			return r;
		cell_add(&l->board->logger_beat, 1);
		rest(l, n, &pace);
	}
}

/* What a killed predecessor may have left half done. */
static int take_over(struct logger *l)
{
	/* See scoreboard.h, enum pending_record. */
	if (pipe_bytes(l->fds->stage_read) > 0)
		atomic_store(&l->board->pending_records, 0);
	logger_move_stage(l);
	if (!atomic_load(&l->board->round_syncing))
		return STAY;
	journal_field("LOG_PATH=%s", l->config->path);
	journal_event(JOURNAL_SYNC_FAILED, LOG_ERR, "a sync of %s was under way when the last logger died: it counts as failed",
		      l->config->path);
	receipt_end_round(l->board, receipt_start_round(l->board), true);
	return LOGGER_SYNC_FAILED;
}

/* A file that cannot be counted, for want of memory, say, takes no more than one that is full. */
static int start_counting(struct logger *l)
{
	int error = logger_limit_prepare(l), r = STAY;

	if (error == 0)
		return STAY;
	while (error < 0 && r == STAY && !l->is_orphan) {
		logger_wait_stalled(l, -error);
		r = look_around(l);
		error = logger_limit_prepare(l);
	}
	logger_end_stall(l);
	return r == STAY ? STAY : leave(l, receipt_start_round(l->board), r);
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

	r = take_over(l);
	note_wanted_start(l);
	if (r == STAY)
		r = write_pending_records(l);
	if (r != STAY)
		return r;
	return start_counting(l);
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
	return keep_moving(&l);
}
