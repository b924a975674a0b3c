/* SPDX-License-Identifier: MIT */
/*
 * Receipts: they tell a worker that its records are in the file, for
 * `echo_after = written` and `synced`.  This is a group commit: any number of
 * workers share one write and one sync.
 *
 * The logger works in numbered rounds.  In each round it reads everything
 * that is in the log pipe, writes it, syncs it if echo_after = synced, and
 * ends the round.  A worker that has written a record waits for the first
 * round that starts after its write: the value of round_started plus one.
 *
 * Round numbers wrap; they are compared by the sign of their difference.  All
 * accesses are sequentially consistent, with a fence between them and the
 * system calls on the pipe.
 *
 * Model: doc/model/receipts.pml.
 */
#ifndef ECHO_LOGD_RECEIPT_H
#define ECHO_LOGD_RECEIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/scoreboard.h"
#include "ipc/stall.h"

/*
 * Worker, before it writes to the pipe: the first round that can take what it
 * writes.
 */
uint32_t receipt_first_round(const struct scoreboard *board);

/*
 * Worker: waits until the records that it has written to the pipe are in the
 * file; FIRST is receipt_first_round() of before the write.  Four things end
 * the wait: the logger ends the round, or fails it; the master fails it at a
 * stop without a logger (spill_on_stop.c); WATCH finds the log stalled.  A
 * signal does not.
 *
 * Rings LOGGER_BELL, an eventfd, if the logger is idle.  WATCH limits the wait;
 * NULL means no limit.  Returns 0, -EIO if a round since FIRST failed and the
 * records might not be on disk, or -ETIMEDOUT if WATCH finds the log stalled.
 */
int receipt_wait(struct scoreboard *board, int logger_bell, uint32_t first,
		 struct stall_watch *watch);

/*
 * Logger, or the master when no logger will run any more: starts a round and
 * returns its number.  Everything in the pipe at this moment belongs to it.
 */
uint32_t receipt_start_round(struct scoreboard *board);

/* Logger or master, as above: ends ROUND, and wakes the workers that wait for it. */
void receipt_end_round(struct scoreboard *board, uint32_t round, bool failed);

/* Logger, master: whether a worker waits for a round that has not ended. */
bool receipt_is_wanted(struct scoreboard *board);

#endif
