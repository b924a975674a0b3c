/* SPDX-License-Identifier: MIT */
#include "logger_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/eventfd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "crash_point.h"
#include "journal.h"
#include "pipe.h"
#include "stall.h"

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

void logger_set_stalled(struct logger *l, int error)
{
	if (atomic_load(&l->board->stalled_errno) == error)
		return;
	atomic_store(&l->board->stalled_errno, error);
	(void)eventfd_write(l->fds->doorbell, 1);
	journal_field("LOG_PATH=%s", config_log_name(l->config));
	if (error) {
		journal_field("ERRNO=%d", error);
		journal_event(JOURNAL_LOG_STALLED, LOG_ERR,
			      "cannot write to %s: %s; %s, trying again every %d ms",
			      config_log_name(l->config), strerror(error),
			      stall_consequence(l->config->when_stalled), STALL_RETRY_NSEC / 1000000);
	} else {
		journal_event(JOURNAL_LOG_RESUMED, LOG_NOTICE, "%s takes records again",
			      config_log_name(l->config));
	}
}

void logger_wait_out(struct logger *l, int error)
{
	bool is_first = atomic_load(&l->board->logger_beat) == 0;

	/* The master watches the beat: a full disk is not a logger that hangs. */
	cell_add(&l->board->logger_beat, 1);
	logger_set_stalled(l, error);
	/* The master waits for word of a new logger, also on a disk that was full before. */
	if (is_first)
		(void)eventfd_write(l->fds->doorbell, 1);
	logger_wait(l, -1, STALL_RETRY_NSEC);
}

/* What was cut in the middle of a record gets a newline at SIZE, its end.  Returns 0 or -errno. */
static int end_line(const struct logger *l, off_t size)
{
	char last = '\n';

	if (size > 0 && l->config->format != FORMAT_RAW &&
	    pread(l->fds->log_file, &last, 1, size - 1) == 1 && last != '\n' &&
	    pwrite(l->fds->log_file, "\n", 1, size) < 0)
		return -errno;
	return 0;
}

/*
 * Bytes written behind the end of a file that was truncated would leave a
 * hole before them.  Returns 0 or -errno.
 */
static int stay_at_end(struct logger *l)
{
	struct stat st;
	int r;

	if (l->is_stream || fstat(l->fds->log_file, &st) < 0 || (uint64_t)st.st_size >= l->offset_bytes)
		return 0;
	r = end_line(l, st.st_size);
	if (r < 0)
		return r;
	l->offset_bytes = (uint64_t)lseek(l->fds->log_file, 0, SEEK_END);
	l->synced_bytes = 0;
	l->was_cut_off = true;
	return 0;
}

/*
 * Truncated in the very middle of a splice, the file has a hole, and no
 * newline where the round began.  Ends the hole with one, so that what
 * follows is whole.
 */
static void close_hole(const struct logger *l, uint64_t begin)
{
	static const char nothing[RECORD_MAX];
	char piece[RECORD_MAX];
	ssize_t n;

	while ((n = pread(l->fds->log_file, piece, sizeof(piece), (off_t)begin)) > 0 &&
	       memcmp(piece, nothing, (size_t)n) == 0)
		begin += (uint64_t)n;
	for (ssize_t i = 0; i < n && piece[i] == '\0'; i++)
		begin++;
	if (pwrite(l->fds->log_file, "\n", 1, (off_t)begin - 1) < 0)
		journal_warning("cannot end the hole that a truncation left in %s: %m; a record is on one line with it",
				l->config->path);
}

bool logger_was_cut_off(struct logger *l)
{
	uint64_t begin = atomic_load(&l->board->round_offset_bytes);
	char byte = '\n';

	if (l->was_cut_off)
		return true;
	atomic_store(&l->board->round_offset_bytes, 0);
	if (begin == 0 || begin >= l->offset_bytes || l->config->format == FORMAT_RAW ||
	    pread(l->fds->log_file, &byte, 1, (off_t)begin - 1) != 1 || byte != '\0')
		return false;
	close_hole(l, begin);
	return true;
}

/*
 * A reader of stdout that is slow is no stall, nor a logger that hangs.  One
 * that is gone is no reader.
 */
static void wait_for_reader(struct logger *l)
{
	struct pollfd pollfd = {.fd = l->fds->log_file, .events = POLLOUT};

	cell_add(&l->board->logger_beat, 1);
	(void)poll(&pollfd, 1, STALL_RETRY_NSEC / 1000000);
}

/* As splice(2): what the log takes of the LEFT bytes of the stage. */
static ssize_t write_out(struct logger *l, size_t left)
{
	ssize_t n;

	if (l->copies)
		return logger_copy(l, left);
	n = splice(l->fds->stage_read, NULL, l->fds->log_file, NULL,
		   crash_point_split("logger-mid-splice", left),
		   l->is_stream ? SPLICE_F_NONBLOCK : 0);
	if (n < 0 && errno == EINVAL) {
		logger_begin_copying(l);
		return logger_copy(l, left);
	}
	return n;
}

int logger_empty_stage(struct logger *l)
{
	size_t left;

	while ((left = pipe_bytes(l->fds->stage_read)) > 0) {
		int r = stay_at_end(l);
		ssize_t n;

		if (r < 0) {
			logger_wait_out(l, -r);
			continue;
		}
		n = write_out(l, left);
		if (n > 0) {
			crash_point_if_split("logger-mid-splice");
			l->offset_bytes += (uint64_t)n;
			cell_add(&l->board->moved_bytes, (uint64_t)n);
			logger_set_stalled(l, 0);
		} else if (n < 0 && errno == EAGAIN) {
			wait_for_reader(l);
		} else if (n == 0 || errno != EINTR) {
			logger_wait_out(l, n == 0 ? EIO : errno);
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

	/* What is no file has no blocks. */
	if (keep == 0 || fstatvfs(l->fds->log_file, &fs) < 0 || fs.f_blocks == 0)
		return true;
	if (keep & CONFIG_PERCENT)
		keep = fs.f_blocks * fs.f_frsize / 100 * (keep & ~CONFIG_PERCENT);
	if (fs.f_bavail * fs.f_frsize >= keep + n)
		return true;
	logger_wait_out(l, ENOSPC);
	return false;
}
