/* SPDX-License-Identifier: MIT */
/*
 * Where a listening TCP socket is bound, and which places clash.  Called by
 * the master only, logs nothing.
 *
 * While a socket listens, the kernel lets no other be bound to a place that
 * overlaps with it: 0.0.0.0 and 127.0.0.1, for example, on the same port.
 */
#ifndef ECHO_LOGD_LISTENER_PLACE_H
#define ECHO_LOGD_LISTENER_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* The configuration's word for every address of both families. */
#define PLACE_ANY "*"

struct place {
	struct sockaddr_storage address;
	socklen_t len;
	bool is_dual;		/* [::], and every IPv4 address too */
};

/*
 * The place of TEXT, a numeric address or PLACE_ANY, and PORT.  Returns 0, or
 * the -errno of net_parse().
 */
int place_of_text(const char *text, uint16_t port, struct place *ret);

/* The place of the TCP socket FD.  Returns 0, or -errno of getsockname(2). */
int place_of_socket(int fd, struct place *ret);

/* Whether a client that can connect to NARROW can also connect to WIDE. */
bool place_covers(const struct place *wide, const struct place *narrow);

/* Whether an address and port belong to both places. */
bool place_overlaps(const struct place *a, const struct place *b);

#endif
