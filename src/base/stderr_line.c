/* SPDX-License-Identifier: MIT */
#include "base/stderr_line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void stderr_line_open(void)
{
	struct stat st;
	int fd;

	/* Other kinds do not wait, or cannot be opened by a name. */
	if (fstat(STDERR_FILENO, &st) < 0 || (!S_ISFIFO(st.st_mode) && !isatty(STDERR_FILENO)))
		return;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return;
	/* dup(2) takes the lowest free number.  The unit does not allow dup2(2). */
	if (fd > STDERR_FILENO && close(STDERR_FILENO) == 0)
		(void)!dup(fd);
	close(fd);
}

bool stderr_line_write(const char *line, size_t len)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t n = send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0 || errno != ENOTSOCK)
		return n >= 0 || errno != EAGAIN;
	/*
	 * A pipe that is ready has room for PIPE_BUF bytes, pipe(7).  That is for one that could
	 * not be opened again; another process may still be faster.
	 */
	if (poll(&p, 1, 0) == 0)
		return false;
	return write(STDERR_FILENO, line, len) >= 0 || errno != EAGAIN;
}
