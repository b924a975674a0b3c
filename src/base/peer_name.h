/* SPDX-License-Identifier: MIT */
/* The size of a client's address as text; net.h formats it, and records contain it. */
#ifndef ECHO_LOGD_PEER_NAME_H
#define ECHO_LOGD_PEER_NAME_H

#include <net/if.h>
#include <netinet/in.h>

/* In bytes, including the NUL.  The longest is "[address%interface]:65535". */
#define PEER_NAME_SIZE (INET6_ADDRSTRLEN + IF_NAMESIZE + 8)

#endif
