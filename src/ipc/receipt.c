/* SPDX-License-Identifier: MIT */
#include "ipc/receipt.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/crash_point.h"

/* How often a waiting worker checks whether the log is stalled: 100 ms. */
static const struct timespec look_again = {.tv_nsec = 100000000};

static bool is_reached(uint32_t done, uint32_t want)
{
	return (int32_t)(done - want) >= 0;
}

/*
 * At about 2000 rounds a second, the round number advances by 2^31 in twelve
 * days.  round_failed and round_wanted must not fall behind by that much, as
 * they would then compare as later than the current round.
 */
#define MAX_LAG (UINT32_C(1) << 30)

static void limit_lag(struct scoreboard *board, uint32_t round)
{
	uint32_t wanted = atomic_load(&board->round_wanted);

	if (round - atomic_load(&board->round_failed) > MAX_LAG)
		atomic_store(&board->round_failed, round - MAX_LAG);
	if (is_reached(round, wanted) && round - wanted > MAX_LAG)
		(void)atomic_compare_exchange_strong(&board->round_wanted, &wanted, round);
}

/* The futex bit of the workers that wait for ROUND; 32 rounds share the bits. */
static uint32_t bit_of(uint32_t round)
{
	return UINT32_C(1) << (round % 32);
}

/* No FUTEX_PRIVATE_FLAG: processes share the word, futex(2). */
static void futex_wait(_Atomic uint32_t *word, uint32_t value, uint32_t bits)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += look_again.tv_nsec;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, &until, NULL, bits);
}

static void futex_wake(_Atomic uint32_t *word, uint32_t bits)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE_BITSET, INT32_MAX, NULL, NULL, bits);
}

static void raise_wanted(struct scoreboard *board, uint32_t want)
{
	uint32_t wanted = atomic_load(&board->round_wanted);

	while (!is_reached(wanted, want) &&
	       !atomic_compare_exchange_weak(&board->round_wanted, &wanted, want))
		;
}

uint32_t receipt_first_round(const struct scoreboard *board)
{
	return atomic_load(&board->round_done) + 1;
}

int receipt_wait(struct scoreboard *board, int logger_bell, uint32_t first,
		 struct stall_watch *watch)
{
	uint32_t want, done;

	atomic_thread_fence(memory_order_seq_cst);
	want = atomic_load(&board->round_started) + 1;
	raise_wanted(board, want);
	/*
	 * Also if another worker raised round_wanted: it may have been killed before it rang
	 * the bell.
	 */
	if (atomic_load(&board->logger_is_idle))
		(void)eventfd_write(logger_bell, 1);
	while (!is_reached(done = atomic_load(&board->round_done), want)) {
		if (watch && stall_watch_is_stalled(watch))
			return -ETIMEDOUT;
		futex_wait(&board->round_done, done, bit_of(want));
	}
	if (watch)
		stall_watch_reset(watch);
	/*
	 * A round before WANT may have taken the records, if this process was slow after its
	 * write, and may have failed.  Also fails if only a later round failed.  That withholds a
	 * receipt that was due, but never gives a wrong one.
	 */
	return is_reached(atomic_load(&board->round_failed), first) ? -EIO : 0;
}

uint32_t receipt_start_round(struct scoreboard *board)
{
	uint32_t round = atomic_load(&board->round_started) + 1;

	atomic_store(&board->round_started, round);
	atomic_thread_fence(memory_order_seq_cst);
	return round;
}

void receipt_end_round(struct scoreboard *board, uint32_t round, bool failed)
{
	uint32_t done = atomic_load(&board->round_done), bits = 0;

	atomic_thread_fence(memory_order_seq_cst);
	if (failed)
		atomic_store(&board->round_failed, round);
	for (uint32_t i = done + 1; !is_reached(done, i) && is_reached(round, i); i++) {
		bits |= bit_of(i);
		if (bits == UINT32_MAX)
			break;
	}
	limit_lag(board, round);
	atomic_store(&board->round_done, round);
	crash_point("logger-before-wake");
	if (bits != 0 && !is_reached(done, atomic_load(&board->round_wanted)))
		futex_wake(&board->round_done, bits);
}

bool receipt_is_wanted(struct scoreboard *board)
{
	return !is_reached(atomic_load(&board->round_done), atomic_load(&board->round_wanted));
}
