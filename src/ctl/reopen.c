/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "board.h"
#include "clock.h"
#include "ctl.h"
#include "runtime.h"

/* A change of files takes some milliseconds; more only where the disk, or the old file, is in the way. */
#define LONGEST_WAIT_USEC 60000000
static const struct timespec look_again = {.tv_nsec = 2000000};

/*
 * An opening that began after the master saw a request that came after
 * ASKED: so the file that its name led to by then is in use.
 */
static bool is_done(struct scoreboard *board, uint32_t asked)
{
	return (int32_t)(atomic_load(&board->reopens_done) - asked) > 0;
}

static void say_obstacle(struct scoreboard *board)
{
	int no_logger = atomic_load(&board->no_logger_errno);
	int stalled = atomic_load(&board->stalled_errno);

	fprintf(stderr, "echo-logctl: not done within %d s: ", LONGEST_WAIT_USEC / 1000000);
	if (no_logger != 0)
		fprintf(stderr, "the log cannot be opened: %s; ", strerror(no_logger));
	else if (stalled != 0)
		fprintf(stderr, "the log is stalled: %s; ", strerror(stalled));
	else if (atomic_load(&board->logger_pid) == 0)
		fputs("there is no logger; ", stderr);
	fputs("echo-logd keeps trying, nothing is lost\n", stderr);
}

static int wait_until_done(struct scoreboard *board, const char *directory, pid_t master,
			   uint32_t asked)
{
	uint64_t until_usec = clock_monotonic_usec() + LONGEST_WAIT_USEC;

	while (!is_done(board, asked)) {
		if (!board_master_lives(master)) {
			runtime_say_dead(directory, master);
			return CTL_FAILED;
		}
		if (clock_monotonic_usec() >= until_usec) {
			say_obstacle(board);
			return CTL_FAILED;
		}
		nanosleep(&look_again, NULL);
	}
	return CTL_WELL;
}

int ctl_reopen(int argc, char *argv[])
{
	struct scoreboard *board;
	const char *directory;
	uint32_t asked;
	pid_t master;

	if (!runtime_parse(argc, argv, &directory, NULL))
		return CTL_USAGE;
	board = runtime_open(directory);
	if (!board)
		return CTL_FAILED;
	master = atomic_load(&board->master_pid);
	/* Before the signal: what is counted from here on is ours, or came later than the renaming. */
	asked = atomic_load(&board->reopens_asked);
	if (!board_master_lives(master)) {
		runtime_say_dead(directory, master);
		return CTL_FAILED;
	}
	if (kill(master, SIGUSR1) < 0) {
		fprintf(stderr, "echo-logctl: cannot signal process %d: %s%s\n", (int)master,
			strerror(errno), errno == EPERM ? "; use sudo" : "");
		return CTL_FAILED;
	}
	return wait_until_done(board, directory, master, asked);
}
