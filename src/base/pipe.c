/* SPDX-License-Identifier: MIT */
#include "base/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

int pipe_open(size_t bytes, int *ret_read, int *ret_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	if (bytes > 0)
		(void)fcntl(fds[1], F_SETPIPE_SZ, (int)bytes);
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

size_t pipe_capacity(int fd)
{
	int bytes = fcntl(fd, F_GETPIPE_SZ);

	return bytes < 0 ? 0 : (size_t)bytes;
}

size_t pipe_bytes(int fd)
{
	int bytes = 0;

	return ioctl(fd, FIONREAD, &bytes) < 0 ? 0 : (size_t)bytes;
}
