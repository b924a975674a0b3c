/* SPDX-License-Identifier: MIT */
#include "logger/logger_wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/journal.h"
#include "ipc/stall.h"
#include "ipc/tickets.h"
#include "logger/logfile.h"

/* How often a log that cannot be written is tried again. */
#define RETRY_MSEC 100

void logger_wait(const struct logger *l, int fd, long nsec)
{
	struct pollfd pollfds[] = {
		{.fd = l->fds->logger_bell, .events = POLLIN},
		{.fd = fd, .events = POLLIN},
	};
	struct timespec timeout = {.tv_nsec = nsec};
	eventfd_t rings;
	sigset_t none;

	/* Signals are blocked elsewhere: one that came earlier ends the wait at once. */
	sigemptyset(&none);
	if (ppoll(pollfds, 2, nsec >= 0 ? &timeout : NULL, &none) > 0 && pollfds[0].revents)
		(void)eventfd_read(l->fds->logger_bell, &rings);
}

static void report_stall(const struct logger *l, int error)
{
	journal_field("LOG_PATH=%s", config_log_name(l->config));
	journal_field("ERRNO=%d", error);
	journal_event(JOURNAL_LOG_STALLED, LOG_ERR,
		      "cannot write to %s: %s; %s, retrying every %d ms",
		      config_log_name(l->config), strerror(error),
		      stall_consequence(l->config->when_stalled), RETRY_MSEC);
}

static void report_end(const struct logger *l)
{
	journal_field("LOG_PATH=%s", config_log_name(l->config));
	journal_event(JOURNAL_LOG_RESUMED, LOG_NOTICE, "%s can be written again",
		      config_log_name(l->config));
}

/* Returns whether ERROR is another than before. */
static bool set_error(struct logger *l, int error)
{
	if (atomic_load(&l->board->stalled_errno) == error)
		return false;
	atomic_store(&l->board->stalled_errno, error);
	(void)eventfd_write(l->fds->doorbell, 1);
	return true;
}

/*
 * Like should_leave() in logger.c, but in the middle of anything.  Records with
 * a ticket go to the next file with all others: its logger counts them.
 */
static int leave_while_stalled(struct logger *l)
{
	enum logfile_state state;
	bool is_ordered;

	if (getppid() != l->master_pid)
		l->is_orphan = true;
	if (l->is_orphan || l->is_stream)
		return STAY;
	is_ordered = atomic_load(&l->board->logger_order) == ORDER_REOPEN;
	state = logfile_check(l->fds->log_file, l->config->path, l->offset_bytes);
	if (!is_ordered && state != LOGFILE_MOVED && state != LOGFILE_DELETED)
		return STAY;
	if (logger_stops_at_limit(l))
		tickets_close(l->board);
	return is_ordered ? LOGGER_REOPEN : LOGGER_MOVED;
}

int logger_wait_stalled(struct logger *l, int error)
{
	bool is_first = atomic_load(&l->board->logger_beat) == 0;

	/* The master watches the beat: a full disk is not a logger that hangs. */
	cell_add(&l->board->logger_beat, 1);
	if (set_error(l, error))
		report_stall(l, error);
	/* The first beat says that a new logger is up, also if its predecessor was stalled. */
	if (is_first)
		(void)eventfd_write(l->fds->doorbell, 1);
	logger_wait(l, -1, RETRY_MSEC * 1000000L);
	return leave_while_stalled(l);
}

void logger_end_stall(struct logger *l)
{
	if (set_error(l, 0))
		report_end(l);
}

void logger_wait_for_reader(struct logger *l)
{
	struct pollfd pollfd = {.fd = l->fds->log_file, .events = POLLOUT};

	/* A slow reader is not a logger that hangs either. */
	cell_add(&l->board->logger_beat, 1);
	(void)poll(&pollfd, 1, RETRY_MSEC);
}

bool logger_has_room(const struct logger *l, size_t n)
{
	uint64_t keep = l->config->keep_free;
	struct statvfs fs;

	/* A log that is no file has no blocks. */
	if (keep == 0 || fstatvfs(l->fds->log_file, &fs) < 0 || fs.f_blocks == 0)
		return true;
	if (keep & CONFIG_PERCENT)
		keep = fs.f_blocks * fs.f_frsize / 100 * (keep & ~CONFIG_PERCENT);
	return fs.f_bavail * fs.f_frsize >= keep + n;
}
