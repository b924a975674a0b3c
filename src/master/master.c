/* SPDX-License-Identifier: MIT */
#include "master/master.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/exit_status.h"
#include "base/journal.h"
#include "base/plural.h"
#include "master/listener.h"
#include "master/listener_setup.h"
#include "master/logger_process.h"
#include "master/notify.h"
#include "master/reload.h"
#include "master/shortage_report.h"
#include "master/spill_on_stop.h"
#include "master/timer.h"
#include "master/worker_pool.h"

/* While anything changes, on_tick() runs this often. */
#define TICK_USEC 1000000
/* The watchdog is notified this many times in each of systemd's timeouts. */
#define WATCHDOG_SHARE 3
/*
 * SIGTERM is repeated this often, because a worker may get it after it has checked the flag
 * and before it waits.
 */
#define REPEAT_USEC 100000

static const int handled_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};
#define N_HANDLED_SIGNALS (sizeof(handled_signals) / sizeof(handled_signals[0]))

void master_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < N_HANDLED_SIGNALS; i++)
		sigaddset(&set, handled_signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* The write that fails returns an error, which its caller handles. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

/*
 * If no worker is left, and no killed worker's connection needs its last record, tells the
 * logger to empty the pipes and leave.
 */
static void finish_if_no_workers(struct service *s)
{
	if (s->phase != PHASE_DRAINING && s->phase != PHASE_CLOSING)
		return;
	if (!worker_pool_is_gone(s))
		return;
	s->phase = PHASE_FINISHING;
	timer_set(s->loop.close_timer, REPEAT_USEC);
	logger_process_order(s, ORDER_FINISH);
}

static int on_close_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct service *s = userdata;

	(void)source;
	(void)usec;
	if (s->phase == PHASE_DRAINING)
		s->phase = PHASE_CLOSING;
	worker_pool_signal(s, SIGTERM);
	spill_on_stop_if_stalled(s);
	timer_set(s->loop.close_timer, REPEAT_USEC);
	return 0;
}

static void begin_stop(struct service *s)
{
	struct totals totals;

	s->phase = PHASE_DRAINING;
	notify_stopping(s);
	scoreboard_totals(s->board, &totals);
	journal_field("CLIENTS=%u", totals.busy);
	if (totals.busy == 0)
		journal_event(JOURNAL_STOPPING, LOG_INFO, "stopping; no client is connected");
	else
		journal_event(JOURNAL_STOPPING, LOG_INFO,
			      "stopping; waiting up to %llu ms for %u client%s",
			      (unsigned long long)s->config.drain_timeout_usec / 1000,
			      totals.busy, PLURAL(totals.busy));
	listeners_close(&s->fds.listeners, NULL);
	worker_pool_signal(s, SIGHUP);
	timer_set(s->loop.close_timer, s->config.drain_timeout_usec);
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct service *s = userdata;

	(void)source;
	(void)info;
	if (s->phase < PHASE_DRAINING) {
		begin_stop(s);
	} else if (s->phase == PHASE_DRAINING) {
		journal_info("second stop signal: stopping without waiting for clients");
		timer_set(s->loop.close_timer, 0);
	}
	finish_if_no_workers(s);
	return 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct service *s = userdata;

	(void)source;
	(void)info;
	atomic_fetch_add(&s->board->reloads_asked, 1);
	reload_request(s);
	return 0;
}

static int on_reopen(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct service *s = userdata;

	(void)source;
	(void)info;
	if (s->phase >= PHASE_FINISHING)
		return 0;
	atomic_fetch_add(&s->board->reopens_asked, 1);
	logger_process_order(s, ORDER_REOPEN);
	return 0;
}

/* Several children may end before one SIGCHLD is handled. */
static int on_child(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct service *s = userdata;
	int wait_status;
	pid_t pid;

	(void)source;
	(void)info;
	while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0)
		if (!worker_pool_reaped(s, pid, wait_status))
			(void)logger_process_reaped(s, pid, wait_status);
	/* A worker leaves when its listener was shut down; so would those that replace it. */
	if (s->phase < PHASE_DRAINING && !listener_setup_check(s)) {
		s->loop.stop_status = STATUS_CANNOT_GO_ON;
		begin_stop(s);
	}
	worker_pool_fill(s);
	finish_if_no_workers(s);
	return 0;
}

/* Something changes: on_tick() runs within a second. */
static void start_tick(struct service *s)
{
	atomic_store(&s->board->master_dozes, 0);
	if (!timer_is_set(s->loop.tick))
		timer_set(s->loop.tick, TICK_USEC);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct service *s = userdata;
	struct totals totals;
	bool changes;

	(void)source;
	(void)usec;
	/* Before the checks: a change after them must ring the doorbell. */
	atomic_store(&s->board->master_dozes, 1);
	scoreboard_totals(s->board, &totals);
	changes = memcmp(&totals, &s->loop.last_totals, sizeof(totals)) != 0;
	s->loop.last_totals = totals;
	changes |= worker_pool_shrink(s);
	changes |= logger_process_watch(s);
	changes |= shortage_report_changes(s);
	if (s->phase < PHASE_DRAINING)
		notify_status(s);
	if (changes)
		start_tick(s);
	return 0;
}

static void report_message_limit(struct service *s)
{
	bool reached = atomic_load(&s->board->limit_reached);

	if (reached && !s->loop.limit_was_reached) {
		journal_field("LOG_PATH=%s", s->config.path);
		journal_field("MESSAGES=%llu", (unsigned long long)s->config.message_limit);
		journal_event(JOURNAL_MESSAGE_LIMIT, LOG_WARNING,
			      "%s has reached log.message_limit (%llu message%s): new messages are "
			      "echoed but not saved; rename the file and run echo-logctl reopen, "
			      "or raise the limit",
			      s->config.path, (unsigned long long)s->config.message_limit,
			      PLURAL(s->config.message_limit));
	}
	s->loop.limit_was_reached = reached;
}

static void on_logger_up(struct service *s)
{
	atomic_store(&s->board->reopens_done, s->log.reopens_answered);
	if (s->phase == PHASE_STARTING) {
		s->phase = PHASE_RUNNING;
		atomic_store(&s->board->generation, s->generation);
		notify_ready(s);
	}
	reload_continue(s);
}

static int on_doorbell(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct service *s = userdata;
	eventfd_t rings;

	(void)source;
	(void)events;
	(void)eventfd_read(fd, &rings);
	if (s->logger.pid > 0 && atomic_load(&s->board->logger_beat) > 0)
		on_logger_up(s);
	worker_pool_fill(s);
	report_message_limit(s);
	start_tick(s);
	return 0;
}

/* Replaces sd_event_set_watchdog(3), which opens a socket for each message (systemd.h). */
static int on_watchdog(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct service *s = userdata;

	(void)usec;
	notify_watchdog();
	timer_set(source, s->loop.watchdog_usec / WATCHDOG_SHARE);
	return 0;
}

static int start_watchdog(struct service *s)
{
	sd_event_source *timer;
	int r = sd_watchdog_enabled(0, &s->loop.watchdog_usec);

	if (r <= 0)
		return r;
	r = timer_make(s->event, &timer, on_watchdog, s);
	if (r == 0)
		timer_set(timer, 0);
	return r;
}

static int add_sources(struct service *s)
{
	static const sd_event_signal_handler_t handlers[N_HANDLED_SIGNALS] = {
		on_stop, on_stop, on_reload, on_reopen, on_child,
	};
	int r;

	r = sd_event_new(&s->event);
	for (size_t i = 0; i < N_HANDLED_SIGNALS && r >= 0; i++)
		r = sd_event_add_signal(s->event, NULL, handled_signals[i], handlers[i], s);
	if (r >= 0)
		r = sd_event_add_io(s->event, NULL, s->fds.doorbell, EPOLLIN, on_doorbell, s);
	if (r >= 0)
		r = timer_make(s->event, &s->loop.tick, on_tick, s);
	if (r >= 0)
		r = timer_make(s->event, &s->loop.close_timer, on_close_timer, s);
	if (r >= 0)
		r = listener_setup_init(s);
	if (r >= 0)
		r = start_watchdog(s);
	return r;
}

int master_run(struct service *s)
{
	int r = add_sources(s);

	if (r >= 0)
		r = worker_pool_init(s);
	if (r >= 0)
		r = logger_process_start(s);
	if (r < 0) {
		journal_failure(JOURNAL_CANNOT_START, LOG_ERR, -r,
				"cannot set up the master loop: %s; not started", strerror(-r));
		return STATUS_CANNOT_START;
	}
	worker_pool_fill(s);
	r = sd_event_loop(s->event);
	if (r < 0) {
		journal_error("the event loop failed: %s; the service exits", strerror(-r));
		return STATUS_CANNOT_GO_ON;
	}
	return r == STATUS_CLEAN ? s->loop.stop_status : r;
}
