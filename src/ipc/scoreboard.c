/* SPDX-License-Identifier: MIT */
#include "ipc/scoreboard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/record.h"

/*
 * In microseconds since 1970: nearly nine years before the ids are used up.  Or so many
 * connections: 2^48 are more than any service will have.
 */
#define CREDIBLE_ID_MAX (RECORD_ID_MAX - (UINT64_C(1) << 48))

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
	/*
	 * Creates a new file.  Truncating the old one would kill, with SIGBUS, a tool or a
	 * process of the last run that still has it mapped.
	 */
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	/* The umask may have removed permissions. */
	(void)fchmod(fd, 0640);
	return fd;
}

int scoreboard_create(const char *directory, unsigned n_slots, struct scoreboard **ret)
{
	size_t size = slots_offset(n_slots) + n_slots * sizeof(struct slot);
	struct scoreboard *board;
	int fd = open_file(directory);
	int r = 0;

	if (fd < 0)
		return fd;
	/* Allocates the memory now: on a full tmpfs, a sparse file would cause SIGBUS later. */
	r = -posix_fallocate(fd, 0, (off_t)size);
	if (r == 0) {
		board = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (board == MAP_FAILED)
			r = -errno;
	}
	if (r < 0) {
		close(fd);
		return r;
	}

	board->version = SCOREBOARD_VERSION;
	board->n_slots = n_slots;
	board->size_bytes = size;
	/* Before the magic, so that tools never see a scoreboard without a master. */
	atomic_store(&board->master_pid, getpid());
	atomic_thread_fence(memory_order_seq_cst);
	board->magic = SCOREBOARD_MAGIC;
	*ret = board;
	return fd;
}

int scoreboard_check(const struct scoreboard *board, uint64_t size_bytes)
{
	if (size_bytes < sizeof(*board) || board->magic != SCOREBOARD_MAGIC)
		return -EBADMSG;
	if (board->version != SCOREBOARD_VERSION)
		return -EPROTONOSUPPORT;
	/* n_slots may be any number: the division prevents an overflow of the product. */
	if (board->size_bytes != size_bytes || size_bytes / sizeof(struct slot) < board->n_slots ||
	    size_bytes != slots_offset(board->n_slots) + board->n_slots * sizeof(struct slot))
		return -EBADMSG;
	return 0;
}

/* Clears the cells that describe processes, since all of them are dead. */
static void clear_processes(struct scoreboard *board)
{
	for (unsigned i = 0; i < board->n_slots; i++) {
		struct slot *slot = scoreboard_slot(board, i);

		atomic_store(&board->states[i], SLOT_FREE);
		atomic_store(&slot->pid, 0);
		atomic_store(&slot->holds_tickets, 0);
		slot_settle_dead(slot);
	}
	atomic_store(&board->master_dozes, 0);
	atomic_store(&board->logger_is_idle, 0);
	atomic_store(&board->logger_beat, 0);
	atomic_store(&board->logger_order, ORDER_NONE);
	atomic_store(&board->stalled_errno, 0);
	atomic_store(&board->no_logger_errno, 0);
	memset(board->shortages, 0, sizeof(board->shortages));
	/* The next master starts with the configuration that was refused, or does not start. */
	atomic_store(&board->reload_refused, 0);
	board->reload_words[0] = '\0';
	atomic_store(&board->round_wanted, atomic_load(&board->round_done));
}

int scoreboard_adopt(int fd, struct scoreboard **ret)
{
	struct scoreboard *board;
	struct stat st;

	if (fstat(fd, &st) < 0 || (size_t)st.st_size < sizeof(struct scoreboard))
		return -EBADMSG;
	board = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (board == MAP_FAILED)
		return -errno;
	if (scoreboard_check(board, (uint64_t)st.st_size) < 0) {
		munmap(board, (size_t)st.st_size);
		return -EBADMSG;
	}
	clear_processes(board);
	*ret = board;
	return 0;
}

static void carry_over_counters(struct slot *new, const struct slot *old)
{
	cell_add(&new->clients, old->clients);
	cell_add(&new->received_messages, old->received_messages);
	cell_add(&new->received_bytes, old->received_bytes);
	cell_add(&new->logged_bytes, old->logged_bytes);
	cell_add(&new->unknown_bytes, old->unknown_bytes);
	cell_add(&new->dropped_messages, old->dropped_messages);
	cell_add(&new->dropped_bytes, old->dropped_bytes);
}

/* The counters of NEW are complete already. */
static void carry_over_connection(struct slot *new, const struct slot *old)
{
	memcpy(new->peer, old->peer, sizeof(new->peer));
	/* What the connection had is still the difference to received_*. */
	atomic_store(&new->bytes_at_open,
		     new->received_bytes - (old->received_bytes - old->bytes_at_open));
	atomic_store(&new->messages_at_open,
		     new->received_messages - (old->received_messages - old->messages_at_open));
	atomic_store(&new->connection_id, old->connection_id);
}

static void carry_over_slots(struct scoreboard *new, struct scoreboard *old)
{
	unsigned next = 0;

	for (unsigned i = 0; i < old->n_slots; i++)
		carry_over_counters(scoreboard_slot(new, i % new->n_slots),
				    scoreboard_slot(old, i));
	/* If there are fewer slots than killed workers, some connections get no `close` record. */
	for (unsigned i = 0; i < old->n_slots && next < new->n_slots; i++)
		if (scoreboard_slot(old, i)->connection_id != 0)
			carry_over_connection(scoreboard_slot(new, next++),
					      scoreboard_slot(old, i));
}

void scoreboard_carry_over(struct scoreboard *new, struct scoreboard *old)
{
	atomic_store(&new->generation, old->generation);
	new->format = old->format;
	atomic_store(&new->pending_records, old->pending_records);
	atomic_store(&new->torn_bytes, old->torn_bytes);
	memcpy(&new->half_record, &old->half_record, sizeof(new->half_record));
	atomic_store(&new->wants_start, old->wants_start);
	atomic_store(&new->must_sync, old->must_sync);
	atomic_store(&new->log_is_copied, old->log_is_copied);
	atomic_store(&new->moved_bytes, old->moved_bytes);
	atomic_store(&new->reopens, old->reopens);
	atomic_store(&new->reopens_asked, old->reopens_asked);
	atomic_store(&new->reopens_done, old->reopens_done);
	atomic_store(&new->reloads_asked, old->reloads_asked);
	atomic_store(&new->reloads_done, old->reloads_done);
	atomic_store(&new->limit_reached, old->limit_reached);
	atomic_store(&new->count_index, old->count_index);
	memcpy(new->count, old->count, sizeof(new->count));
	atomic_store(&new->round_offset_bytes, old->round_offset_bytes);
	atomic_store(&new->round_syncing, old->round_syncing);
	atomic_store(&new->last_id, old->last_id);
	atomic_store(&new->tickets, old->tickets);
	new->tickets_end = old->tickets_end;
	carry_over_slots(new, old);
}

static uint64_t load(const _Atomic uint64_t *cell)
{
	return atomic_load_explicit(cell, memory_order_acquire);
}

/*
 * Reads the cells in the reverse of the order in which they are written: a
 * byte that is counted as logged, dropped or unknown is then also counted as
 * received.  So the bytes in flight are never negative, except in a damaged
 * scoreboard, where they count as 0.
 */
static void add_bytes(struct totals *t, const struct slot *slot)
{
	uint64_t unknown = load(&slot->unknown_bytes), dropped = load(&slot->dropped_bytes),
		 logged = load(&slot->logged_bytes), known = unknown + dropped + logged,
		 received = load(&slot->received_bytes);

	t->unknown_bytes += unknown;
	t->dropped_bytes += dropped;
	t->logged_bytes += logged;
	t->received_bytes += received;
	t->in_flight_bytes += received > known ? received - known : 0;
}

void slot_settle_dead(struct slot *slot)
{
	struct totals t = {0};
	uint64_t in_doubt = 0, left;

	add_bytes(&t, slot);
	left = t.in_flight_bytes;
	if (load(&slot->intended_bytes) > t.logged_bytes)
		in_doubt = load(&slot->intended_bytes) - t.logged_bytes;
	if (in_doubt > left)
		in_doubt = left;
	if (left > in_doubt) {
		cell_add(&slot->dropped_messages, 1);
		cell_add(&slot->dropped_bytes, left - in_doubt);
	}
	/* After dropped_bytes: if we are killed in between, a second call has the same result. */
	cell_add(&slot->unknown_bytes, in_doubt);
	/* No write is under way any more. */
	atomic_store(&slot->intended_bytes, t.logged_bytes);
}

struct slot *scoreboard_slot(struct scoreboard *board, unsigned i)
{
	return (struct slot *)((char *)board + slots_offset(board->n_slots)) + i;
}

/* Eight states, which other processes may change; of another type than the states. */
typedef uint64_t __attribute__((may_alias)) eight_states;

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* The number of bytes in WORD that are SLOT_IDLE. */
static unsigned count_idle(uint64_t word)
{
	uint64_t differs = word ^ EACH_BYTE(SLOT_IDLE);

	/* The highest bit of each byte: whether any bit of the byte is set. */
	differs = ((differs & EACH_BYTE(0x7f)) + EACH_BYTE(0x7f)) | differs;
	return (unsigned)__builtin_popcountll(~differs & EACH_BYTE(0x80));
}

bool scoreboard_set_busy(struct scoreboard *board, unsigned self, unsigned low)
{
	const eight_states *states = (const eight_states *)board->states;
	unsigned idle = 0;

	/* Sequentially consistent: no two workers can both miss that the other is busy now. */
	atomic_store(&board->states[self], SLOT_BUSY);
	atomic_thread_fence(memory_order_seq_cst);
	/* The last eight may be beyond n_slots: there are zeros up to the first slot. */
	for (unsigned i = 0; i < board->n_slots && idle < low; i += 8)
		idle += count_idle(__atomic_load_n(states++, __ATOMIC_RELAXED));
	return idle < low;
}

uint64_t scoreboard_next_id(struct scoreboard *board, uint64_t time_usec)
{
	uint64_t last = atomic_load(&board->last_id), id;

	if (time_usec > CREDIBLE_ID_MAX)
		time_usec = 0;
	do {
		/* Only a damaged scoreboard has a greater one. */
		uint64_t next = last < RECORD_ID_MAX ? last + 1 : 1;

		id = time_usec > next ? time_usec : next;
	} while (!atomic_compare_exchange_weak(&board->last_id, &last, id));
	return id;
}

void scoreboard_note_id(struct scoreboard *board, uint64_t id)
{
	if (id > atomic_load(&board->last_id) && id <= CREDIBLE_ID_MAX)
		atomic_store(&board->last_id, id);
}

void scoreboard_totals(struct scoreboard *board, struct totals *ret_totals)
{
	struct totals t = {0};

	for (unsigned i = 0; i < board->n_slots; i++) {
		const struct slot *slot = scoreboard_slot(board, i);
		uint8_t state = atomic_load_explicit(&board->states[i], memory_order_relaxed);

		t.idle += state == SLOT_IDLE;
		t.busy += state == SLOT_BUSY;
		t.dropped_messages += load(&slot->dropped_messages);
		t.received_messages += load(&slot->received_messages);
		t.clients += load(&slot->clients);
		add_bytes(&t, slot);
	}
	*ret_totals = t;
}
