/* SPDX-License-Identifier: MIT */
#include "master/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/journal.h"

/*
 * Who holds which descriptor.  The master holds all of them, and of the
 * master's other descriptors (event loop, notification) a child holds none.
 *
 *                      master                               worker   logger
 *   listeners          yes                                  yes      -
 *   log pipe, read     kept: a logger may be reborn         -        yes
 *   log pipe, write    for the next fork, never written     yes      -
 *   stage pipe         both ends kept, never touched        -        yes
 *   log file           opens it, never writes               -        yes
 *   doorbell           reads                                writes   writes
 *   logger's bell      kept                                 writes   reads
 *   journal            writes                               -        writes
 */
static const struct {
	const char *comm;	/* at most 15 bytes, prctl(2) */
	bool listeners, log_read, log_write, stage, log_file, journal;
	bool dies_with_master;	/* the logger does not: it drains first */
	bool gives_way;		/* where memory runs out: one client is less than the service */
} kinds[] = {
	[CHILD_WORKER] = {.comm = "echo-log-worker", .listeners = true, .log_write = true,
			  .dies_with_master = true, .gives_way = true},
	[CHILD_LOGGER] = {.comm = "echo-log-logger", .log_read = true, .stage = true,
			  .log_file = true, .journal = true},
};

/* In thousandths of all memory; as much as OOMScoreAdjust= of the unit takes off. */
#define OOM_RAISE 200
#define OOM_MOST 1000

#define MAX_HELD (STDERR_FILENO + 1 + LISTENERS_MAX + 8)

struct keep {
	int fds[MAX_HELD];	/* ascending */
	unsigned n;
};

static void keep_fd(struct keep *keep, int fd)
{
	unsigned i = keep->n++;

	for (; i > 0 && keep->fds[i - 1] > fd; i--)
		keep->fds[i] = keep->fds[i - 1];
	keep->fds[i] = fd;
}

/* Notes *FD to be kept, or forgets it. */
static void hold(struct keep *keep, bool held, int *fd)
{
	if (!held)
		*fd = -1;
	else if (*fd >= 0)
		keep_fd(keep, *fd);
}

static void close_all_but(const struct keep *keep)
{
	unsigned first = 0;

	for (unsigned i = 0; i < keep->n; i++) {
		unsigned fd = (unsigned)keep->fds[i];

		if (fd > first)
			close_range(first, fd - 1, 0);
		first = fd + 1;
	}
	close_range(first, ~0U, 0);
}

static void keep_what_is_held(enum child_kind kind, struct descriptors *d)
{
	struct keep keep = {.n = 0};

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		keep_fd(&keep, fd);
	if (!kinds[kind].listeners)
		d->listeners.n = 0;
	for (unsigned i = 0; i < d->listeners.n; i++)
		keep_fd(&keep, d->listeners.item[i].fd);
	hold(&keep, kinds[kind].log_read, &d->log_read);
	hold(&keep, kinds[kind].log_write, &d->log_write);
	hold(&keep, kinds[kind].stage, &d->stage_read);
	hold(&keep, kinds[kind].stage, &d->stage_write);
	hold(&keep, kinds[kind].log_file, &d->log_file);
	hold(&keep, true, &d->doorbell);
	hold(&keep, true, &d->logger_bell);
	if (!kinds[kind].journal)
		journal_forget_fd();
	if (journal_fd() >= 0)
		keep_fd(&keep, journal_fd());
	close_all_but(&keep);
}

/*
 * The kernel takes this process before the master and the logger,
 * proc_pid_oom_score_adj(5).  No harm if not.
 */
static void give_way(void)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC), adjust;

	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) < 0)
		return;
	adjust = atoi(text) + OOM_RAISE;
	snprintf(text, sizeof(text), "%d", adjust < OOM_MOST ? adjust : OOM_MOST);
	/* It is closed with all that the child does not hold. */
	if (pwrite(fd, text, strlen(text), 0) < 0)
		return;
}

pid_t child_fork(enum child_kind kind, struct descriptors *held)
{
	pid_t master = getpid();
	/* Not fork(3), which runs what libraries have registered: see dontfork.h. */
	pid_t pid = _Fork();

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return pid;

	if (kinds[kind].dies_with_master) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* The master may have died before that line. */
		if (getppid() != master)
			_exit(EXIT_FAILURE);
	}
	if (kinds[kind].gives_way)
		give_way();
	prctl(PR_SET_NAME, kinds[kind].comm);
	keep_what_is_held(kind, held);
	return 0;
}
