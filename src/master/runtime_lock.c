/* SPDX-License-Identifier: MIT */
#include "master/runtime_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define LOCK_TRIES 20
#define LOCK_PAUSE_USEC 100000

static int lock(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	for (unsigned i = 1; fcntl(fd, F_OFD_SETLK, &whole) < 0; i++) {
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
		if (i == LOCK_TRIES)
			return -EBUSY;
		usleep(LOCK_PAUSE_USEC);
	}
	return 0;
}

int runtime_lock(const char *directory)
{
	char path[PATH_MAX];
	int fd, r;

	if (snprintf(path, sizeof(path), "%s/lock", directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	/* Nobody else may open it: a reader could take a lock that conflicts with ours. */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = lock(fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}
