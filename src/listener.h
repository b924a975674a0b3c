/* SPDX-License-Identifier: MIT */
/*
 * The sockets that clients connect to.
 *
 * Made by the master; workers inherit and accept from them.  What a client
 * socket needs (TCP_NODELAY, timeouts) is set here once, since Linux hands
 * a listener's options on to what it accepts: three system calls fewer for
 * each client.
 */
#ifndef ECHO_LOGD_LISTENER_H
#define ECHO_LOGD_LISTENER_H

#include "config.h"
#include "record.h"

struct listener {
	int fd;
	char name[RECORD_PEER_SIZE];	/* "127.0.0.1:7" */
};

struct listeners {
	struct listener item[CONFIG_MAX_ADDRESSES];
	unsigned n;
};

/*
 * Listens on every address of CONFIG.  A socket of RUNNING (may be NULL)
 * that already listens on one is taken over; RUNNING itself is unchanged.
 * Addresses of the default list that this kernel lacks are skipped and
 * named in RET_SKIPPED (NUL-terminated, "" when none).
 * Returns 0; or -errno with the address that failed in RET_FAILED, and
 * nothing newly opened left open.  -EADDRNOTAVAIL when none is left.  While a
 * new socket cannot be bound beside the running ones, those that CONFIG does not
 * name refuse clients for some microseconds.
 */
int listeners_open(const struct config *config, const struct listeners *running,
		   struct listeners *ret_listeners, char ret_failed[RECORD_PEER_SIZE],
		   char *ret_skipped, size_t skipped_size);

/* (Re)sets the options that accepted sockets inherit from CONFIG. */
void listeners_configure(const struct listeners *listeners, const struct config *config);

/*
 * Stops and closes each socket of OLD that NEW (may be NULL: all) does not
 * hold.  Stopped for every process at once, workers included: clients that
 * come later are refused rather than left waiting.
 */
void listeners_close(struct listeners *old, const struct listeners *new);

#endif
