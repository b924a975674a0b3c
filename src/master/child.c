/* SPDX-License-Identifier: MIT */
#include "master/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/journal.h"
#include "base/title.h"

/* The table in child.h, as the code reads it. */
static const struct {
	const char *comm;	/* at most 15 bytes, prctl(2) */
	const char *title;	/* title.h; a worker sets the detail */
	bool listeners, log_read, log_write, stage, log_file, journal;
	bool dies_with_master;	/* the logger does not: it empties the pipes first */
	bool raises_oom_score;	/* killed first if memory runs out: it costs one client only */
} kinds[] = {
	[CHILD_WORKER] = {.comm = "echo-log-worker", .title = "worker ", .listeners = true,
			  .log_write = true, .dies_with_master = true, .raises_oom_score = true},
	[CHILD_LOGGER] = {.comm = "echo-log-logger", .title = "logger", .log_read = true,
			  .stage = true, .log_file = true, .journal = true},
};

/* In thousandths of all memory.  Undoes OOMScoreAdjust=-200 of the unit. */
#define OOM_RAISE 200
#define OOM_MOST 1000

#define MAX_OPEN (STDERR_FILENO + 1 + LISTENERS_MAX + 8)

/* The master has far fewer descriptors, and each is the lowest number that is free. */
#define NUMBERS_MAX 65536

struct open_fds {
	int fds[MAX_OPEN];	/* ascending */
	unsigned n;
};

static void keep_fd(struct open_fds *kept, int fd)
{
	unsigned i = kept->n++;

	for (; i > 0 && kept->fds[i - 1] > fd; i--)
		kept->fds[i] = kept->fds[i - 1];
	kept->fds[i] = fd;
}

/* Keeps *FD open if the child holds it, else sets it to -1. */
static void keep_or_unset(struct open_fds *kept, bool held, int *fd)
{
	if (!held)
		*fd = -1;
	else if (*fd >= 0)
		keep_fd(kept, *fd);
}

/* Closes all descriptors between those that are kept.  Returns 0 or -errno. */
static int close_ranges(const struct open_fds *kept)
{
	unsigned first = 0;

	for (unsigned i = 0; i < kept->n; i++) {
		unsigned fd = (unsigned)kept->fds[i];

		if (fd > first && close_range(first, fd - 1, 0) < 0)
			return -errno;
		first = fd + 1;
	}
	return close_range(first, ~0U, 0) < 0 ? -errno : 0;
}

static bool is_kept(const struct open_fds *kept, int fd)
{
	for (unsigned i = 0; i < kept->n; i++)
		if (kept->fds[i] == fd)
			return true;
	return false;
}

/* Returns 0, or -errno if the open descriptors cannot be listed. */
static int close_listed(const struct open_fds *kept)
{
	DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (!directory)
		return -errno;
	while ((entry = readdir(directory))) {
		int fd = atoi(entry->d_name);	/* 0, which is kept, for "." and ".." */

		if (fd != dirfd(directory) && !is_kept(kept, fd))
			close(fd);
	}
	closedir(directory);
	return 0;
}

/* The limit may have been lowered since a descriptor was opened, but not the hard limit. */
static void close_all_numbers(const struct open_fds *kept)
{
	struct rlimit limit = {.rlim_max = NUMBERS_MAX};

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	for (rlim_t fd = 0; fd < limit.rlim_max && fd < NUMBERS_MAX; fd++)
		if (!is_kept(kept, (int)fd))
			close((int)fd);
}

/* close_range(2) is missing before Linux 5.9, and refused by the filters of old containers. */
static void close_all_except(const struct open_fds *kept)
{
	if (close_ranges(kept) < 0 && close_listed(kept) < 0)
		close_all_numbers(kept);
}

static void close_unused(enum child_kind kind, struct descriptors *d)
{
	struct open_fds kept = {.n = 0};

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		keep_fd(&kept, fd);
	if (!kinds[kind].listeners)
		d->listeners.n = 0;
	for (unsigned i = 0; i < d->listeners.n; i++)
		keep_fd(&kept, d->listeners.item[i].fd);
	keep_or_unset(&kept, kinds[kind].log_read, &d->log_read);
	keep_or_unset(&kept, kinds[kind].log_write, &d->log_write);
	keep_or_unset(&kept, kinds[kind].stage, &d->stage_read);
	keep_or_unset(&kept, kinds[kind].stage, &d->stage_write);
	keep_or_unset(&kept, kinds[kind].log_file, &d->log_file);
	keep_or_unset(&kept, true, &d->doorbell);
	keep_or_unset(&kept, true, &d->logger_bell);
	if (!kinds[kind].journal)
		journal_forget_fd();
	if (journal_fd() >= 0)
		keep_fd(&kept, journal_fd());
	close_all_except(&kept);
}

/*
 * If memory runs out, the kernel kills this process before the master and the
 * logger, proc_pid_oom_score_adj(5).  A failure does no harm.
 */
static void raise_oom_score(void)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC), adjust;

	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) < 0)
		return;
	adjust = atoi(text) + OOM_RAISE;
	snprintf(text, sizeof(text), "%d", adjust < OOM_MOST ? adjust : OOM_MOST);
	/* close_all_except() closes FD. */
	if (pwrite(fd, text, strlen(text), 0) < 0)
		return;
}

pid_t child_fork(enum child_kind kind, struct descriptors *held)
{
	pid_t master = getpid();
	/* fork(3) would run the handlers of libraries that the child lacks (dontfork.h). */
	pid_t pid = _Fork();

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return pid;

	if (kinds[kind].dies_with_master) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* If the master died before prctl(), no signal comes. */
		if (getppid() != master)
			_exit(EXIT_FAILURE);
	}
	if (kinds[kind].raises_oom_score)
		raise_oom_score();
	prctl(PR_SET_NAME, kinds[kind].comm);
	title_set_role(kinds[kind].title);
	close_unused(kind, held);
	return 0;
}
