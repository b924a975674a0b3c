/* SPDX-License-Identifier: MIT */
/*
 * Moving bytes: from the log pipe to the stage pipe, from there to the log.
 * Called by the logger only; see logger.h for the two pipes, and for why no
 * byte is lost or doubled when the logger is killed.
 *
 * Model: doc/model/handover.pml.
 */
#ifndef ECHO_LOGD_LOGGER_MOVE_H
#define ECHO_LOGD_LOGGER_MOVE_H

#include "logger/logger_state.h"

/*
 * Moves N bytes, whole records that are in the log pipe, to the log.  Waits
 * as logger_move_stage() does.  Returns as that does, or LOGGER_CANNOT_GO_ON.
 */
int logger_move_batch(struct logger *l, size_t n);

/*
 * Moves all that is in the stage to the log, after half a record that was
 * taken back from another file.  Waits while the log cannot be written; that
 * is a stall, unless stdout is only slow.  Returns STAY, or what
 * logger_wait_stalled() returns: then bytes are left.
 */
int logger_move_stage(struct logger *l);

#endif
