/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ipc/tickets.h"

#define N_WORKERS 5
#define N_FILES 150
#define LIMIT 40

static struct scoreboard *board;

/* What the racing workers did; the logger compares it. */
static struct {
	_Atomic uint64_t saved;		/* in the current file */
	_Atomic uint64_t refused;
	_Atomic uint64_t sent_back;	/* -EAGAIN */
	_Atomic uint32_t stop;
} *race;

static int set_up(void **state)
{
	int fd;

	(void)state;
	memset(race, 0, sizeof(*race));
	fd = scoreboard_create(NULL, N_WORKERS, &board);
	return fd < 0 ? fd : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return munmap(board, board->size_bytes);
}

/* By a worker that nothing may interrupt. */
static void hold(struct slot *slot)
{
	static volatile sig_atomic_t stop;

	assert_int_equal(tickets_hold(board, slot, NULL, &stop), 0);
}

static void test_one_by_one(void **state)
{
	struct slot *slot = scoreboard_slot(board, 0);

	(void)state;
	tickets_begin_limit(board);
	tickets_reset(board);
	assert_true(tickets_are_closed(board));
	assert_false(tickets_are_spent(board));
	assert_int_equal(tickets_used(board), 0);
	assert_int_equal(tickets_take(board), -EAGAIN);

	tickets_issue(board, 0, 2);
	assert_false(tickets_are_closed(board));
	assert_false(tickets_are_spent(board));
	assert_true(tickets_none_held(board));
	hold(slot);
	assert_false(tickets_none_held(board));
	assert_int_equal(tickets_take(board), 0);
	assert_false(tickets_are_spent(board));
	assert_int_equal(tickets_used(board), 1);
	assert_int_equal(tickets_take(board), 0);
	assert_true(tickets_are_spent(board));
	assert_int_equal(tickets_used(board), 2);
	assert_int_equal(tickets_take(board), -ENOSPC);
	assert_int_equal(tickets_take(board), -ENOSPC);
	assert_false(tickets_none_held(board));
	tickets_release(slot);
	assert_true(tickets_none_held(board));
	assert_true(tickets_are_spent(board));

	/* Closed after the last: the worker must wait, because there may be more soon. */
	tickets_close(board);
	assert_true(tickets_are_closed(board));
	assert_false(tickets_are_spent(board));
	assert_int_equal(tickets_take(board), -EAGAIN);
	assert_int_equal(tickets_used(board), 2);
}

static void take(unsigned n)
{
	while (n-- > 0)
		assert_int_equal(tickets_take(board), 0);
}

static void test_used(void **state)
{
	(void)state;
	/* The file contained some at the start. */
	tickets_issue(board, 7, 10);
	assert_int_equal(tickets_used(board), 7);
	take(3);
	assert_int_equal(tickets_take(board), -ENOSPC);
	assert_int_equal(tickets_used(board), 10);

	/* The limit is raised, then lowered below what was used, then raised again. */
	tickets_close(board);
	tickets_close(board);
	tickets_issue(board, tickets_used(board), 15);
	take(1);
	tickets_close(board);
	assert_int_equal(tickets_used(board), 11);
	tickets_issue(board, tickets_used(board), 5);
	assert_true(tickets_are_spent(board));
	assert_int_equal(tickets_take(board), -ENOSPC);
	tickets_close(board);
	assert_int_equal(tickets_used(board), 11);
	tickets_issue(board, tickets_used(board), 12);
	take(1);
	assert_int_equal(tickets_take(board), -ENOSPC);
	tickets_close(board);
	assert_int_equal(tickets_used(board), 12);

	tickets_reset(board);
	assert_int_equal(tickets_used(board), 0);
	tickets_issue(board, 0, UINT64_C(1000000000000000));
	take(1);
	assert_int_equal(tickets_used(board), 1);
}

static void test_none_held_looks_at_every_slot(void **state)
{
	(void)state;
	tickets_issue(board, 0, 1);
	for (unsigned i = 0; i < N_WORKERS; i++) {
		assert_true(tickets_none_held(board));
		hold(scoreboard_slot(board, i));
		assert_false(tickets_none_held(board));
		tickets_release(scoreboard_slot(board, i));
	}
}

/* --- races */

/* Saves as a worker does: several messages in a write, which comes after the last ticket. */
static void work(struct slot *slot, unsigned seed)
{
	uint64_t in_hand = 0;

	while (!atomic_load(&race->stop)) {
		hold(slot);
		for (unsigned n = (unsigned)rand_r(&seed) % 4 + 1; n > 0; n--) {
			int r = tickets_take(board);

			if (rand_r(&seed) % 8 == 0)
				sched_yield();
			if (r == 0) {
				in_hand++;
				continue;
			}
			atomic_fetch_add(r == -ENOSPC ? &race->refused : &race->sent_back, 1);
			break;
		}
		if (rand_r(&seed) % 4 == 0)
			sched_yield();
		atomic_fetch_add(&race->saved, in_hand);
		in_hand = 0;
		tickets_release(slot);
		if (rand_r(&seed) % 2 == 0)
			sched_yield();
	}
}

static void fork_workers(pid_t pids[N_WORKERS])
{
	for (unsigned i = 0; i < N_WORKERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(scoreboard_slot(board, i), i + 1);
			_exit(0);
		}
	}
}

static void end_workers(const pid_t pids[N_WORKERS])
{
	int status;

	atomic_store(&race->stop, 1);
	if (tickets_are_closed(board))
		tickets_issue(board, 0, 1);
	for (unsigned i = 0; i < N_WORKERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

/* As the logger does: waits until none is held.  Then each ticket that was taken is saved. */
static void settle(void)
{
	uint64_t used;

	while (!tickets_none_held(board))
		sched_yield();
	used = tickets_used(board);
	assert_int_equal(atomic_load(&race->saved), used);
	sched_yield();
	assert_int_equal(atomic_load(&race->saved), used);
}

static void test_race_for_each_file(void **state)
{
	pid_t pids[N_WORKERS];

	(void)state;
	tickets_begin_limit(board);
	fork_workers(pids);
	for (unsigned file = 0; file < N_FILES || !atomic_load(&race->refused); file++) {
		atomic_store(&race->saved, 0);
		tickets_issue(board, 0, LIMIT);
		while (!tickets_are_spent(board))
			sched_yield();
		settle();
		assert_int_equal(atomic_load(&race->saved), LIMIT);
		assert_true(tickets_are_spent(board));
		tickets_close(board);
		/* All tickets were taken before, so a worker that holds now has none. */
		settle();
		assert_int_equal(atomic_load(&race->saved), LIMIT);
	}
	end_workers(pids);
}

/* The counter is closed during the race, settled, and opened again with the remaining tickets. */
static void test_race_while_closing_and_reissuing(void **state)
{
	unsigned seed = 17, in_the_middle = 0;
	pid_t pids[N_WORKERS];

	(void)state;
	tickets_begin_limit(board);
	fork_workers(pids);
	for (unsigned file = 0; file < N_FILES || !atomic_load(&race->sent_back); file++) {
		const uint64_t limit = file % 8 == 0 ? UINT64_C(1000000000) : LIMIT + file;
		uint64_t used = 0;

		atomic_store(&race->saved, 0);
		for (unsigned turn = 0; turn < 3; turn++) {
			tickets_issue(board, used, limit);
			while (atomic_load(&race->saved) == used && !tickets_are_spent(board))
				sched_yield();
			for (unsigned n = (unsigned)rand_r(&seed) % 2000; n > 0; n--)
				__asm__ volatile("");
			tickets_close(board);
			settle();
			assert_true(tickets_used(board) >= used);
			used = tickets_used(board);
			assert_true(used <= limit);
			in_the_middle += used < limit;
		}
	}
	end_workers(pids);
	assert_true(in_the_middle > N_FILES / 10);
}

/* The tickets of a worker that is killed are lost: fewer messages are saved, never more. */
static void test_killed_holder(void **state)
{
	struct slot *slot = scoreboard_slot(board, 2);

	(void)state;
	tickets_issue(board, 0, 5);
	hold(slot);
	take(2);
	assert_false(tickets_none_held(board));
	/* The master frees the slot. */
	atomic_store(&slot->holds_tickets, 0);
	assert_true(tickets_none_held(board));
	take(3);
	assert_int_equal(tickets_take(board), -ENOSPC);
	assert_int_equal(tickets_used(board), 5);
	/* The file has two messages less, so two tickets are issued again. */
	tickets_close(board);
	tickets_issue(board, 3, 5);
	take(2);
	assert_int_equal(tickets_take(board), -ENOSPC);
}

static void test_no_limit(void **state)
{
	struct slot *slot = scoreboard_slot(board, 1);

	(void)state;
	/* So it is in a new scoreboard, and stays with another file. */
	for (unsigned i = 0; i < 3; i++) {
		assert_false(tickets_are_closed(board));
		assert_false(tickets_are_spent(board));
		hold(slot);
		take(100);
		tickets_release(slot);
		assert_int_equal(tickets_used(board), 0);
		tickets_reset(board);
	}

	/* The limit comes during a write: that one is waited for, the next message waits. */
	hold(slot);
	take(1);
	tickets_begin_limit(board);
	tickets_begin_limit(board);
	assert_true(tickets_are_closed(board));
	assert_false(tickets_none_held(board));
	assert_int_equal(tickets_take(board), -EAGAIN);
	tickets_release(slot);
	assert_true(tickets_none_held(board));
	tickets_issue(board, 1, 4);
	take(2);
	assert_int_equal(tickets_used(board), 3);

	/* A limit that is there already leaves the tickets as they are. */
	tickets_begin_limit(board);
	assert_false(tickets_are_closed(board));
	take(1);
	assert_true(tickets_are_spent(board));

	/* The limit ends, open or closed, with tickets left or without. */
	tickets_end_limit(board);
	tickets_end_limit(board);
	assert_false(tickets_are_spent(board));
	take(100);
	assert_int_equal(tickets_used(board), 4);
	tickets_begin_limit(board);
	assert_int_equal(tickets_used(board), 4);
	tickets_issue(board, 4, 10);
	take(1);
	tickets_close(board);
	tickets_end_limit(board);
	take(1);
	assert_int_equal(tickets_used(board), 5);

	/* As at a start: closed before it is known whether there is a limit. */
	tickets_close(board);
	assert_int_equal(tickets_take(board), -EAGAIN);
	tickets_begin_limit(board);
	assert_true(tickets_are_closed(board));
	tickets_end_limit(board);
	take(1);
}

static volatile sig_atomic_t must_stop;

static void on_alarm(int signo)
{
	(void)signo;
	must_stop = 1;
}

/* Nobody issues tickets: a stop ends the wait, and so does a stalled log. */
static void test_waits_end(void **state)
{
	struct sigaction alarm_action = {.sa_handler = on_alarm};
	struct slot *slot = scoreboard_slot(board, 0);
	struct stall_watch watch;

	(void)state;
	tickets_begin_limit(board);
	must_stop = 0;
	stall_watch_init(&watch, board, 20000);
	assert_int_equal(tickets_hold(board, slot, &watch, &must_stop), -ETIMEDOUT);
	assert_true(tickets_none_held(board));
	/* Still stalled: the next message does not wait again. */
	assert_int_equal(tickets_hold(board, slot, &watch, &must_stop), -ETIMEDOUT);
	/* Without a watch only the stop ends it. */
	sigaction(SIGALRM, &alarm_action, NULL);
	alarm(1);
	assert_int_equal(tickets_hold(board, slot, NULL, &must_stop), -ECANCELED);
	assert_true(must_stop);
	assert_true(tickets_none_held(board));
	/* A worker that must stop still gets what there is at once. */
	tickets_issue(board, 0, 1);
	assert_int_equal(tickets_hold(board, slot, &watch, &must_stop), 0);
	take(1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_by_one),
		TEST(test_used),
		TEST(test_none_held_looks_at_every_slot),
		TEST(test_race_for_each_file),
		TEST(test_race_while_closing_and_reissuing),
		TEST(test_killed_holder),
		TEST(test_no_limit),
		TEST(test_waits_end),
	};

	race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (race == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests_name("tickets", tests, NULL, NULL);
}
