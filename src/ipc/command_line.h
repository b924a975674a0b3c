/* SPDX-License-Identifier: MIT */
/*
 * What the daemon was started with, as echo-logctl needs it to read the
 * configuration as the daemon will.  It is in the scoreboard, since /proc of
 * a service may be closed even to its own processes (systemd.exec(5),
 * ProtectProc= with PrivateUsers=).  Pure, but for the working directory.
 */
#ifndef ECHO_LOGD_COMMAND_LINE_H
#define ECHO_LOGD_COMMAND_LINE_H

#include "config/options.h"
#include "ipc/scoreboard.h"

/*
 * Notes the configuration file of OPTIONS, by its absolute name, and the
 * overrides.  Returns 0; or -errno (-E2BIG: they are too long), and it is not known.
 */
int command_line_note(struct scoreboard *board, const struct options *options);

/*
 * Reads it back; the strings are those of BOARD.  Returns 0; -ENODATA when it
 * is not known; -EBADMSG when BOARD holds something else there.
 */
int command_line_read(struct scoreboard *board, struct options *ret_options);

#endif
