/* SPDX-License-Identifier: MIT */
/*
 * Writes lines to stderr and never waits for whoever reads it.  Any process
 * of the daemon may call it.
 *
 * stderr may be a pipe, a socket or a terminal whose reader is stopped.  A
 * process that waited there could neither stop nor reload.
 */
#ifndef ECHO_LOGD_STDERR_LINE_H
#define ECHO_LOGD_STDERR_LINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Call it once, before the first fork.  O_NONBLOCK would belong to all who
 * share the pipe or the terminal with us.  So stderr is opened once more, and
 * only what we opened has it, open(2).  If that is not possible, stderr stays
 * as it is.
 */
void stderr_line_open(void);

/*
 * Writes the LEN bytes of LINE, at most PIPE_BUF, at once: lines of several
 * processes do not mix.  Returns false if there was no room; the line is lost
 * then.  Another failure is ignored, since there is no place to report it.
 */
bool stderr_line_write(const char *line, size_t len);

#endif
