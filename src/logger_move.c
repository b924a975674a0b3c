/* SPDX-License-Identifier: MIT */
#include "logger_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "crash_point.h"
#include "journal.h"
#include "pipe_bytes.h"

/* How often a file that takes nothing is tried again. */
#define STALL_RETRY_NSEC 100000000

void logger_wait(const struct logger *l, int fd, long nsec)
{
	struct pollfd pollfds[] = {
		{.fd = l->fds->logger_bell, .events = POLLIN},
		{.fd = fd, .events = POLLIN},
	};
	struct timespec timeout = {.tv_nsec = nsec};
	eventfd_t rings;
	sigset_t none;

	/* Everything is let through; one that came before ends the wait at once. */
	sigemptyset(&none);
	if (ppoll(pollfds, 2, nsec >= 0 ? &timeout : NULL, &none) > 0 && pollfds[0].revents)
		(void)eventfd_read(l->fds->logger_bell, &rings);
}

static const char *const consequences[] = {
	[STALL_BLOCK] = "clients wait, nothing is lost",
	[STALL_DROP] = "soon messages are echoed and not saved",
	[STALL_CLOSE] = "soon clients are closed without their echo",
};

void logger_set_stalled(struct logger *l, int error)
{
	if (atomic_load(&l->board->stalled_errno) == error)
		return;
	atomic_store(&l->board->stalled_errno, error);
	(void)eventfd_write(l->fds->doorbell, 1);
	if (error)
		journal_error("cannot write to %s: %s; %s, trying again every %d ms",
			      l->config->path, strerror(error),
			      consequences[l->config->when_stalled], STALL_RETRY_NSEC / 1000000);
	else
		journal_notice("%s takes records again", l->config->path);
}

/* The master watches the beat: a full disk is not a logger that hangs. */
static void wait_for_room(struct logger *l, int error)
{
	bool is_first = atomic_load(&l->board->logger_beat) == 0;

	cell_add(&l->board->logger_beat, 1);
	logger_set_stalled(l, error);
	/* The master waits for word of a new logger, also on a disk that was full before. */
	if (is_first)
		(void)eventfd_write(l->fds->doorbell, 1);
	logger_wait(l, -1, STALL_RETRY_NSEC);
}

int logger_empty_stage(struct logger *l)
{
	size_t left;

	while ((left = bytes_in_pipe(l->fds->stage_read)) > 0) {
		ssize_t n = splice(l->fds->stage_read, NULL, l->fds->log_file, NULL,
				   crash_point_split("logger-mid-splice", left), 0);

		if (n > 0) {
			crash_point_if_split("logger-mid-splice");
			l->offset_bytes += (uint64_t)n;
			cell_add(&l->board->moved_bytes, (uint64_t)n);
			logger_set_stalled(l, 0);
		} else if (n < 0 && errno == EINVAL) {
			journal_error("cannot splice to %s: its file system has no splice(2)",
				      l->config->path);
			return LOGGER_CANNOT_GO_ON;
		} else if (n < 0 && errno != EINTR) {
			wait_for_room(l, errno);
		}
	}
	return STAY;
}

int logger_move(struct logger *l, size_t n)
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
		crash_point("logger-batch-staged");
		n -= (size_t)moved;
		r = logger_empty_stage(l);
		if (r != STAY)
			return r;
	}
	return STAY;
}

bool logger_has_room(struct logger *l, size_t n)
{
	uint64_t keep = l->config->keep_free;
	struct statvfs fs;

	if (keep == 0 || fstatvfs(l->fds->log_file, &fs) < 0)
		return true;
	if (keep & CONFIG_PERCENT)
		keep = fs.f_blocks * fs.f_frsize / 100 * (keep & ~CONFIG_PERCENT);
	if (fs.f_bavail * fs.f_frsize >= keep + n)
		return true;
	wait_for_room(l, ENOSPC);
	return false;
}
