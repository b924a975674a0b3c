/* SPDX-License-Identifier: MIT */
/* Converts socket addresses to text and back.  Called by any process; never asks DNS. */
#ifndef ECHO_LOGD_NET_H
#define ECHO_LOGD_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/peer_name.h"

/*
 * Formats an IPv4 or IPv6 address as the message log does: "192.0.2.7:53412",
 * "[2001:db8::1]:53412", "[fe80::1%eth0]:53412".  An IPv4-mapped address is
 * written as IPv4.
 */
void net_format(const struct sockaddr_storage *address, char ret_name[PEER_NAME_SIZE]);

/*
 * Formats the peer of the connected socket FD.  ADDRESS is the peer's address
 * from accept(2).  An AF_UNIX peer is "unix:PID", with the process that
 * connected, or 0 if that process is in a PID namespace we cannot see.
 */
void net_format_peer(int fd, const struct sockaddr_storage *address,
		     char ret_name[PEER_NAME_SIZE]);

/*
 * Whether NAME is what net_format_peer() writes for some peer.  An interface
 * may have any name, and the log has replaced some of its bytes.
 */
bool net_is_peer_name(const char *name);

/*
 * Makes a socket address from TEXT, a numeric IPv4 or IPv6 address that may
 * end with "%interface", and PORT in host byte order.  Returns 0, -EINVAL if
 * TEXT is not a numeric address, or -ENODEV if the interface does not exist.
 */
int net_parse(const char *text, uint16_t port, struct sockaddr_storage *ret_address,
	      socklen_t *ret_len);

#endif
