/* SPDX-License-Identifier: MIT */
/*
 * The scoreboard of a daemon, looked at from outside: mapped read-only, and
 * believed in nothing before it has been checked, since it may be another
 * version's, or no scoreboard at all.
 */
#ifndef ECHO_LOGD_CTL_BOARD_H
#define ECHO_LOGD_CTL_BOARD_H

#include <stdbool.h>
#include <sys/types.h>

#include "ipc/scoreboard.h"

/*
 * Maps DIRECTORY/scoreboard until the process ends.  Whoever writes to
 * *RET_BOARD is killed.
 * Returns 0; -errno of opening it; -EBADMSG when it is no scoreboard or a
 * part of one; -EPROTONOSUPPORT when it is another version's.
 */
int board_open(const char *directory, struct scoreboard **ret_board);

/*
 * Whether PID, from a scoreboard, is that of a living echo-logd, and not of what got the
 * number after it.
 */
bool board_master_lives(pid_t pid);

#endif
