/* SPDX-License-Identifier: MIT */
/*
 * What the logger does when another program truncates the log file while it
 * is written to.  Called by the logger only.
 *
 * splice(2) writes at the file offset, and no system call moves pages to
 * wherever the end of a file is.  So the logger looks at the size before
 * each write, and after each round whether the byte before that round is
 * still there.  What was truncated is lost; what is written from then on
 * stays, on a line of its own.  The master hears of it by
 * LOGGER_TRUNCATED.
 */
#ifndef ECHO_LOGD_LOGGER_TRUNCATION_H
#define ECHO_LOGD_LOGGER_TRUNCATION_H

#include "logger/logger_state.h"

/*
 * Before a write: if the file ends before the offset, moves the offset to
 * the end of the file, since a write behind the end would leave a hole.
 * Returns 0 or -errno; then the logger must not write, and may call again.
 */
int logger_truncation_follow(struct logger *l);

/*
 * Between two records: whether the file was truncated during the last
 * round.  A hole that this left in the file is closed with a newline.
 */
bool logger_truncation_found(struct logger *l);

#endif
