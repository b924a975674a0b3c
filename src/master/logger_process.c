/* SPDX-License-Identifier: MIT */
#include "master/logger_process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit_status.h"
#include "base/journal.h"
#include "base/pipe.h"
#include "ipc/receipt.h"
#include "ipc/stall.h"
#include "ipc/tickets.h"
#include "logger/logger.h"
#include "master/backoff.h"
#include "master/child.h"
#include "master/message_log.h"
#include "master/timer.h"

/* This many loggers in a row that made no progress are replaced without a pause. */
#define FREE_DEATHS 5
#define LONGEST_WAIT_USEC 2000000
/* Each failed sync leaves a renamed file, so the longest pause is longer while the disk fails. */
#define LONGEST_SYNC_WAIT_USEC 10000000
/* A logger beats once when it is up, and again after its first round. */
#define BEATS_OF_SUCCESS 2
/* The pause before the next try to prepare or fork the logger. */
#define RETRY_USEC 200000
/* Between two checks no more than this counts, because the master may have been stopped. */
#define LONGEST_LOOK_USEC 2000000

static int apply_logger_exit(struct service *s)
{
	uint32_t asked = atomic_load(&s->board->reopens_asked);
	int r;

	switch (s->logger.last_exit) {
	case LOGGER_REOPEN:
	case LOGGER_MOVED:
		r = message_log_reopen(s);
		break;
	case LOGGER_FULL:
		r = message_log_rotate(s);
		break;
	case LOGGER_SYNC_FAILED:
		r = message_log_rotate(s);
		if (r == 0)
			atomic_store(&s->board->round_syncing, 0);
		break;
	case LOGGER_TRUNCATED:
		return message_log_resume_truncated(s);
	default:
		return 0;
	}
	/* The file is now the one at log.path, so ORDER_REOPEN is carried out. */
	if (r < 0)
		return r;
	s->log.reopens_answered = asked;
	atomic_store(&s->board->logger_order,
		     s->phase == PHASE_FINISHING ? ORDER_FINISH : ORDER_NONE);
	return 0;
}

__attribute__((noreturn)) static void leave_logger(int status)
{
	journal_flush();
	_exit(status);
}

static int fork_logger(struct service *s)
{
	pid_t master_pid = getpid(), pid;

	atomic_store(&s->board->logger_beat, 0);
	pid = child_fork(CHILD_LOGGER, &s->fds);
	if (pid == 0)
		leave_logger(logger_run(&s->config, &s->fds, s->board, master_pid));
	if (pid < 0)
		return (int)pid;
	s->logger.pid = pid;
	atomic_store(&s->board->logger_pid, pid);
	s->logger.moved_at_start = atomic_load(&s->board->moved_bytes);
	s->logger.beat = 0;
	s->logger.looked_usec = 0;
	return 0;
}

static int fork_or_report(struct service *s, int last_errno)
{
	int r = fork_logger(s);

	if (r < 0 && last_errno != -r)
		journal_error("cannot fork the logger: %s; %s, retrying", strerror(-r),
			      stall_consequence(s->config.when_stalled));
	return r;
}

/*
 * The next logger may have another configuration.  Without a limit nobody issues tickets, so no
 * worker must wait for one, even if no logger can be started for now.
 */
static void apply_message_limit(struct service *s)
{
	if (config_stops_at_limit(&s->config)) {
		tickets_begin_limit(s->board);
		return;
	}
	tickets_end_limit(s->board);
	atomic_store(&s->board->limit_reached, 0);
	atomic_fetch_and(&s->board->pending_records, ~(uint32_t)PENDING_LIMIT);
}

/* Does what the exit status of the last logger asks for, then forks the next. */
static int prepare_and_fork(struct service *s)
{
	int last_errno = s->log.reported_errno, r;

	apply_message_limit(s);
	r = apply_logger_exit(s);
	if (r == 0) {
		s->logger.last_exit = LOGGER_FINISHED;
		r = fork_or_report(s, last_errno);
	}
	if (r == 0 && last_errno != 0)
		journal_notice("%s can be written again", config_log_name(&s->config));
	s->log.reported_errno = -r;
	atomic_store(&s->board->no_logger_errno, -r);
	/* on_doorbell() sets the timer that updates STATUS=. */
	if (s->log.reported_errno != last_errno)
		(void)eventfd_write(s->fds.doorbell, 1);
	return r;
}

static void start_or_retry(struct service *s)
{
	if (s->logger.pid == 0 && !s->stop.has_given_up_log && prepare_and_fork(s) < 0)
		timer_set(s->logger.retry, RETRY_USEC);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	start_or_retry(userdata);
	return 0;
}

int logger_process_start(struct service *s)
{
	int r = timer_make(s->event, &s->logger.retry, on_retry, s);

	if (r < 0)
		return r;
	start_or_retry(s);
	return 0;
}

void logger_process_order(struct service *s, enum logger_order order)
{
	atomic_store(&s->board->logger_order, order);
	if (s->logger.pid > 0)
		kill(s->logger.pid, SIGUSR1);
}

/* The pause before the next logger, in microseconds, after one that failed. */
static uint64_t pause_after_death(struct service *s, bool made_progress, uint64_t longest_usec)
{
	if (made_progress)
		s->logger.deaths = 0;
	return backoff_usec(++s->logger.deaths, FREE_DEATHS, longest_usec);
}

static void start_after(struct service *s, uint64_t wait_usec)
{
	if (wait_usec > 0)
		timer_set(s->logger.retry, wait_usec);
	else
		start_or_retry(s);
}

static bool has_done_a_round(const struct service *s)
{
	return atomic_load(&s->board->logger_beat) >= BEATS_OF_SUCCESS;
}

static void replace_dead(struct service *s, pid_t pid, int wait_status)
{
	bool moved = atomic_load(&s->board->moved_bytes) != s->logger.moved_at_start;
	bool killed = WIFSIGNALED(wait_status);
	int number = killed ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
	uint64_t wait_usec = pause_after_death(s, moved || has_done_a_round(s), LONGEST_WAIT_USEC);

	journal_field("LOGGER_PID=%d", (int)pid);
	journal_field("%s=%d", killed ? "SIGNAL" : "EXIT_STATUS", number);
	journal_event(JOURNAL_LOGGER_DIED, LOG_WARNING,
		      "the logger %s %d; nothing is lost, starting another%s",
		      killed ? "was killed by signal" : "exited with status", number,
		      wait_usec > 0 ? " after a pause" : "");
	start_after(s, wait_usec);
}

/*
 * A sync failed.  It is likely to fail for the next file too, so the pauses may become longer
 * than after a death, and at a stop with empty pipes the service exits and begins no other file.
 */
static void replace_after_failed_sync(struct service *s)
{
	s->logger.last_exit = LOGGER_SYNC_FAILED;
	if (s->phase == PHASE_FINISHING && spill_left(&s->fds) == 0) {
		journal_error("the last sync of %s failed; the service exits",
			      config_log_name(&s->config));
		(void)sd_event_exit(s->event, STATUS_CANNOT_GO_ON);
	} else {
		start_after(s, pause_after_death(s, has_done_a_round(s), LONGEST_SYNC_WAIT_USEC));
	}
}

bool logger_process_watch(struct service *s)
{
	uint64_t beat = atomic_load(&s->board->logger_beat), now = clock_monotonic_usec();
	bool waiting = pipe_bytes(s->fds.log_read) > 0 || receipt_is_wanted(s->board);

	if (beat != s->logger.beat || !waiting || s->logger.pid == 0) {
		s->logger.beat = beat;
		s->logger.looked_usec = 0;
		return waiting;
	}
	if (s->logger.looked_usec == 0)
		s->logger.silent_usec = 0;
	else
		s->logger.silent_usec += now - s->logger.looked_usec < LONGEST_LOOK_USEC
						 ? now - s->logger.looked_usec
						 : LONGEST_LOOK_USEC;
	s->logger.looked_usec = now;
	/* The reader of stdout may be slow, and the master cannot tell that from a hung logger. */
	if (s->config.logger_timeout_usec > 0 && !config_logs_to_stdout(&s->config) &&
	    s->logger.silent_usec >= s->config.logger_timeout_usec) {
		journal_field("LOGGER_PID=%d", (int)s->logger.pid);
		journal_event(JOURNAL_LOGGER_HANGS, LOG_ERR,
			      "the logger has not responded for %llu s; killing it and starting "
			      "another, nothing is lost",
			      (unsigned long long)s->logger.silent_usec / 1000000);
		kill(s->logger.pid, SIGKILL);
		s->logger.looked_usec = 0;
	}
	return true;
}

bool logger_process_reaped(struct service *s, pid_t pid, int wait_status)
{
	if (pid != s->logger.pid)
		return false;
	s->logger.pid = 0;
	atomic_store(&s->board->logger_pid, 0);
	if (s->stop.has_given_up_log)
		return true;
	if (WIFSIGNALED(wait_status)) {
		replace_dead(s, pid, wait_status);
		return true;
	}
	switch (WEXITSTATUS(wait_status)) {
	case LOGGER_FINISHED:
		(void)sd_event_exit(s->event, STATUS_CLEAN);
		break;
	case LOGGER_REOPEN:
	case LOGGER_MOVED:
	case LOGGER_TRUNCATED:
	case LOGGER_FULL:
		s->logger.last_exit = WEXITSTATUS(wait_status);
		start_or_retry(s);
		break;
	case LOGGER_SYNC_FAILED:
		replace_after_failed_sync(s);
		break;
	case LOGGER_CANNOT_GO_ON:
		/*
		 * The next logger would fail in the same way.  This one logged the cause, but
		 * STATUS= shows the last error of the master only.
		 */
		journal_error("the logger cannot continue; the service exits");
		(void)sd_event_exit(s->event, STATUS_CANNOT_GO_ON);
		break;
	default:
		replace_dead(s, pid, wait_status);
	}
	return true;
}
