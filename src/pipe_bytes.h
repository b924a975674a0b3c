/* SPDX-License-Identifier: MIT */
/* How much is in a pipe.  The stage pipe may be asked by nobody but a living logger: it blocks. */
#ifndef ECHO_LOGD_PIPE_BYTES_H
#define ECHO_LOGD_PIPE_BYTES_H

#include <stddef.h>
#include <sys/ioctl.h>

static inline size_t bytes_in_pipe(int fd)
{
	int n = 0;

	return ioctl(fd, FIONREAD, &n) < 0 ? 0 : (size_t)n;
}

#endif
