/* SPDX-License-Identifier: MIT */
/*
 * The daemon's command line in the scoreboard, so that echo-logctl can read
 * the configuration exactly as the daemon does.  It is not read from /proc,
 * since a service may be unable to read /proc even of its own processes
 * (systemd.exec(5), ProtectProc= with PrivateUsers=).
 */
#ifndef ECHO_LOGD_COMMAND_LINE_H
#define ECHO_LOGD_COMMAND_LINE_H

#include "config/options.h"
#include "ipc/scoreboard.h"

/*
 * Master: stores the configuration file of OPTIONS, as an absolute path, and
 * the overrides in BOARD.  Returns 0, -E2BIG if they are too long, or the
 * -errno of getcwd(3); after an error, command_line_read() returns -ENODATA.
 */
int command_line_note(struct scoreboard *board, const struct options *options);

/*
 * echo-logctl: reads the command line.  The strings in *RET_OPTIONS point
 * into BOARD.  Returns 0, -ENODATA if none is stored, or -EBADMSG if it is
 * damaged.
 */
int command_line_read(struct scoreboard *board, struct options *ret_options);

#endif
