/* SPDX-License-Identifier: MIT */
/*
 * Ends the connection to a client that may still be sending, so that it
 * receives all echo that was sent before.  Called by workers only.
 */
#ifndef ECHO_LOGD_LINGER_H
#define ECHO_LOGD_LINGER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Waits until the client behind FD has received its echo, but not after
 * UNTIL_USEC (monotonic); then shuts the connection down.  What the client
 * sends meanwhile is read into the LEN bytes of BUFFER and discarded: it was
 * not received by the service, and belongs to no count.  FD stays the
 * caller's.  A signal does not end the wait.
 *
 * Why not close(2) at once: with unread bytes, or if bytes arrive later, Linux
 * resets the connection, and the client loses the echo that is on its way.
 * The same happens if bytes arrive after both shutdown(SHUT_RD) and
 * shutdown(SHUT_WR) (net/ipv4/tcp_input.c, tcp_rcv_state_process()).  So the
 * end of the stream is sent last, when the client's kernel has confirmed all
 * before it.
 */
void linger(int fd, void *buffer, size_t len, uint64_t until_usec);

#endif
