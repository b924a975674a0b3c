/* SPDX-License-Identifier: MIT */
/* Where a starting service listens.  Master only; says itself what is wrong. */
#ifndef ECHO_LOGD_STARTUP_LISTEN_H
#define ECHO_LOGD_STARTUP_LISTEN_H

#include "fdstore.h"
#include "service.h"

/*
 * Takes all sockets that a socket unit passed into S->fds.listeners, or none:
 * half of them would look as if all were well.  Those refused are said.
 */
void startup_adopt_sockets(struct service *s, const struct kept *kept);

/* Opens what the configuration says, unless sockets were passed.  Returns 0 or -errno. */
int startup_listen(struct service *s);

#endif
