/* SPDX-License-Identifier: MIT */
#include "supervise_workers.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "journal.h"
#include "pool.h"
#include "worker.h"

/* After a failed fork, and when workers fail one after the other. */
#define FORK_RETRY_USEC 200000
/* So many workers in a row may fail at once before the pause. */
#define FREE_DEATHS 100
#define QUICK_DEATH_USEC 100000

int workers_init(struct service *s)
{
	s->worker_pids = calloc(s->board->n_slots, sizeof(*s->worker_pids));
	return s->worker_pids ? 0 : -ENOMEM;
}

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

static bool has_obituary(struct service *s, unsigned i)
{
	return s->worker_pids[i] == 0 &&
	       atomic_load(&scoreboard_slot(s->board, i)->connection_id) != 0;
}

/* Returns 0 or -errno. */
static int fork_worker(struct service *s, unsigned i)
{
	struct slot *slot = scoreboard_slot(s->board, i);
	pid_t pid;

	/* The worker counts as idle from here, or the next look would fork another. */
	atomic_store(&s->board->states[i], SLOT_IDLE);
	atomic_fetch_add(&s->board->idle_workers, 1);
	atomic_store(&slot->generation, s->generation);
	pid = child_fork(CHILD_WORKER, &s->fds);
	if (pid == 0)
		_exit(worker_run(&s->config, &s->fds, s->board, i));
	if (pid < 0) {
		atomic_store(&s->board->states[i], SLOT_FREE);
		atomic_fetch_sub(&s->board->idle_workers, 1);
		return (int)pid;
	}
	s->worker_pids[i] = pid;
	s->n_workers++;
	atomic_store(&slot->pid, pid);
	/* While the service stops a worker is here for the record of a killed one, no more. */
	if (s->phase >= PHASE_DRAINING)
		kill(pid, SIGHUP);
	return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct service *s = userdata;

	(void)source;
	(void)usec;
	s->worker_retry = sd_event_source_disable_unref(s->worker_retry);
	s->worker_deaths = 0;
	workers_fill(s);
	return 0;
}

static void fill_later(struct service *s)
{
	if (sd_event_add_time_relative(s->event, &s->worker_retry, CLOCK_MONOTONIC,
				       FORK_RETRY_USEC, 0, on_retry, s) < 0)
		s->worker_retry = NULL;	/* then the next client's doorbell tries again */
}

/* Forks up to N workers into free slots that are, or are not, left by a killed worker. */
static int fork_workers(struct service *s, unsigned n, bool for_obituaries)
{
	int r = 0;

	for (unsigned i = 0; i < s->board->n_slots && n > 0 && r == 0; i++) {
		if (s->worker_pids[i] != 0 || has_obituary(s, i) != for_obituaries)
			continue;
		r = fork_worker(s, i);
		n--;
	}
	return r;
}

void workers_fill(struct service *s)
{
	const struct pool_limits limits = pool_limits(&s->config);
	int r;

	if (s->worker_retry)
		return;
	if (s->config.echo_after == ECHO_AFTER_SYNCED)
		atomic_store(&s->board->must_sync, 1);
	r = fork_workers(s, s->board->n_slots, true);
	if (r == 0 && s->phase < PHASE_DRAINING) {
		unsigned idle = count(s, SLOT_IDLE), busy = s->n_workers - idle;

		r = fork_workers(s, pool_to_fork(&limits, idle, busy), false);
	}
	if (r < 0) {
		if (s->fork_errno != -r)
			journal_warning("cannot fork a worker: %s; %u are there, new clients may wait; trying again",
					strerror(-r), s->n_workers);
		fill_later(s);
	} else if (s->fork_errno != 0) {
		journal_notice("workers can be forked again");
	}
	s->fork_errno = -r;
}

bool workers_shrink(struct service *s)
{
	const struct pool_limits limits = pool_limits(&s->config);
	unsigned surplus = pool_to_retire(&limits, count(s, SLOT_IDLE));
	bool any = surplus > 0;

	/* From the end: low slots stay in use and their pages warm. */
	for (unsigned i = s->board->n_slots; i-- > 0 && surplus > 0;) {
		if (s->worker_pids[i] == 0 || state_of(s, i) != SLOT_IDLE)
			continue;
		kill(s->worker_pids[i], SIGHUP);
		surplus--;
	}
	return any;
}

void workers_signal(struct service *s, int signo)
{
	for (unsigned i = 0; i < s->board->n_slots; i++)
		if (s->worker_pids[i] != 0)
			kill(s->worker_pids[i], signo);
}

/* A worker that could not do its work is replaced, but not in a busy loop. */
static void note_failure(struct service *s)
{
	uint64_t now = clock_monotonic_usec();

	s->worker_deaths = now - s->worker_died_usec < QUICK_DEATH_USEC ? s->worker_deaths + 1 : 1;
	s->worker_died_usec = now;
	if (s->worker_deaths > FREE_DEATHS && !s->worker_retry)
		fill_later(s);
}

static void free_slot(struct service *s, unsigned i, bool was_killed)
{
	struct slot *slot = scoreboard_slot(s->board, i);

	if (state_of(s, i) == SLOT_IDLE)
		atomic_fetch_sub(&s->board->idle_workers, 1);
	atomic_store(&s->board->states[i], SLOT_FREE);
	atomic_store(&slot->holds_tickets, 0);
	slot_settle_dead(slot);
	atomic_store(&slot->pid, 0);
	s->worker_pids[i] = 0;
	s->n_workers--;
	/* A kill between the two stores of "busy" or "idle" leaves the hint wrong: count anew. */
	if (was_killed)
		atomic_store(&s->board->idle_workers, (int32_t)count(s, SLOT_IDLE));
}

static void tell_of_end(const struct service *s, unsigned i, int wait_status)
{
	struct slot *slot = scoreboard_slot(s->board, i);
	bool had_client = atomic_load(&slot->connection_id) != 0;

	if (WIFSIGNALED(wait_status))
		journal_warning("worker %d was killed by signal %d%s%s", s->worker_pids[i],
				WTERMSIG(wait_status),
				had_client ? ": connection lost of " : ", it had no client",
				had_client ? slot->peer : "");
}

bool workers_reaped(struct service *s, pid_t pid, int wait_status)
{
	for (unsigned i = 0; i < s->board->n_slots; i++) {
		if (s->worker_pids[i] != pid)
			continue;
		tell_of_end(s, i, wait_status);
		if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0)
			note_failure(s);
		free_slot(s, i, WIFSIGNALED(wait_status));
		return true;
	}
	return false;
}

bool workers_all_gone(struct service *s)
{
	if (s->n_workers > 0)
		return false;
	for (unsigned i = 0; i < s->board->n_slots; i++)
		if (has_obituary(s, i))
			return false;
	return true;
}
