/* SPDX-License-Identifier: MIT */
/*
 * Functions that the commands for a running daemon (status, reload, reopen)
 * share: the scoreboard and requests by signal.  They print errors to stderr.
 * Called by echo-logctl only.
 */
#ifndef ECHO_LOGD_CTL_RUNTIME_H
#define ECHO_LOGD_CTL_RUNTIME_H

#include <stdbool.h>

#include "ipc/scoreboard.h"

/* Opens the scoreboard in DIRECTORY, as board_open().  Returns NULL after an error message. */
struct scoreboard *runtime_open(const char *directory);

/* Prints that PID, the master of the scoreboard in DIRECTORY, is not running any more. */
void runtime_report_dead(const char *directory, pid_t pid);

/*
 * Sends SIGNO to the master of BOARD, and waits until IS_DONE(BOARD, ASKED)
 * is true.  ASKED is the value of *COUNTER before the signal, so a higher
 * count includes this request or a later one.  Returns CTL_WELL.  Returns
 * CTL_FAILED, after an error message, if the signal cannot be sent, the
 * master exits, or a minute has passed; after a minute,
 * PRINT_OBSTACLE(BOARD) completes the line of the message.
 */
int runtime_ask(struct scoreboard *board, const char *directory, int signo,
		const _Atomic uint32_t *counter,
		bool (*is_done)(struct scoreboard *board, uint32_t asked),
		void (*print_obstacle)(struct scoreboard *board));

#endif
