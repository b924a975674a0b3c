/* SPDX-License-Identifier: MIT */
/* Socket addresses to text and back. */
#ifndef ECHO_LOGD_NET_H
#define ECHO_LOGD_NET_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/peer_name.h"

/*
 * Names a peer as the log does: "192.0.2.7:53412", "[2001:db8::1]:53412",
 * "[fe80::1%eth0]:53412"; an IPv4-mapped address as IPv4.
 */
void net_format(const struct sockaddr_storage *address, char ret_name[PEER_NAME_SIZE]);

/*
 * The same for the peer, with this ADDRESS, of the connected FD; an AF_UNIX
 * peer has none, and is "unix:PID", the process that connected; 0 where
 * that one cannot be seen from here.
 */
void net_format_peer(int fd, const struct sockaddr_storage *address,
		     char ret_name[PEER_NAME_SIZE]);

/*
 * Turns a numeric address, with "%interface" where it is link-local, and a
 * port into a socket address.  Returns 0; -EINVAL when TEXT is not such an
 * address; -ENODEV when its interface does not exist.
 */
int net_parse(const char *text, uint16_t port, struct sockaddr_storage *ret_address,
	      socklen_t *ret_len);

#endif
