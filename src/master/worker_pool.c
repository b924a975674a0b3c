/* SPDX-License-Identifier: MIT */
#include "master/worker_pool.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/journal.h"
#include "ipc/shortage.h"
#include "ipc/spare_workers.h"
#include "master/backoff.h"
#include "master/child.h"
#include "master/timer.h"
#include "worker/worker.h"

/* The pause after a failed fork. */
#define FORK_RETRY_USEC 200000
/* This many workers in a row that made no progress are replaced without a pause. */
#define FREE_DEATHS 100
#define LONGEST_WAIT_USEC 2000000
/* A death that comes later than this after the last one begins a new row. */
#define ROW_USEC 10000000

static enum slot_state state_of(const struct service *s, unsigned i)
{
	return atomic_load_explicit(&s->board->states[i], memory_order_relaxed);
}

static unsigned count(const struct service *s, enum slot_state state)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->board->n_slots; i++)
		n += state_of(s, i) == state;
	return n;
}

static bool has_close_killed_to_write(struct service *s, unsigned i)
{
	return s->pool.workers[i].pid == 0 &&
	       atomic_load(&scoreboard_slot(s->board, i)->connection_id) != 0;
}

/* Returns 0 or -errno. */
static int fork_worker(struct service *s, unsigned i)
{
	struct slot *slot = scoreboard_slot(s->board, i);
	uint64_t clients_at_start = atomic_load(&slot->clients);
	bool is_closing = atomic_load(&slot->connection_id) != 0;
	pid_t pid;

	/*
	 * Counted as idle already here, so that worker_pool_fill() does not fork another.  But
	 * not if it first writes `close killed`: while the log is stalled it serves nobody.
	 */
	atomic_store(&s->board->states[i], is_closing ? SLOT_CLOSING : SLOT_IDLE);
	atomic_store(&slot->generation, s->generation);
	pid = child_fork(CHILD_WORKER, &s->fds);
	if (pid == 0)
		_exit(worker_run(&s->config, &s->fds, s->board, i));
	if (pid < 0) {
		atomic_store(&s->board->states[i], SLOT_FREE);
		return (int)pid;
	}
	s->pool.workers[i].pid = pid;
	s->pool.workers[i].clients_at_start = clients_at_start;
	s->pool.workers[i].promises_synced = s->config.echo_after == ECHO_AFTER_SYNCED;
	s->pool.n_workers++;
	atomic_store(&slot->pid, pid);
	/* While the service stops, the worker writes a killed worker's last record and leaves. */
	if (s->phase >= PHASE_DRAINING)
		kill(pid, SIGHUP);
	return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct service *s = userdata;

	(void)source;
	(void)usec;
	worker_pool_fill(s);
	return 0;
}

int worker_pool_init(struct service *s)
{
	s->pool.workers = calloc(s->board->n_slots, sizeof(*s->pool.workers));
	if (!s->pool.workers)
		return -ENOMEM;
	return timer_make(s->event, &s->pool.retry, on_retry, s);
}

/*
 * Forks up to N workers into free slots: those whose connection needs its last record, or only
 * the others.  Returns 0 or -errno.
 */
static int fork_workers(struct service *s, unsigned n, bool for_close_killed)
{
	int r = 0;

	for (unsigned i = 0; i < s->board->n_slots && n > 0 && r == 0; i++) {
		if (s->pool.workers[i].pid != 0)
			continue;
		if (has_close_killed_to_write(s, i) != for_close_killed)
			continue;
		r = fork_worker(s, i);
		n--;
	}
	return r;
}

void worker_pool_fill(struct service *s)
{
	const struct spare_workers_limits limits = spare_workers_limits(&s->config);
	int r;

	if (timer_is_set(s->pool.retry))
		return;
	if (s->config.echo_after == ECHO_AFTER_SYNCED)
		atomic_store(&s->board->must_sync, 1);
	r = fork_workers(s, s->board->n_slots, true);
	if (r == 0 && s->phase < PHASE_DRAINING) {
		unsigned idle = count(s, SLOT_IDLE), busy = s->pool.n_workers - idle;
		unsigned n = spare_workers_to_fork(&limits, idle, busy);

		/* A new worker looks at all queues before it waits. */
		if (n == 0 && s->pool.needs_look && idle + busy < limits.max_workers)
			n = 1;
		r = fork_workers(s, n, false);
		if (r == 0)
			s->pool.needs_look = false;
	}
	if (r < 0) {
		shortage_note(s->board, SHORTAGE_FORK, -r, s->fds.doorbell);
		timer_set(s->pool.retry, FORK_RETRY_USEC);
	}
}

bool worker_pool_shrink(struct service *s)
{
	const struct spare_workers_limits limits = spare_workers_limits(&s->config);
	unsigned surplus = spare_workers_to_retire(&limits, count(s, SLOT_IDLE));
	bool any = surplus > 0;

	/* From the end, so that low slots stay in use, with their pages in the cache. */
	for (unsigned i = s->board->n_slots; i-- > 0 && surplus > 0;) {
		if (s->pool.workers[i].pid == 0 || state_of(s, i) != SLOT_IDLE)
			continue;
		kill(s->pool.workers[i].pid, SIGHUP);
		surplus--;
	}
	return any;
}

void worker_pool_signal(struct service *s, int signo)
{
	for (unsigned i = 0; i < s->board->n_slots; i++)
		if (s->pool.workers[i].pid != 0)
			kill(s->pool.workers[i].pid, signo);
}

/* A worker failed: if too many fail in a row, pauses before the next fork. */
static void note_failure(struct service *s, unsigned i)
{
	uint64_t clients = atomic_load(&scoreboard_slot(s->board, i)->clients);
	uint64_t now = clock_monotonic_usec(), wait_usec;

	if (clients != s->pool.workers[i].clients_at_start || now - s->pool.died_usec >= ROW_USEC)
		s->pool.deaths = 0;
	s->pool.died_usec = now;
	wait_usec = backoff_usec(++s->pool.deaths, FREE_DEATHS, LONGEST_WAIT_USEC);
	if (wait_usec > 0)
		timer_set(s->pool.retry, wait_usec);
}

static void free_slot(struct service *s, unsigned i)
{
	struct slot *slot = scoreboard_slot(s->board, i);

	atomic_store(&s->board->states[i], SLOT_FREE);
	atomic_store(&slot->holds_tickets, 0);
	slot_settle_dead(slot);
	atomic_store(&slot->pid, 0);
	s->pool.workers[i].pid = 0;
	s->pool.n_workers--;
}

/* Logs that the worker was killed, if it was.  Called before its slot is freed. */
static void report_killed(const struct service *s, unsigned i, int wait_status)
{
	struct slot *slot = scoreboard_slot(s->board, i);
	uint64_t id = atomic_load(&slot->connection_id);

	if (!WIFSIGNALED(wait_status))
		return;
	journal_field("WORKER_PID=%d", (int)s->pool.workers[i].pid);
	journal_field("SIGNAL=%d", WTERMSIG(wait_status));
	if (id != 0) {
		journal_field("CLIENT_ADDRESS=%s", slot->peer);
		journal_field("CONNECTION=%013" PRIx64, id);
		journal_field("BYTES=%" PRIu64, atomic_load(&slot->received_bytes) -
							atomic_load(&slot->bytes_at_open));
		journal_field("MESSAGES=%" PRIu64, atomic_load(&slot->received_messages) -
							   atomic_load(&slot->messages_at_open));
	}
	if (id == 0)
		journal_event(JOURNAL_WORKER_KILLED, LOG_WARNING,
			      "worker %d was killed by signal %d; it had no client",
			      (int)s->pool.workers[i].pid, WTERMSIG(wait_status));
	else
		journal_event(JOURNAL_WORKER_KILLED, LOG_WARNING,
			      "worker %d was killed by signal %d; connection from %s (id %013"
			      PRIx64 ") was lost",
			      (int)s->pool.workers[i].pid, WTERMSIG(wait_status), slot->peer, id);
}

bool worker_pool_reaped(struct service *s, pid_t pid, int wait_status)
{
	for (unsigned i = 0; i < s->board->n_slots; i++) {
		if (s->pool.workers[i].pid != pid)
			continue;
		report_killed(s, i, wait_status);
		if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) == WORKER_CANNOT_GO_ON)
			note_failure(s, i);
		/*
		 * A new client wakes one idle worker (EPOLLEXCLUSIVE).  If that worker ended before
		 * accept4(2), the others do not know of the client.
		 */
		if (wait_status != 0 && state_of(s, i) == SLOT_IDLE)
			s->pool.needs_look = true;
		free_slot(s, i);
		return true;
	}
	return false;
}

bool worker_pool_promises_synced(const struct service *s)
{
	for (unsigned i = 0; i < s->board->n_slots; i++)
		if (s->pool.workers[i].pid != 0 && s->pool.workers[i].promises_synced)
			return true;
	return false;
}

bool worker_pool_is_gone(struct service *s)
{
	if (s->pool.n_workers > 0)
		return false;
	for (unsigned i = 0; i < s->board->n_slots; i++)
		if (has_close_killed_to_write(s, i))
			return false;
	return true;
}
