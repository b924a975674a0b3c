/* SPDX-License-Identifier: MIT */
/* How long the name of a client's address can be, in text: net.h writes it, the log shows it. */
#ifndef ECHO_LOGD_PEER_NAME_H
#define ECHO_LOGD_PEER_NAME_H

#include <net/if.h>
#include <netinet/in.h>

/* Bytes with the NUL.  The longest is "[address%interface]:65535". */
#define PEER_NAME_SIZE (INET6_ADDRSTRLEN + IF_NAMESIZE + 8)

#endif
