/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/runtime.h"

/*
 * True if the master has handled a request after ASKED, so that the log is
 * the file to which log.path leads now.
 */
static bool is_done(struct scoreboard *board, uint32_t asked)
{
	return (int32_t)(atomic_load(&board->reopens_done) - asked) > 0;
}

static void print_obstacle(struct scoreboard *board)
{
	int no_logger = atomic_load(&board->no_logger_errno);
	int stalled = atomic_load(&board->stalled_errno);

	if (no_logger != 0)
		fprintf(stderr, "the log cannot be opened: %s; ", strerror(no_logger));
	else if (stalled != 0)
		fprintf(stderr, "the log is stalled: %s; ", strerror(stalled));
	else if (atomic_load(&board->logger_pid) == 0)
		fputs("there is no logger; ", stderr);
	fputs("echo-logd keeps trying, nothing is lost\n", stderr);
}

int ctl_reopen(const struct ctl_arguments *arguments)
{
	struct scoreboard *board = runtime_open(arguments->directory);

	if (!board)
		return CTL_FAILED;
	return runtime_ask(board, arguments->directory, SIGUSR1, &board->reopens_asked, is_done,
			   print_obstacle);
}
