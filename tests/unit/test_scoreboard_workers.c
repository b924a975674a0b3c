/* SPDX-License-Identifier: MIT */
/* What workers ask of the scoreboard: who is idle, and the next id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/record.h"
#include "ipc/scoreboard.h"

/* Not a multiple of eight. */
#define N_SLOTS 21
#define ROUNDS 5000
#define YEAR_USEC (UINT64_C(31557600) * 1000000)

static struct scoreboard *new_board(void)
{
	struct scoreboard *board;
	int fd = scoreboard_create(NULL, N_SLOTS, &board);

	assert_true(fd >= 0);
	close(fd);
	return board;
}

static void free_board(struct scoreboard *board)
{
	munmap(board, board->size_bytes);
}

static void test_low_idle(void **state)
{
	struct scoreboard *board = new_board();

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		board->states[i] = SLOT_IDLE;
	board->states[5] = SLOT_CLOSING;
	assert_false(scoreboard_set_busy(board, 0, 4));
	assert_int_equal(board->states[0], SLOT_BUSY);
	assert_true(scoreboard_set_busy(board, 1, 4));
	assert_false(scoreboard_set_busy(board, 2, 2));
	assert_false(scoreboard_set_busy(board, 3, 1));
	assert_true(scoreboard_set_busy(board, 4, 1));
	free_board(board);
}

static void test_every_state_in_every_place(void **state)
{
	struct scoreboard *board = new_board();

	(void)state;
	for (unsigned value = 0; value < 256; value++)
		for (unsigned i = 1; i < N_SLOTS; i++) {
			board->states[i] = (uint8_t)value;
			assert_int_equal(scoreboard_set_busy(board, 0, 1), value != SLOT_IDLE);
			board->states[i] = SLOT_FREE;
		}
	for (unsigned idle = 0; idle < N_SLOTS; idle++) {
		for (unsigned i = 1; i < N_SLOTS; i++)
			board->states[i] = i <= idle ? SLOT_IDLE : SLOT_BUSY;
		assert_false(scoreboard_set_busy(board, 0, idle));
		assert_true(scoreboard_set_busy(board, 0, idle + 1));
	}
	free_board(board);
}

/* Of two workers that become busy at the same time, one at least must see that none is left. */
static void test_two_at_once(void **state)
{
	struct scoreboard *board = new_board();
	_Atomic unsigned *shared = mmap(NULL, (ROUNDS + 1) * sizeof(unsigned),
					PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	_Atomic unsigned *turn = shared, *seen = shared + 1;
	int status;

	(void)state;
	assert_ptr_not_equal(shared, MAP_FAILED);
	for (unsigned i = 0; i < 2; i++) {
		if (fork() != 0)
			continue;
		alarm(60);
		for (unsigned round = 0; round < ROUNDS; round++) {
			board->states[i] = SLOT_IDLE;
			for (atomic_fetch_add(turn, 1); *turn < 4 * round + 2;)
				sched_yield();
			if (scoreboard_set_busy(board, i, 1))
				seen[round] = 1;
			for (atomic_fetch_add(turn, 1); *turn < 4 * round + 4;)
				sched_yield();
		}
		_exit(0);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	for (unsigned round = 0; round < ROUNDS; round++)
		assert_int_equal(seen[round], 1);
	munmap(shared, (ROUNDS + 1) * sizeof(unsigned));
	free_board(board);
}

static void test_ids_stay_within_their_digits(void **state)
{
	struct scoreboard *board = new_board();
	const uint64_t now = 56 * YEAR_USEC;

	(void)state;
	assert_int_equal(scoreboard_next_id(board, now), now);
	assert_int_equal(scoreboard_next_id(board, now), now + 1);
	/* The clock was ahead by a year when the log was written: ids continue from there. */
	scoreboard_note_id(board, now + YEAR_USEC);
	assert_int_equal(scoreboard_next_id(board, now), now + YEAR_USEC + 1);
	scoreboard_note_id(board, now);
	assert_int_equal(scoreboard_next_id(board, now), now + YEAR_USEC + 2);
	/* No clock made this one. */
	scoreboard_note_id(board, RECORD_ID_MAX - 1);
	scoreboard_note_id(board, RECORD_ID_MAX);
	assert_int_equal(scoreboard_next_id(board, now), now + YEAR_USEC + 3);
	/* Nor is a clock that shows the year 2200 of use. */
	assert_int_equal(scoreboard_next_id(board, 230 * YEAR_USEC), now + YEAR_USEC + 4);
	/* A damaged scoreboard. */
	board->last_id = UINT64_MAX;
	assert_int_equal(scoreboard_next_id(board, now), now);
	board->last_id = RECORD_ID_MAX;
	assert_int_equal(scoreboard_next_id(board, 0), 1);
	free_board(board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_low_idle),
		cmocka_unit_test(test_every_state_in_every_place),
		cmocka_unit_test(test_two_at_once),
		cmocka_unit_test(test_ids_stay_within_their_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
