/* SPDX-License-Identifier: MIT */
/*
 * Where the service listens, at a start and at a reload: listener.h makes the
 * sockets, and what goes wrong is logged here.  Master only.
 */
#ifndef ECHO_LOGD_LISTENING_H
#define ECHO_LOGD_LISTENING_H

#include "master/fdstore.h"
#include "master/service.h"

/*
 * Takes all sockets that a socket unit passed into S->fds.listeners, or none:
 * with half of them the service would look well.  Those refused are logged.
 */
void listening_adopt(struct service *s, const struct kept *kept);

/*
 * Opens the sockets that CONFIG names; those of RUNNING (may be NULL) that it
 * names too are taken over, see listeners_open().  Returns 0; or -errno,
 * logged with its CONSEQUENCE.
 */
int listening_open(const struct config *config, const struct listeners *running,
		   const char *consequence, struct listeners *ret_listeners);

/* At a start: the sockets that were passed, or those of the configuration.  Returns 0 or -errno. */
int listening_open_first(struct service *s);

#endif
