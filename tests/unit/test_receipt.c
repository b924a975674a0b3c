/* SPDX-License-Identifier: MIT */
/* Rounds and receipts: who waits, who is woken, and what happens when the numbers wrap around. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/receipt.h"

static struct scoreboard *board;
static int bell;

static int set_up(void **state)
{
	int fd = scoreboard_create(NULL, 1, &board);

	(void)state;
	bell = eventfd(0, EFD_NONBLOCK);
	return fd < 0 || bell < 0 || close(fd) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	return munmap(board, board->size_bytes) < 0 || close(bell) < 0;
}

/* Forks a worker that waits for a receipt and exits with the result. */
static pid_t fork_waiter_since(uint32_t first)
{
	uint32_t before = atomic_load(&board->round_wanted);
	pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		_exit(-receipt_wait(board, bell, first, NULL));
	}
	assert_true(pid > 0);
	while (atomic_load(&board->round_wanted) == before)
		usleep(100);
	return pid;
}

static pid_t fork_waiter(void)
{
	return fork_waiter_since(receipt_first_round(board));
}

static int result_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void do_round(bool failed)
{
	receipt_end_round(board, receipt_start_round(board), failed);
}

static void test_a_round_that_began_before_is_no_receipt(void **state)
{
	uint32_t round = receipt_start_round(board);
	pid_t pid = fork_waiter();
	int status;

	(void)state;
	receipt_end_round(board, round, false);
	usleep(50000);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_true(receipt_is_wanted(board));
	do_round(false);
	assert_int_equal(result_of(pid), 0);
	assert_false(receipt_is_wanted(board));
}

static void test_a_failed_round(void **state)
{
	pid_t pid = fork_waiter();

	(void)state;
	do_round(true);
	assert_int_equal(result_of(pid), -EIO);
	pid = fork_waiter();
	do_round(false);
	assert_int_equal(result_of(pid), 0);
}

/* The worker was slow after its write: the round that took its records has failed meanwhile. */
static void test_a_round_that_failed_before_the_wait(void **state)
{
	uint32_t first = receipt_first_round(board);
	pid_t pid;

	(void)state;
	do_round(true);
	pid = fork_waiter_since(first);
	do_round(false);
	assert_int_equal(result_of(pid), -EIO);
}

static void test_the_bell_rings_for_an_idle_logger(void **state)
{
	eventfd_t rings = 0;
	pid_t pid;

	(void)state;
	pid = fork_waiter();
	do_round(false);
	assert_int_equal(result_of(pid), 0);
	assert_int_equal(eventfd_read(bell, &rings), -1);
	atomic_store(&board->logger_is_idle, 1);
	pid = fork_waiter();
	do_round(false);
	assert_int_equal(result_of(pid), 0);
	assert_int_equal(eventfd_read(bell, &rings), 0);
}

/* As after months of rounds that nobody waited for: the numbers wrap around twice. */
static void test_numbers_wrap(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 9; i++) {
		uint32_t round = atomic_load(&board->round_done) + (UINT32_C(1) << 30) - 7;
		pid_t pid;

		atomic_store(&board->round_started, round);
		atomic_store(&board->round_done, round);
		do_round(false);
		do_round(false);
		for (int more = 0; more < 10; more++)
			do_round(false);
		assert_false(receipt_is_wanted(board));
		if (i % 3 != 2)
			continue;
		pid = fork_waiter();
		assert_true(receipt_is_wanted(board));
		do_round(false);
		assert_int_equal(result_of(pid), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_round_that_began_before_is_no_receipt,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_failed_round, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_round_that_failed_before_the_wait, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_the_bell_rings_for_an_idle_logger, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_numbers_wrap, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
