/* SPDX-License-Identifier: MIT */
#include "logger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "build.h"
#include "clock.h"
#include "journal.h"
#include "logfile.h"
#include "parse.h"
#include "tickets.h"

/*
 * While records flow the logger naps on a timer instead of waiting on the
 * pipe: waking it costs the writer some 10 us, an awake or absent reader
 * costs 1 us.  After a large batch it does not even nap.
 */
#define NAP_NSEC 500000
#define NAPS_BEFORE_SLEEP 20
#define LARGE_BATCH_BYTES (128 * 1024)

/* How often a file that takes nothing is tried again. */
#define STALL_RETRY_NSEC 100000000

/* How much of a batch is looked at at once for the messages in it. */
#define LOOK_BYTES ((size_t)64 * 1024)

struct logger {
	const struct config *config;
	const struct descriptors *fds;
	struct scoreboard *board;
	struct record_style style;
	uint64_t offset_bytes;		/* of the file; all before it is written */
	struct message_count count;	/* up to offset_bytes; kept only with a message_limit */
	int look_read, look_write;	/* pipe for looking into a batch, -1 unless needed */
	char *look_buffer;
};

/* Beside the enum logger_exit statuses: not time to leave. */
#define STAY (-1)

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

/* SIGUSR1 comes through only in here; one sent before it ends the wait at once. */
static void wait_for(int fd, long nsec)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	struct timespec timeout = {.tv_nsec = nsec};
	sigset_t none;

	sigemptyset(&none);
	(void)ppoll(&pollfd, fd >= 0, nsec >= 0 ? &timeout : NULL, &none);
}

static size_t bytes_in(int pipe_fd)
{
	int n = 0;

	if (ioctl(pipe_fd, FIONREAD, &n) < 0)
		return 0;
	return (size_t)n;
}

static bool has_no_writer(int pipe_fd)
{
	struct pollfd pollfd = {.fd = pipe_fd, .events = POLLIN};

	return poll(&pollfd, 1, 0) > 0 && (pollfd.revents & POLLHUP);
}

static void ring(const struct logger *l)
{
	(void)eventfd_write(l->fds->doorbell, 1);
}

static void set_stalled(struct logger *l, int error)
{
	if (atomic_load(&l->board->stalled_errno) == error)
		return;
	atomic_store(&l->board->stalled_errno, error);
	ring(l);
	if (error)
		journal_error("cannot write to %s: %s; clients wait, nothing is lost, trying again every %d ms",
			      l->config->path, strerror(error), STALL_RETRY_NSEC / 1000000);
	else
		journal_notice("%s takes records again", l->config->path);
}

/* Moves the whole stage to the file, however long the file refuses.  Returns STAY or LOGGER_CANNOT_GO_ON. */
static int empty_stage(struct logger *l)
{
	size_t left;

	while ((left = bytes_in(l->fds->stage_read)) > 0) {
		ssize_t n = splice(l->fds->stage_read, NULL, l->fds->log_file, NULL, left, 0);

		if (n > 0) {
			l->offset_bytes += (uint64_t)n;
			set_stalled(l, 0);
		} else if (n < 0 && errno == EINVAL) {
			journal_error("cannot splice to %s: its file system has no splice(2)",
				      l->config->path);
			return LOGGER_CANNOT_GO_ON;
		} else if (n < 0 && errno != EINTR) {
			set_stalled(l, errno);
			wait_for(-1, STALL_RETRY_NSEC);
		}
	}
	return STAY;
}

static void publish_count(struct logger *l)
{
	uint32_t next = !atomic_load(&l->board->count_index);

	/* Two places: whoever is killed between the two stores leaves the old pair whole. */
	l->board->count[next] = l->count;
	atomic_store(&l->board->count_index, next);
}

static bool rotates_at_limit(const struct logger *l)
{
	return l->config->message_limit > 0 && l->config->at_message_limit == LIMIT_ROTATE;
}

static bool stops_at_limit(const struct logger *l)
{
	return l->config->message_limit > 0 && l->config->at_message_limit == LIMIT_STOP;
}

/*
 * The length of the part of the next N bytes of the log pipe that ends with
 * the last message this file may have, or N.  tee(2) makes a copy that
 * leaves the pipe as it is.
 */
static ssize_t cut_at_limit(struct logger *l, size_t n)
{
	uint64_t wanted = l->config->message_limit - l->count.messages, seen = 0;
	size_t kept = 0, passed, cut = 0;
	ssize_t copied = tee(l->fds->log_read, l->look_write, n, SPLICE_F_NONBLOCK), left, got;

	if (copied < 0)
		return -errno;
	for (left = copied; left > 0; left -= got) {
		got = read(l->look_read, l->look_buffer + kept, LOOK_BYTES);
		if (got < 0)
			return -errno;
		if (seen == wanted)
			continue;
		seen += parse_count_messages(l->config->format, l->look_buffer,
					     kept + (size_t)got, wanted - seen, &passed);
		cut += passed;
		kept += (size_t)got - passed;
		memmove(l->look_buffer, l->look_buffer + passed, kept);
	}
	l->count.messages += seen;
	return (ssize_t)cut;
}

/* Moves N bytes, whole records, from the log pipe to the file. */
static int move_batch(struct logger *l, size_t n)
{
	while (n > 0) {
		ssize_t moved = splice(l->fds->log_read, NULL, l->fds->stage_write, NULL, n, 0);
		int r;

		if (moved < 0 && errno == EINTR)
			continue;
		if (moved <= 0) {
			journal_error("cannot move records from the log pipe: %m");
			return LOGGER_CANNOT_GO_ON;
		}
		n -= (size_t)moved;
		r = empty_stage(l);
		if (r != STAY)
			return r;
	}
	return STAY;
}

static int move_records(struct logger *l, size_t n)
{
	ssize_t cut = (ssize_t)n;
	int r;

	if (rotates_at_limit(l)) {
		cut = cut_at_limit(l, n);
		if (cut < 0) {
			journal_error("cannot look into the log pipe: %s", strerror((int)-cut));
			return LOGGER_CANNOT_GO_ON;
		}
	}
	r = move_batch(l, (size_t)cut);
	if (r == STAY && rotates_at_limit(l)) {
		l->count.offset_bytes = l->offset_bytes;
		publish_count(l);
	}
	return r;
}

/* The logger's own records go through the empty stage, so they too are never torn or doubled. */
static int pay_debts(struct logger *l)
{
	uint32_t owed = atomic_load(&l->board->logger_owes);
	uint64_t now = clock_realtime_usec();
	char text[4 * RECORD_EVENT_MAX], boot[SD_ID128_STRING_MAX] = "";
	size_t len = 0;
	sd_id128_t id;

	if (owed == 0)
		return STAY;
	if (owed & OWES_TORN) {
		uint64_t torn_bytes = atomic_load(&l->board->torn_bytes);

		if (torn_bytes > 0)
			text[len++] = '\n';
		len += record_torn(&l->style, text + len, now, torn_bytes);
	}
	if (owed & OWES_START) {
		if (sd_id128_get_boot(&id) >= 0)
			sd_id128_to_string(id, boot);
		len += record_start(&l->style, text + len, now, boot, PACKAGE_VERSION);
	}
	if (owed & OWES_LIMIT)
		len += record_limit(&l->style, text + len, now, l->config->message_limit);
	if (len > 0 && write(l->fds->stage_write, text, len) != (ssize_t)len) {
		journal_error("cannot write to the stage pipe: %m");
		return LOGGER_CANNOT_GO_ON;
	}
	atomic_store(&l->board->logger_owes, 0);
	return empty_stage(l);
}

/* Closed, and all that has a ticket is in the file: leave as ordered, or open the counter. */
static int settle_tickets(struct logger *l)
{
	uint64_t used;
	int r;

	if (atomic_load(&l->board->logger_order) == ORDER_REOPEN)
		return LOGGER_REOPEN;
	if (l->config->format == FORMAT_RAW) {
		used = tickets_used(l->board);
	} else {
		r = logfile_count_messages(l->fds->log_file, l->config->format, l->offset_bytes,
					   &l->count);
		if (r < 0) {
			journal_error("cannot count the messages in %s: %s", l->config->path,
				      strerror(-r));
			return LOGGER_CANNOT_GO_ON;
		}
		publish_count(l);
		used = l->count.messages;
	}
	tickets_issue(l->board, used, l->config->message_limit);
	if (!tickets_are_spent(l->board))
		atomic_store(&l->board->limit_reached, 0);
	return STAY;
}

/* at_message_limit = stop, between two records.  ALL_MOVED: the pipe was empty after nobody held a ticket. */
static int mind_tickets(struct logger *l, bool all_moved)
{
	if (!all_moved)
		return STAY;
	if (tickets_are_closed(l->board))
		return settle_tickets(l);
	if (tickets_are_spent(l->board) && !atomic_load(&l->board->limit_reached)) {
		atomic_fetch_or(&l->board->logger_owes, OWES_LIMIT);
		atomic_store(&l->board->limit_reached, 1);
		ring(l);
	}
	return STAY;
}

/* Whether the tickets need a look before the logger may sleep: somebody may be about to use the last one. */
static bool minds_tickets(const struct logger *l)
{
	if (!stops_at_limit(l))
		return false;
	return tickets_are_closed(l->board) ||
	       (tickets_are_spent(l->board) && !atomic_load(&l->board->limit_reached));
}

/* Between two records: is it time to leave? */
static int look_around(struct logger *l)
{
	switch (logfile_check(l->fds->log_file, l->config->path, l->offset_bytes)) {
	case LOGFILE_SHRANK:
		return LOGGER_SHRANK;
	case LOGFILE_DELETED:
		return LOGGER_MOVED;
	case LOGFILE_MOVED:
		/* A renamed file still takes what belongs to it: leave as for a reopen. */
		if (!stops_at_limit(l))
			return LOGGER_MOVED;
		tickets_close(l->board);
		atomic_store(&l->board->logger_order, ORDER_REOPEN);
		break;
	case LOGFILE_SAME:
		break;
	}
	if (rotates_at_limit(l) && l->count.messages >= l->config->message_limit)
		return LOGGER_FULL;
	if (atomic_load(&l->board->logger_order) == ORDER_REOPEN) {
		if (!stops_at_limit(l))
			return LOGGER_REOPEN;
		tickets_close(l->board);
	}
	return STAY;
}

static int finish(struct logger *l)
{
	if (fdatasync(l->fds->log_file) == 0)
		return LOGGER_FINISHED;
	journal_error("cannot sync %s: %m; its last records may not survive a power cut",
		      l->config->path);
	return LOGGER_CANNOT_GO_ON;
}

/* Waits as the traffic of late suggests. */
static void rest(const struct logger *l, size_t moved_bytes, unsigned *naps)
{
	if (moved_bytes >= LARGE_BATCH_BYTES) {
		*naps = 0;
		return;
	}
	if (moved_bytes > 0 || minds_tickets(l))
		*naps = 0;
	if (*naps < NAPS_BEFORE_SLEEP) {
		++*naps;
		wait_for(-1, NAP_NSEC);
	} else {
		wait_for(l->fds->log_read, -1);
	}
}

static int keep_moving(struct logger *l)
{
	unsigned naps = 0;
	int r;

	for (;;) {
		bool none_held = minds_tickets(l) && tickets_none_held(l->board);
		size_t n = bytes_in(l->fds->log_read);

		r = look_around(l);
		if (r != STAY)
			return r;
		if (n > 0) {
			r = move_records(l, n);
		} else if (atomic_load(&l->board->logger_order) == ORDER_FINISH ||
			   has_no_writer(l->fds->log_read)) {
			/* Whatever was written before the last writer left is visible by now. */
			if (bytes_in(l->fds->log_read) == 0)
				return finish(l);
		}
		if (r == STAY)
			r = mind_tickets(l, none_held);
		if (r == STAY)
			r = pay_debts(l);
		if (r != STAY)
			return r;
		cell_add(&l->board->logger_beat, 1);
		rest(l, n, &naps);
	}
}

static int prepare_counting(struct logger *l)
{
	int fds[2], r;

	if (!rotates_at_limit(l))
		return 0;
	r = logfile_count_messages(l->fds->log_file, l->config->format, l->offset_bytes,
				   &l->count);
	if (r < 0)
		return r;
	publish_count(l);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	l->look_read = fds[0];
	l->look_write = fds[1];
	/* As many pages as the log pipe, or the copy of a batch would be cut short. */
	(void)fcntl(l->look_write, F_SETPIPE_SZ, fcntl(l->fds->log_read, F_GETPIPE_SZ));
	/* Beside what is read at once, the beginning of a record that is not complete yet. */
	l->look_buffer = malloc(LOOK_BYTES + RECORD_MAX);
	return l->look_buffer ? 0 : -ENOMEM;
}

static int prepare(struct logger *l)
{
	off_t offset;
	int r;

	catch_signals();
	record_style_init(&l->style, l->config->format);
	offset = lseek(l->fds->log_file, 0, SEEK_CUR);
	if (offset < 0)
		return LOGGER_CANNOT_GO_ON;
	l->offset_bytes = (uint64_t)offset;
	l->count = l->board->count[atomic_load(&l->board->count_index)];

	/* A predecessor was killed: see scoreboard.h, enum logger_debt. */
	if (bytes_in(l->fds->stage_read) > 0)
		atomic_store(&l->board->logger_owes, 0);
	r = empty_stage(l);
	if (r == STAY)
		r = pay_debts(l);
	if (r != STAY)
		return r;
	r = prepare_counting(l);
	if (r < 0) {
		journal_error("cannot count the messages in %s: %s", l->config->path, strerror(-r));
		return LOGGER_CANNOT_GO_ON;
	}
	return STAY;
}

int logger_run(const struct config *config, const struct descriptors *fds,
	       struct scoreboard *board)
{
	struct logger l = {
		.config = config, .fds = fds, .board = board, .look_read = -1, .look_write = -1,
	};
	int r = prepare(&l);

	if (r != STAY)
		return r;
	cell_add(&board->logger_beat, 1);
	ring(&l);
	return keep_moving(&l);
}
