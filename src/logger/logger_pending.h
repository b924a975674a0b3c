/* SPDX-License-Identifier: MIT */
/*
 * The records that the logger itself writes: `torn`, `start` and `limit`.
 * Called by the logger only.
 *
 * Which of them are pending stands in the scoreboard (enum pending_record).
 * They go through the stage, while it is empty, so that a logger that is
 * killed leaves them neither torn nor twice.
 *
 * Model: doc/model/handover.pml.
 */
#ifndef ECHO_LOGD_LOGGER_PENDING_H
#define ECHO_LOGD_LOGGER_PENDING_H

#include "logger/logger_state.h"

/*
 * A new logger, before it touches the stage: with bytes in it, the records
 * that are pending are written, and are so no more.
 */
void logger_pending_forget_staged(struct logger *l);

/*
 * A new logger, with an empty stage: a service that started with bytes in
 * the pipes gets its `start` record after these.
 */
void logger_pending_add_start(struct logger *l);

/* With an empty stage: writes what is pending.  Returns as logger_move_batch() does. */
int logger_pending_write(struct logger *l);

#endif
