/* SPDX-License-Identifier: MIT */
#include "scoreboard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t slots_offset(unsigned n_slots)
{
	size_t end = offsetof(struct scoreboard, states) + n_slots;

	return (end + _Alignof(struct slot) - 1) / _Alignof(struct slot) * _Alignof(struct slot);
}

static int open_file(const char *directory)
{
	char path[PATH_MAX];
	int fd;

	if (!directory) {
		fd = memfd_create("echo-logd scoreboard", MFD_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	if (snprintf(path, sizeof(path), "%s/scoreboard", directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	/* A new file, never the old one truncated: a process of the last run, or a tool, may
	 * have that mapped, and would die of SIGBUS. */
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	return fd < 0 ? -errno : fd;
}

int scoreboard_create(const char *directory, unsigned n_slots, struct scoreboard **ret)
{
	size_t size = slots_offset(n_slots) + n_slots * sizeof(struct slot);
	struct scoreboard *board;
	int fd = open_file(directory);
	int r = 0;

	if (fd < 0)
		return fd;
	/* Allocated, not only sized: a full tmpfs must be an error here, not a SIGBUS later. */
	r = -posix_fallocate(fd, 0, (off_t)size);
	if (r == 0) {
		board = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (board == MAP_FAILED)
			r = -errno;
	}
	close(fd);
	if (r < 0)
		return r;

	board->version = SCOREBOARD_VERSION;
	board->n_slots = n_slots;
	board->size_bytes = size;
	atomic_thread_fence(memory_order_seq_cst);
	board->magic = SCOREBOARD_MAGIC;
	*ret = board;
	return 0;
}

struct slot *scoreboard_slot(struct scoreboard *board, unsigned i)
{
	return (struct slot *)((char *)board + slots_offset(board->n_slots)) + i;
}

uint64_t scoreboard_next_id(struct scoreboard *board, uint64_t time_usec)
{
	uint64_t last = atomic_load(&board->last_id), id;

	do {
		id = time_usec > last ? time_usec : last + 1;
	} while (!atomic_compare_exchange_weak(&board->last_id, &last, id));
	return id;
}

void scoreboard_totals(struct scoreboard *board, struct totals *ret_totals)
{
	struct totals t = {0};

	for (unsigned i = 0; i < board->n_slots; i++) {
		const struct slot *slot = scoreboard_slot(board, i);
		uint8_t state = atomic_load_explicit(&board->states[i], memory_order_relaxed);

		t.idle += state == SLOT_IDLE;
		t.busy += state == SLOT_BUSY;
		t.clients += atomic_load_explicit(&slot->clients, memory_order_relaxed);
		t.received_messages += atomic_load_explicit(&slot->received_messages,
							    memory_order_relaxed);
		t.received_bytes += atomic_load_explicit(&slot->received_bytes,
							 memory_order_relaxed);
		t.logged_bytes += atomic_load_explicit(&slot->logged_bytes, memory_order_relaxed);
		t.dropped_messages += atomic_load_explicit(&slot->dropped_messages,
							   memory_order_relaxed);
		t.dropped_bytes += atomic_load_explicit(&slot->dropped_bytes,
							memory_order_relaxed);
	}
	*ret_totals = t;
}
