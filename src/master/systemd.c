/* SPDX-License-Identifier: MIT */
#include "master/systemd.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

/* systemd answers in microseconds.  If it hangs, the master must not. */
#define BARRIER_USEC 5000000

static int socket_fd = -1;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_len;

void systemd_open(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t len = name ? strlen(name) : 0;

	if (len < 2 || len >= sizeof(address.sun_path) || (name[0] != '/' && name[0] != '@'))
		return;
	memcpy(address.sun_path, name, len + 1);
	/* An abstract name, unix(7). */
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

void systemd_tell_with_fds(const char *state, const int *fds, unsigned n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(SYSTEMD_MAX_FDS * sizeof(int))];
	} control = {0};
	struct iovec text = {.iov_base = (char *)state, .iov_len = strlen(state)};
	struct msghdr message = {
		.msg_name = &address,
		.msg_namelen = address_len,
		.msg_iov = &text,
		.msg_iovlen = 1,
	};

	if (socket_fd < 0)
		return;
	if (n > 0) {
		struct cmsghdr *header = &control.align;

		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(header), fds, n * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	(void)sendmsg(socket_fd, &message, MSG_NOSIGNAL);
}

void systemd_tell(const char *state)
{
	systemd_tell_with_fds(state, NULL, 0);
}

void systemd_wait(void)
{
	(void)sd_notify_barrier(0, BARRIER_USEC);
}
