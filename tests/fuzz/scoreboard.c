/* SPDX-License-Identifier: MIT */
/* The input is a scoreboard that a dead service has left, or that a tool reads. */
#include "format/record.h"
#include "ipc/scoreboard.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define MAX_SLOTS 4

/* Makes a scoreboard of N_SLOTS and copies DATA over it. */
static struct scoreboard *make(unsigned n_slots, const uint8_t *data, size_t size, int *ret_fd)
{
	struct scoreboard *board;

	*ret_fd = scoreboard_create(NULL, n_slots, &board);
	CHECK(*ret_fd >= 0);
	memcpy(board, data, size < board->size_bytes ? size : board->size_bytes);
	return board;
}

static void check_adopted(struct scoreboard *board, struct scoreboard *next)
{
	struct totals totals, carried;

	scoreboard_totals(board, &totals);
	CHECK(totals.idle == 0 && totals.busy == 0);
	for (unsigned i = 0; i < board->n_slots; i++)
		CHECK(scoreboard_slot(board, i)->pid == 0);
	scoreboard_carry_over(next, board);
	scoreboard_totals(next, &carried);
	CHECK(carried.clients == totals.clients && carried.logged_bytes == totals.logged_bytes);
	CHECK(carried.received_bytes == totals.received_bytes);
	CHECK(carried.dropped_bytes == totals.dropped_bytes);
	CHECK(carried.unknown_bytes == totals.unknown_bytes);
	CHECK(scoreboard_next_id(next, 0) > board->last_id || board->last_id >= RECORD_ID_MAX);
	CHECK(board->last_id >= RECORD_ID_MAX || next->last_id <= RECORD_ID_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	unsigned n_slots = (unsigned)input_number(&in, 1) % (MAX_SLOTS + 1);
	/* How much of the header is valid: nothing, all but the number of slots, all. */
	uint64_t right = input_number(&in, 1) % 3;
	struct scoreboard *board, *next, *adopted = NULL;
	int fd, next_fd, checked, r;
	uint64_t board_size;

	next_fd = scoreboard_create(NULL, MAX_SLOTS, &next);
	CHECK(next_fd >= 0);
	board = make(n_slots, in.p, in.left, &fd);
	board_size = (uint64_t)lseek(fd, 0, SEEK_END);
	if (right > 0) {
		board->magic = SCOREBOARD_MAGIC;
		board->version = SCOREBOARD_VERSION;
		board->size_bytes = board_size;
	}
	if (right > 1)
		board->n_slots = n_slots;
	checked = scoreboard_check(board, board_size);
	r = scoreboard_adopt(fd, &adopted);
	CHECK((checked == 0) == (r == 0));
	CHECK(r == 0 || (r == -EBADMSG && !adopted && right < 2));
	if (r == 0) {
		CHECK(adopted->n_slots == n_slots);
		check_adopted(adopted, next);
		munmap(adopted, board_size);
	}
	munmap(board, board_size);
	munmap(next, next->size_bytes);
	close(fd);
	close(next_fd);
	return 0;
}
