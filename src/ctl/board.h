/* SPDX-License-Identifier: MIT */
/*
 * Opens the scoreboard of a running daemon, read-only, for echo-logctl.  The
 * file may be of another version, or not a scoreboard, so it is checked
 * before it is used.
 */
#ifndef ECHO_LOGD_CTL_BOARD_H
#define ECHO_LOGD_CTL_BOARD_H

#include <stdbool.h>
#include <sys/types.h>

#include "ipc/scoreboard.h"

/*
 * Maps DIRECTORY/scoreboard; the mapping stays until the process exits.  The
 * caller must not write to *RET_BOARD.  Returns 0; the -errno of open(2),
 * fstat(2) or mmap(2); -ENAMETOOLONG; -EBADMSG if it is not a complete
 * scoreboard; -EPROTONOSUPPORT if another version wrote it.
 */
int board_open(const char *directory, struct scoreboard **ret_board);

/*
 * Whether the process PID, from a scoreboard, is a running echo-logd, and not another program
 * that got the same PID later.  Without access to /proc/PID/stat, any process counts.
 */
bool board_master_lives(pid_t pid);

#endif
