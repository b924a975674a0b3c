/* SPDX-License-Identifier: MIT */
#include "ctl/runtime.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "ctl/board.h"
#include "ctl/ctl.h"

/*
 * A request usually takes some milliseconds.  It takes longer if the disk is slow, or if the
 * messages in an existing log file have to be counted.
 */
#define MAX_WAIT_USEC 60000000
static const struct timespec look_again = {.tv_nsec = 2000000};

struct scoreboard *runtime_open(const char *directory)
{
	struct scoreboard *board;
	int r = board_open(directory, &board);

	if (r == 0)
		return board;
	fputs("echo-logctl: ", stderr);
	if (r == -ENOENT || r == -ENOTDIR)
		fprintf(stderr,
			"echo-logd is not running here (no %s/scoreboard); for another instance "
			"use --runtime DIR\n",
			directory);
	else if (r == -EACCES)
		fprintf(stderr,
			"cannot read %s/scoreboard: permission denied; use sudo, or join the group "
			"echo-logd\n",
			directory);
	else if (r == -EPROTONOSUPPORT)
		fprintf(stderr,
			"%s/scoreboard was made by another version of echo-logd than this "
			"echo-logctl\n",
			directory);
	else if (r == -EBADMSG || r == -ELOOP)
		fprintf(stderr, "%s/scoreboard is not a scoreboard of echo-logd, or is damaged\n",
			directory);
	else
		fprintf(stderr, "cannot read %s/scoreboard: %s\n", directory, strerror(-r));
	return NULL;
}

void runtime_report_dead(const char *directory, pid_t pid)
{
	fprintf(stderr,
		"echo-logctl: the echo-logd of %s/scoreboard (process %d) is not running any more; "
		"for another instance use --runtime DIR\n",
		directory, (int)pid);
}

int runtime_ask(struct scoreboard *board, const char *directory, int signo,
		const _Atomic uint32_t *counter,
		bool (*is_done)(struct scoreboard *board, uint32_t asked),
		void (*print_obstacle)(struct scoreboard *board))
{
	uint64_t until_usec = clock_monotonic_usec() + MAX_WAIT_USEC;
	pid_t master = atomic_load(&board->master_pid);
	uint32_t asked = atomic_load(counter);

	if (board_master_lives(master) && kill(master, signo) < 0) {
		fprintf(stderr, "echo-logctl: cannot signal process %d: %s%s\n", (int)master,
			strerror(errno), errno == EPERM ? "; use sudo" : "");
		return CTL_FAILED;
	}
	while (!is_done(board, asked)) {
		if (!board_master_lives(master)) {
			runtime_report_dead(directory, master);
			return CTL_FAILED;
		}
		if (clock_monotonic_usec() >= until_usec) {
			fprintf(stderr, "echo-logctl: not done within %d s: ",
				MAX_WAIT_USEC / 1000000);
			print_obstacle(board);
			return CTL_FAILED;
		}
		nanosleep(&look_again, NULL);
	}
	return CTL_WELL;
}
