/* SPDX-License-Identifier: MIT */
/*
 * What the commands that look at a running daemon share: the option that
 * says which one, and the words for a daemon that is not there.
 */
#ifndef ECHO_LOGD_CTL_RUNTIME_H
#define ECHO_LOGD_CTL_RUNTIME_H

#include <stdbool.h>

#include "ipc/scoreboard.h"

/*
 * Takes --runtime DIR and, unless RET_JSON is NULL, --json out of the
 * arguments of a command.  Returns false, with it said on stderr, when
 * there is anything else.
 */
bool runtime_parse(int argc, char *argv[], const char **ret_directory, bool *ret_json);

/* The scoreboard in DIRECTORY; NULL, with it said on stderr, when it cannot be had. */
struct scoreboard *runtime_open(const char *directory);

/* Says that the master PID of the scoreboard in DIRECTORY is gone. */
void runtime_say_dead(const char *directory, pid_t pid);

/*
 * Sends SIGNO to the master of BOARD and waits until IS_DONE(BOARD, ASKED),
 * where ASKED is what *COUNTER was before the signal: what is counted after
 * it is ours, or came later.  Returns CTL_WELL; or CTL_FAILED, with it said
 * on stderr: the master cannot be signalled, is gone, or has not done it
 * within a minute, and SAY_OBSTACLE(BOARD) ends the line that says so.
 */
int runtime_ask(struct scoreboard *board, const char *directory, int signo,
		const _Atomic uint32_t *counter,
		bool (*is_done)(struct scoreboard *board, uint32_t asked),
		void (*say_obstacle)(struct scoreboard *board));

#endif
