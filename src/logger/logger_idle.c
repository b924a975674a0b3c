/* SPDX-License-Identifier: MIT */
#include "logger/logger_idle.h"

#include "base/pipe.h"
#include "ipc/receipt.h"
#include "logger/logger_limit.h"
#include "logger/logger_wait.h"

#define SHORTEST_NAP_NSEC 500000
#define LONGEST_NAP_NSEC 4000000
#define NAPS_BEFORE_SLEEP 10
/* The share of the log pipe that makes a batch large: a quarter. */
#define LARGE_BATCH_DIVISOR 4

void logger_idle_init(struct logger *l)
{
	l->large_batch_bytes = pipe_capacity(l->fds->log_read) / LARGE_BATCH_DIVISOR;
	l->nap_nsec = SHORTEST_NAP_NSEC;
	l->empty_naps = 0;
}

static void adjust_nap(struct logger *l, size_t moved_bytes)
{
	if (moved_bytes > 0)
		l->empty_naps = 0;
	if (moved_bytes >= l->large_batch_bytes)
		l->nap_nsec = SHORTEST_NAP_NSEC;
	else if (moved_bytes < l->large_batch_bytes / 2 && l->nap_nsec < LONGEST_NAP_NSEC)
		l->nap_nsec *= 2;
}

/* Nobody writes to the pipe when the tickets need the logger: it has to look by itself. */
static bool may_sleep(const struct logger *l)
{
	return l->empty_naps >= NAPS_BEFORE_SLEEP && !logger_limit_must_settle(l);
}

void logger_idle(struct logger *l, size_t moved_bytes)
{
	adjust_nap(l, moved_bytes);
	if (moved_bytes >= l->large_batch_bytes)
		return;
	atomic_store(&l->board->logger_is_idle, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (!receipt_is_wanted(l->board)) {
		if (may_sleep(l)) {
			logger_wait(l, l->fds->log_read, -1);
		} else {
			l->empty_naps++;
			logger_wait(l, -1, l->nap_nsec);
		}
	}
	atomic_store(&l->board->logger_is_idle, 0);
}
