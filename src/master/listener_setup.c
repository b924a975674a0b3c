/* SPDX-License-Identifier: MIT */
#include "master/listener_setup.h"

#include <errno.h>
#include <string.h>

#include "base/journal.h"
#include "master/listener.h"

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
	char failed[PEER_NAME_SIZE], skipped[256];
	int r = listeners_open(config, running, ret_listeners, failed, skipped, sizeof(skipped));

	if (r < 0) {
		journal_field("ADDRESS=%s", failed);
		journal_failure(JOURNAL_CANNOT_LISTEN, LOG_ERR, -r, "cannot listen on %s: %s%s; %s",
				failed, strerror(-r), listen_error_hint(r), consequence);
		return r;
	}
	if (skipped[0])
		journal_notice("not listening on %s: this host has no such address", skipped);
	return 0;
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
