/* SPDX-License-Identifier: MIT */
/*
 * How long the logger waits between two rounds.  Called by the logger only.
 *
 * While records flow it naps on a timer instead of waiting on the pipe: to
 * wake a reader costs the writer some 10 us, while a write without a
 * sleeping reader costs 1 us.  Naps become longer while little comes in
 * them, so that few messages meet a logger that is at work.  After a large
 * batch it does not even nap.  When nothing has come for some naps, it
 * waits on the pipe.
 *
 * Model: doc/model/receipts.pml.
 */
#ifndef ECHO_LOGD_LOGGER_IDLE_H
#define ECHO_LOGD_LOGGER_IDLE_H

#include "logger/logger_state.h"

/* Before the first round. */
void logger_idle_init(struct logger *l);

/*
 * After a round that moved MOVED_BYTES: waits, as the traffic of late
 * suggests, until the next round.  Does not wait while a worker waits for a
 * receipt; meanwhile the scoreboard says that the bell has to be rung for
 * one (logger_is_idle).
 */
void logger_idle(struct logger *l, size_t moved_bytes);

#endif
