/* SPDX-License-Identifier: MIT */
/*
 * Receipts: `echo_after = written` and `synced`, by group commit.
 *
 * The logger works in numbered rounds.  A round starts, takes everything
 * that is in the log pipe, writes it (and syncs it), and is done.  A worker
 * that has written a record waits for the first round that starts after its
 * write: whatever number `started` has then, plus one.  No ids, no channel
 * for each worker, and any number of workers share one sync.
 *
 * Numbers wrap; they are compared by the sign of their difference.  All
 * accesses are sequentially consistent, with a fence between them and the
 * system calls on the pipe.
 */
#ifndef ECHO_LOGD_RECEIPT_H
#define ECHO_LOGD_RECEIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/scoreboard.h"
#include "ipc/stall.h"

/*
 * Worker, after its records are in the pipe: waits until they are in the
 * file.  LOGGER_BELL (eventfd) is rung when the logger is idle.
 * Returns 0; -EIO when the round failed: the records may not be on disk;
 * -ETIMEDOUT when WATCH is not NULL and says that the log is stalled.
 */
int receipt_wait(struct scoreboard *board, int logger_bell, struct stall_watch *watch);

/*
 * Logger, or master when there will be none: starts a round.  What is in
 * the pipe after this call belongs to it.
 */
uint32_t receipt_start_round(struct scoreboard *board);

/* The same: the round is done, well or FAILED; wakes the workers whom it covers. */
void receipt_end_round(struct scoreboard *board, uint32_t round, bool failed);

/* Logger, master: whether somebody waits for a round that is not done. */
bool receipt_is_wanted(struct scoreboard *board);

#endif
