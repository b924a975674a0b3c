/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/scoreboard.h"

#define N_RACERS 4
#define IDS_EACH 20000

static char directory[PATH_MAX], path[PATH_MAX + 16];

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(directory, sizeof(directory), "%s/test_scoreboard.XXXXXX",
		 tmp && tmp[0] ? tmp : "/tmp");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/scoreboard", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static struct scoreboard *create(const char *where, unsigned n_slots)
{
	struct scoreboard *board = NULL;
	int fd = scoreboard_create(where, n_slots, &board);

	assert_true(fd >= 0 && close(fd) == 0);
	assert_non_null(board);
	return board;
}

static void destroy(struct scoreboard *board)
{
	assert_int_equal(munmap(board, board->size_bytes), 0);
}

static void test_new_board(void **state)
{
	static const unsigned sizes[] = {1, 2, 63, 64, 65, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct scoreboard *board = create(NULL, sizes[i]);
		struct totals totals, zero = {0};

		assert_int_equal(board->magic, SCOREBOARD_MAGIC);
		assert_memory_equal(&board->magic, "echologd", 8);
		assert_int_equal(board->version, SCOREBOARD_VERSION);
		assert_int_equal(board->n_slots, sizes[i]);
		scoreboard_totals(board, &totals);
		assert_memory_equal(&totals, &zero, sizeof(zero));
		/* Slots share no cache line.  States and slots are within the board. */
		assert_int_equal((uintptr_t)scoreboard_slot(board, 0) % 64, 0);
		assert_true((void *)scoreboard_slot(board, 0) >= (void *)&board->states[sizes[i]]);
		assert_ptr_equal(scoreboard_slot(board, sizes[i]),
				 (char *)board + board->size_bytes);
		for (unsigned k = 0; k < sizes[i]; k++) {
			assert_int_equal(board->states[k], SLOT_FREE);
			memset(scoreboard_slot(board, k), 0xff, sizeof(struct slot));
			board->states[k] = SLOT_BUSY;
		}
		assert_int_equal(board->n_slots, sizes[i]);
		destroy(board);
	}
}

static void test_file(void **state)
{
	struct scoreboard *board;
	mode_t old_umask = umask(022);
	uint64_t magic = 0;
	struct stat st;
	int fd;

	(void)state;
	board = create(directory, 10);
	umask(old_umask);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_size, board->size_bytes);
	/* All blocks are allocated, so that a full file system cannot make a store fail. */
	assert_true((uint64_t)st.st_blocks * 512 >= board->size_bytes);

	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &magic, sizeof(magic), 0), sizeof(magic));
	assert_int_equal(magic, SCOREBOARD_MAGIC);
	atomic_store(&board->last_id, UINT64_C(0x1234567));
	assert_int_equal(pread(fd, &magic, sizeof(magic), offsetof(struct scoreboard, last_id)),
			 sizeof(magic));
	assert_int_equal(magic, 0x1234567);
	close(fd);
	destroy(board);
}

/* A tool that maps the board of the last run gets no SIGBUS and no numbers of the new run. */
static void test_file_is_replaced_under_a_mapping(void **state)
{
	struct scoreboard *old = create(directory, 1000), *board;

	(void)state;
	cell_add(&scoreboard_slot(old, 999)->clients, 5);
	board = create(directory, 1);
	cell_add(&scoreboard_slot(board, 0)->clients, 7);
	assert_int_equal(old->n_slots, 1000);
	assert_int_equal(scoreboard_slot(old, 999)->clients, 5);
	assert_int_equal(board->n_slots, 1);
	assert_int_equal(scoreboard_slot(board, 0)->clients, 7);
	destroy(old);
	destroy(board);
}

static void test_errors(void **state)
{
	struct scoreboard *board = NULL;
	char too_long[PATH_MAX];
	struct rlimit old, limit;

	(void)state;
	assert_int_equal(scoreboard_create("/no/such/directory", 1, &board), -ENOENT);
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	assert_int_equal(scoreboard_create(too_long, 1, &board), -ENAMETOOLONG);
	/* Without room it is an error now, not a signal later. */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(scoreboard_create(directory, 1000, &board), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_null(board);
}

static void test_ids(void **state)
{
	struct scoreboard *board = create(NULL, 1);

	(void)state;
	assert_int_equal(scoreboard_next_id(board, 1000), 1000);
	assert_int_equal(scoreboard_next_id(board, 2000), 2000);
	assert_int_equal(scoreboard_next_id(board, 2000), 2001);
	/* The clock is set back. */
	assert_int_equal(scoreboard_next_id(board, 500), 2002);
	assert_int_equal(scoreboard_next_id(board, 0), 2003);
	assert_int_equal(scoreboard_next_id(board, 2003), 2004);
	assert_int_equal(scoreboard_next_id(board, 2006), 2006);
	destroy(board);
}

/* The clock of each racer stops, advances, and is set back. */
static void race(struct scoreboard *board, uint64_t *ids, unsigned racer)
{
	for (unsigned i = 0; i < IDS_EACH; i++)
		ids[i] = scoreboard_next_id(board, 1000000 + (i * 7 + racer) % 5000 * (i % 3));
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void test_ids_of_racing_processes(void **state)
{
	const size_t bytes = (size_t)N_RACERS * IDS_EACH * sizeof(uint64_t);
	uint64_t *ids = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			     0);
	struct scoreboard *board = create(NULL, 1);
	pid_t pids[N_RACERS];
	int status;

	(void)state;
	assert_ptr_not_equal(ids, MAP_FAILED);
	for (unsigned i = 0; i < N_RACERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			while (!atomic_load(&board->generation))
				;
			race(board, ids + (size_t)i * IDS_EACH, i);
			_exit(0);
		}
	}
	atomic_store(&board->generation, 1);
	for (unsigned i = 0; i < N_RACERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
		for (unsigned k = 1; k < IDS_EACH; k++)
			assert_true(ids[(size_t)i * IDS_EACH + k] >
				    ids[(size_t)i * IDS_EACH + k - 1]);
	}
	qsort(ids, (size_t)N_RACERS * IDS_EACH, sizeof(ids[0]), compare);
	for (size_t i = 1; i < (size_t)N_RACERS * IDS_EACH; i++)
		assert_true(ids[i] > ids[i - 1]);
	assert_int_equal(atomic_load(&board->last_id), ids[(size_t)N_RACERS * IDS_EACH - 1]);
	munmap(ids, bytes);
	destroy(board);
}

static void test_totals(void **state)
{
	struct scoreboard *board = create(NULL, 70);
	struct totals totals;

	(void)state;
	for (unsigned i = 0; i < 70; i++) {
		struct slot *slot = scoreboard_slot(board, i);

		board->states[i] = i < 10 ? SLOT_FREE : i < 40 ? SLOT_IDLE : SLOT_BUSY;
		cell_add(&slot->clients, 1);
		cell_add(&slot->received_messages, i);
		cell_add(&slot->received_bytes, UINT64_C(1) << 40);
		cell_add(&slot->unknown_bytes, 5);
		cell_add(&slot->logged_bytes, 3);
		cell_add(&slot->logged_bytes, i);
		cell_add(&slot->dropped_messages, 2);
		cell_add(&slot->dropped_bytes, i % 2);
	}
	scoreboard_totals(board, &totals);
	assert_int_equal(totals.idle, 30);
	assert_int_equal(totals.busy, 30);
	assert_int_equal(totals.clients, 70);
	assert_int_equal(totals.received_messages, 70 * 69 / 2);
	assert_int_equal(totals.received_bytes, UINT64_C(70) << 40);
	assert_int_equal(totals.logged_bytes, 210 + 70 * 69 / 2);
	assert_int_equal(totals.dropped_messages, 140);
	assert_int_equal(totals.dropped_bytes, 35);
	assert_int_equal(totals.unknown_bytes, 350);
	assert_int_equal(totals.in_flight_bytes,
			 (UINT64_C(70) << 40) - 210 - 70 * 69 / 2 - 35 - 350);
	destroy(board);
}

/* A damaged slot, where more was logged than received: nothing of it counts as in flight. */
static void test_totals_of_nonsense(void **state)
{
	struct scoreboard *board = create(NULL, 2);
	struct totals totals;

	(void)state;
	cell_add(&scoreboard_slot(board, 0)->logged_bytes, 1);
	cell_add(&scoreboard_slot(board, 1)->received_bytes, 10);
	scoreboard_totals(board, &totals);
	assert_int_equal(totals.in_flight_bytes, 10);
	destroy(board);
}

/* A worker that counts what it receives and then logs or drops, as fast as possible. */
static void count_for_ever(struct slot *slot)
{
	for (;;) {
		cell_add(&slot->received_bytes, 1000);
		cell_add(&slot->logged_bytes, 600);
		cell_add(&slot->dropped_bytes, 300);
		cell_add(&slot->unknown_bytes, 100);
	}
}

static void test_equation_while_it_moves(void **state)
{
	struct scoreboard *board = create(NULL, 1);
	struct totals totals;
	pid_t pid = fork();
	uint64_t last = 0;
	unsigned looks = 0, seen = 0;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		count_for_ever(scoreboard_slot(board, 0));
	}
	/* On two processors most looks see new numbers; on one processor few do. */
	while (looks++ < 2000000 || seen < 100) {
		scoreboard_totals(board, &totals);
		assert_int_equal(totals.received_bytes,
				 totals.logged_bytes + totals.dropped_bytes +
				 totals.in_flight_bytes + totals.unknown_bytes);
		seen += totals.received_bytes != last;
		last = totals.received_bytes;
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	destroy(board);
}

static void check_account(const struct slot *slot, uint64_t logged, uint64_t dropped,
			  uint64_t dropped_messages, uint64_t unknown)
{
	assert_int_equal(slot->logged_bytes, logged);
	assert_int_equal(slot->dropped_bytes, dropped);
	assert_int_equal(slot->dropped_messages, dropped_messages);
	assert_int_equal(slot->unknown_bytes, unknown);
}

/* A worker was killed: the bytes of its interrupted write are unknown, the rest is dropped. */
static void test_settle_dead(void **state)
{
	struct scoreboard *board = create(NULL, 1);
	struct slot *slot = scoreboard_slot(board, 0);

	(void)state;
	/* Everything was logged. */
	cell_add(&slot->received_bytes, 1000);
	cell_add(&slot->logged_bytes, 1000);
	atomic_store(&slot->intended_bytes, 1000);
	slot_settle_dead(slot);
	check_account(slot, 1000, 0, 0, 0);
	/* It was killed before a write. */
	cell_add(&slot->received_bytes, 500);
	slot_settle_dead(slot);
	check_account(slot, 1000, 500, 1, 0);
	/* It was killed while it wrote a part of what it had received. */
	cell_add(&slot->received_bytes, 5000);
	atomic_store(&slot->intended_bytes, 1000 + 300);
	slot_settle_dead(slot);
	check_account(slot, 1000, 5200, 2, 300);
	/* Settled again, because the master was killed after the first time. */
	slot_settle_dead(slot);
	check_account(slot, 1000, 5200, 2, 300);
	/* The next worker, before a write: the write of the last one is already settled. */
	cell_add(&slot->received_bytes, 200);
	slot_settle_dead(slot);
	check_account(slot, 1000, 5400, 3, 300);
	/* Unknown are never more bytes than were received. */
	atomic_store(&slot->intended_bytes, 9000);
	cell_add(&slot->received_bytes, 7);
	slot_settle_dead(slot);
	check_account(slot, 1000, 5400, 3, 307);
	destroy(board);
}

/* The master was killed when it had counted only a part. */
static void test_settle_dead_twice(void **state)
{
	struct scoreboard *board = create(NULL, 1);
	struct slot *slot = scoreboard_slot(board, 0);

	(void)state;
	cell_add(&slot->received_bytes, 1000);
	atomic_store(&slot->intended_bytes, 300);
	cell_add(&slot->dropped_bytes, 700);
	slot_settle_dead(slot);
	check_account(slot, 0, 700, 0, 300);
	destroy(board);
}

/* A restart with another max_clients after all processes were killed. */
static void test_carry_over(void **state)
{
	struct scoreboard *old = create(NULL, 2), *new = create(NULL, 3);
	struct slot *slot = scoreboard_slot(old, 1);

	(void)state;
	cell_add(&slot->received_bytes, 10);
	cell_add(&slot->logged_bytes, 10);
	atomic_store(&slot->connection_id, 99);
	/* The file may have been truncated in the last round, which was not checked yet. */
	atomic_store(&old->round_offset_bytes, 4711);
	atomic_store(&old->pending_records, PENDING_TORN);
	atomic_store(&old->last_id, 99);
	atomic_store(&old->moved_bytes, 123456);
	atomic_store(&old->log_is_copied, 1);
	atomic_store(&old->wants_start, 1);
	scoreboard_carry_over(new, old);
	assert_int_equal(new->n_slots, 3);
	assert_int_equal(new->round_offset_bytes, 4711);
	assert_int_equal(new->pending_records, PENDING_TORN);
	assert_int_equal(new->last_id, 99);
	assert_int_equal(new->moved_bytes, 123456);
	assert_int_equal(new->log_is_copied, 1);
	assert_int_equal(new->wants_start, 1);
	assert_int_equal(scoreboard_slot(new, 0)->connection_id, 99);
	check_account(scoreboard_slot(new, 1), 10, 0, 0, 0);
	destroy(old);
	destroy(new);
}

/* A connection is lost only if there are more of them than slots. */
static void test_carry_over_to_fewer_slots(void **state)
{
	struct scoreboard *old = create(NULL, 5), *new = create(NULL, 2);

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		struct slot *slot = scoreboard_slot(old, i);

		cell_add(&slot->received_messages, 10);
		cell_add(&slot->received_bytes, 100);
		cell_add(&slot->logged_bytes, 100);
		atomic_store(&slot->messages_at_open, 10 - i);
		atomic_store(&slot->bytes_at_open, 100 - i);
		/* Both would go to the same slot by their numbers. */
		if (i == 2 || i == 4)
			atomic_store(&slot->connection_id, 70 + i);
	}
	scoreboard_carry_over(new, old);
	check_account(scoreboard_slot(new, 0), 300, 0, 0, 0);
	check_account(scoreboard_slot(new, 1), 200, 0, 0, 0);
	for (unsigned i = 0; i < 2; i++) {
		struct slot *slot = scoreboard_slot(new, i);

		assert_int_equal(slot->connection_id, 72 + 2 * i);
		assert_int_equal(slot->received_bytes - slot->bytes_at_open, 2 + 2 * i);
		assert_int_equal(slot->received_messages - slot->messages_at_open, 2 + 2 * i);
	}
	destroy(old);
	destroy(new);
}

/* A new master has read the configuration again. */
static void test_adopting_forgets_a_refused_reload(void **state)
{
	struct scoreboard *old, *board;
	int fd = scoreboard_create(NULL, 2, &old);

	(void)state;
	atomic_store(&old->reload_refused, 1);
	strcpy(old->reload_words, "no");
	assert_int_equal(scoreboard_adopt(fd, &board), 0);
	assert_int_equal(board->reload_refused, 0);
	assert_string_equal(board->reload_words, "");
	close(fd);
	destroy(old);
	destroy(board);
}

static void test_check(void **state)
{
	struct scoreboard *board = create(NULL, 100);
	uint64_t size = board->size_bytes;

	(void)state;
	assert_int_equal(scoreboard_check(board, size), 0);
	assert_int_equal(scoreboard_check(board, size - 1), -EBADMSG);
	assert_int_equal(scoreboard_check(board, size + 4096), -EBADMSG);
	assert_int_equal(scoreboard_check(board, 10), -EBADMSG);
	assert_int_equal(scoreboard_check(board, 0), -EBADMSG);
	board->n_slots = 101;
	assert_int_equal(scoreboard_check(board, size), -EBADMSG);
	board->n_slots = UINT32_MAX;
	assert_int_equal(scoreboard_check(board, size), -EBADMSG);
	board->n_slots = 100;
	board->size_bytes++;
	assert_int_equal(scoreboard_check(board, size), -EBADMSG);
	board->size_bytes--;
	board->version++;
	assert_int_equal(scoreboard_check(board, size), -EPROTONOSUPPORT);
	board->magic++;
	assert_int_equal(scoreboard_check(board, size), -EBADMSG);
	munmap(board, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_board),
		cmocka_unit_test_setup_teardown(test_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_file_is_replaced_under_a_mapping, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_ids_of_racing_processes),
		cmocka_unit_test(test_totals),
		cmocka_unit_test(test_totals_of_nonsense),
		cmocka_unit_test(test_equation_while_it_moves),
		cmocka_unit_test(test_settle_dead),
		cmocka_unit_test(test_settle_dead_twice),
		cmocka_unit_test(test_carry_over),
		cmocka_unit_test(test_carry_over_to_fewer_slots),
		cmocka_unit_test(test_adopting_forgets_a_refused_reload),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests_name("scoreboard", tests, NULL, NULL);
}
