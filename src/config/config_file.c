/* SPDX-License-Identifier: MIT */
#include "config/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static bool is_dev_null(const struct stat *st)
{
	/* Its number is the same on every Linux, null(4). */
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

static int read_open_file(int fd, char *buf, size_t size, size_t *ret_len)
{
	size_t len = 0;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* Other devices may wait, or never end. */
	if (!S_ISREG(st.st_mode) && !is_dev_null(&st))
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP;
	do {
		n = read(fd, buf + len, size - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	*ret_len = len;
	return n < 0 ? -errno : len == size ? -EFBIG : 0;
}

int config_file_read(const char *path, char *buf, size_t size, size_t *ret_len)
{
	/* O_NONBLOCK: otherwise open(2) waits if the path is a FIFO without a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), r;

	if (fd < 0)
		return -errno;
	r = read_open_file(fd, buf, size, ret_len);
	close(fd);
	return r;
}
