/* SPDX-License-Identifier: MIT */
#include "master/listener_setup.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/journal.h"
#include "master/listener.h"
#include "master/listener_leave.h"
#include "master/timer.h"

/* How often the master looks at the queues of leaving sockets. */
#define LEAVE_TICK_USEC 20000

static const char *refusal_text(int r)
{
	switch (r) {
	case -EPROTOTYPE:
		return "is not a stream socket: the socket unit needs ListenStream=";
	case -EAFNOSUPPORT:
		return "is neither an IP socket nor an AF_UNIX one";
	case -EINVAL:
		return "does not listen: the socket unit needs Accept=no";
	default:
		return strerror(-r);
	}
}

void listener_setup_adopt(struct service *s, const struct kept *kept)
{
	bool all = kept->n_passed <= LISTENERS_MAX;

	if (!all)
		journal_event(JOURNAL_CANNOT_START, LOG_ERR,
			      "systemd passed %u sockets; at most %u can be served; not started",
			      kept->n_passed, LISTENERS_MAX);
	for (unsigned i = 0; i < kept->n_passed && i < LISTENERS_MAX; i++) {
		const struct passed *passed = &kept->passed[i];
		int r = listeners_adopt(&s->fds.listeners, passed->fd);

		if (r == -ENOTSOCK) {
			/* Another version may have stored it: the service can start. */
			journal_warning("systemd passed a descriptor named %s, which is not a "
					"socket; it is closed",
					passed->name);
		} else if (r < 0) {
			journal_failure(JOURNAL_CANNOT_START, LOG_ERR, -r,
					"systemd passed %s, which %s; not started", passed->name,
					refusal_text(r));
			all = false;
		}
	}
	if (!all)
		s->fds.listeners = (struct listeners){.are_passed = true};
}

static const char *listen_error_hint(int r)
{
	switch (r) {
	case -EACCES:
		return "; ports below 1024 need CAP_NET_BIND_SERVICE";
	case -EADDRINUSE:
		return ": another program listens there";
	default:
		return "";
	}
}

int listener_setup_open(const struct config *config, const struct listeners *running,
			const char *consequence, struct listeners *ret_listeners)
{
	struct listen_report report;
	int r = listeners_open(config, running, ret_listeners, &report);

	if (r < 0) {
		journal_field("ADDRESS=%s", report.failed);
		journal_failure(JOURNAL_CANNOT_LISTEN, LOG_ERR, -r, "cannot listen on %s: %s%s; %s",
				report.failed, strerror(-r), listen_error_hint(r), consequence);
		return r;
	}
	if (report.skipped[0])
		journal_notice("not listening on %s: this host has no such address",
			       report.skipped);
	if (report.absent[0])
		journal_warning("this host does not have the address of %s; clients can connect "
				"there as soon as it has",
				report.absent);
	return 0;
}

static int on_leave_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct service *s = userdata;

	(void)usec;
	if (listeners_close_left(&s->fds.listeners, clock_monotonic_usec()))
		timer_set(source, LEAVE_TICK_USEC);
	return 0;
}

int listener_setup_init(struct service *s)
{
	return timer_make(s->event, &s->listening.leave_timer, on_leave_timer, s);
}

void listener_setup_switch(struct service *s, const struct listeners *fresh)
{
	struct listeners old = s->fds.listeners;
	uint64_t now = clock_monotonic_usec();

	s->fds.listeners = *fresh;
	listeners_configure(&s->fds.listeners, &s->config);
	listeners_leave(&old, &s->fds.listeners, now, s->config.drain_timeout_usec);
	if (listeners_close_left(&s->fds.listeners, now))
		timer_set(s->listening.leave_timer, LEAVE_TICK_USEC);
}

bool listener_setup_check(struct service *s)
{
	struct listeners *listeners = &s->fds.listeners;
	char name[LISTENER_NAME_SIZE];

	while (listeners_remove_dead(listeners, name)) {
		journal_field("ADDRESS=%s", name);
		journal_event(JOURNAL_CANNOT_LISTEN, LOG_ERR,
			      "the socket of %s was shut down by another program; %s; %s", name,
			      listeners->n > 0 ? "clients are refused there"
					       : "no socket is left, the service exits",
			      listeners->are_passed ? "restart the socket unit and the service"
			      : listeners->n > 0    ? "reload the service to listen there again"
						    : "restart it");
	}
	return listeners->n > 0;
}

int listener_setup_open_first(struct service *s)
{
	int r = s->fds.listeners.n > 0 ? 0 : -EINVAL;

	if (!s->fds.listeners.are_passed)
		r = listener_setup_open(&s->config, NULL, "not started", &s->fds.listeners);
	if (r == 0)
		listeners_configure(&s->fds.listeners, &s->config);
	return r;
}
