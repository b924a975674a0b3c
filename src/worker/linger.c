/* SPDX-License-Identifier: MIT */
#include "worker/linger.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>

#include "base/clock.h"

/* How often the wait looks. */
#define LOOK_MSEC 5
/* After the echo has arrived: a client that sends nothing for this many looks has stopped. */
#define QUIET_LOOKS 4
/* And one that still sends after this many looks will not stop. */
#define LOOKS_MAX 20
/* Reads in one look. */
#define READS_MAX 64

/*
 * Reads at most N times.  Returns whether there was something, or -errno if the connection is
 * lost.
 */
static int discard_input(int fd, void *buffer, size_t len, unsigned n)
{
	bool any = false;

	while (n-- > 0) {
		ssize_t bytes = recv(fd, buffer, len, MSG_DONTWAIT);

		if (bytes < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (bytes <= 0)
			break;
		any = true;
	}
	return any;
}

void linger(int fd, void *buffer, size_t len, uint64_t until_usec)
{
	unsigned quiet = 0, looks = 0;

	while (clock_monotonic_usec() < until_usec && quiet < QUIET_LOOKS && looks < LOOKS_MAX) {
		int any, unsent = 0;

		/* SIOCOUTQ, tcp(7): bytes that the peer has not confirmed. */
		if (ioctl(fd, SIOCOUTQ, &unsent) < 0)
			break;
		/*
		 * Before that a single read: a client may read its echo only when it has sent all.
		 * Faster reads would let it send, and that takes its time to receive.
		 */
		any = discard_input(fd, buffer, len, unsent > 0 ? 1 : READS_MAX);
		if (any < 0)
			break;
		quiet = any > 0 || unsent > 0 ? 0 : quiet + 1;
		looks = unsent > 0 ? 0 : looks + 1;
		(void)poll(NULL, 0, LOOK_MSEC);
	}
	(void)shutdown(fd, SHUT_RDWR);
}
