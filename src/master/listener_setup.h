/* SPDX-License-Identifier: MIT */
/*
 * Opens and adopts the listening sockets at a start and at a reload, by
 * listener.h, and logs what goes wrong.  Called by the master only.
 */
#ifndef ECHO_LOGD_LISTENER_SETUP_H
#define ECHO_LOGD_LISTENER_SETUP_H

#include "master/fdstore.h"
#include "master/service.h"

/*
 * Adopts the sockets of KEPT, which a socket unit passed, into
 * S->fds.listeners.  Logs each socket that it refuses, and then adopts none:
 * with only some of them the service would look healthy.  A descriptor that
 * is not a socket is closed with a warning.
 */
void listener_setup_adopt(struct service *s, const struct kept *kept);

/* Makes the timer of listener_setup_switch().  Called once.  Returns 0 or -errno. */
int listener_setup_init(struct service *s);

/*
 * Opens the sockets that CONFIG names, and reuses those of RUNNING (may be
 * NULL) as listeners_open() does.  Returns 0, or its -errno, logged with
 * CONSEQUENCE.
 */
int listener_setup_open(const struct config *config, const struct listeners *running,
			const char *consequence, struct listeners *ret_listeners);

/*
 * At a reload, after S->config: clients connect to the sockets of FRESH from
 * now on.  The others are closed when their queues are empty
 * (listener_leave.h).
 */
void listener_setup_switch(struct service *s, const struct listeners *fresh);

/*
 * Logs each socket that another program shut down, and closes it: workers
 * cannot wait for clients there.  Returns whether a socket is left.
 */
bool listener_setup_check(struct service *s);

/*
 * At a start: configures the adopted sockets, or opens those that the
 * configuration names.  Returns 0 or -errno, logged (-EINVAL: systemd's
 * sockets were refused).
 */
int listener_setup_open_first(struct service *s);

#endif
