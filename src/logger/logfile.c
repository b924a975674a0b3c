/* SPDX-License-Identifier: MIT */
#include "logger/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/parse.h"

/* How much of the end of a file is searched for connection ids. */
#define TAIL_BYTES ((size_t)256 * 1024)

/* How much is read at once to be counted; a multiple of RECORD_MAX. */
#define COUNT_BYTES ((size_t)256 * 1024)

/* How many reads one call makes: well below a second, on the slowest of disks too. */
#define COUNT_READS 4

/* As many symbolic links as open(2) follows, path_resolution(7). */
#define LINKS_MAX 40

static int lock(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

void logfile_close(int fd)
{
	struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	(void)fcntl(fd, F_OFD_SETLK, &whole);
	close(fd);
}

static int check_and_lock(int fd)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	r = lock(fd);
	if (r == 0 && lseek(fd, 0, SEEK_END) < 0)
		r = -errno;
	return r;
}

/* Replaces the last component of PATH, which is a symbolic link to TARGET. */
static int follow(char path[PATH_MAX], const char *target)
{
	char *slash = strrchr(path, '/');
	size_t kept = target[0] != '/' && slash ? (size_t)(slash + 1 - path) : 0;

	if (kept + strlen(target) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(path + kept, target);
	return 0;
}

int logfile_resolve(const char *path, char ret_real[PATH_MAX])
{
	char real[PATH_MAX] = "", target[PATH_MAX];
	int r = follow(real, path);

	for (unsigned i = 0; r == 0 && i <= LINKS_MAX; i++) {
		ssize_t len = readlink(real, target, sizeof(target) - 1);

		/* Not a link, or not there: that is for open(2) to judge. */
		if (len < 0) {
			strcpy(ret_real, real);
			return 0;
		}
		target[len] = '\0';
		r = follow(real, target);
	}
	return r < 0 ? r : -ELOOP;
}

static int create(const char *path, int flags, mode_t mode)
{
	int fd = open(path, flags | O_CREAT | O_EXCL, mode);

	/*
	 * Whatever the umask.  A share may refuse to set a mode, and its file is as good as any:
	 * see message_log.c for the warning.
	 */
	if (fd >= 0 && !logfile_has_mode(fd, mode))
		(void)fchmod(fd, mode);
	return fd;
}

int logfile_open(const char *path, mode_t mode)
{
	/* O_NONBLOCK: a FIFO without a reader must be an error, not a wait. */
	const int flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	char real[PATH_MAX];
	int fd, r;

	/* O_EXCL does not follow a link. */
	r = logfile_resolve(path, real);
	if (r < 0)
		return r;
	fd = create(real, flags, mode);
	if (fd < 0 && errno == EEXIST)
		fd = open(path, flags | O_CREAT, mode);
	if (fd < 0)
		return -errno;
	r = check_and_lock(fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

bool logfile_has_mode(int fd, mode_t mode)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & 07777) == mode;
}

/* Reads all that is there, up to SIZE.  Returns the bytes read or -errno. */
static ssize_t read_at(int fd, char *buf, size_t size, uint64_t offset)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = pread(fd, buf + len, size - len, (off_t)(offset + len));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* A file that has only a torn first record may be ours: it has no whole line to judge by. */
static bool first_line_is_ours(const char *data, size_t len, enum log_format format)
{
	const char *newline = memchr(data, '\n', len);
	bool is_record;

	if (format == FORMAT_RAW) {
		size_t line_len = newline ? (size_t)(newline - data) : len;

		is_record = parse_looks_like(FORMAT_TEXT, data, line_len) ||
			    parse_looks_like(FORMAT_JSON, data, line_len);
		return !is_record;
	}
	if (!newline)
		return len < RECORD_MAX;
	return parse_looks_like(format, data, (size_t)(newline - data));
}

static uint64_t highest_id(const char *data, size_t len, enum log_format format)
{
	const char *newline, *end = data + len;
	struct record record;
	uint64_t id = 0;

	for (; (newline = memchr(data, '\n', (size_t)(end - data))); data = newline + 1)
		if (parse_record(format, data, (size_t)(newline - data), &record) == 0 &&
		    record.head.id > id)
			id = record.head.id;
	return id;
}

static int examine_tail(int fd, enum log_format format, uint64_t size,
			struct logfile_contents *contents)
{
	uint64_t start = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
	char *tail = malloc(TAIL_BYTES);
	const char *newline;
	ssize_t len;

	if (!tail)
		return -ENOMEM;
	len = read_at(fd, tail, TAIL_BYTES, start);
	if (len > 0) {
		newline = memrchr(tail, '\n', (size_t)len);
		contents->torn_bytes = newline ? (uint64_t)(tail + len - (newline + 1))
					       : (uint64_t)len;
		contents->last_id = highest_id(tail, (size_t)len, format);
	}
	free(tail);
	return len < 0 ? (int)len : 0;
}

int logfile_examine(int fd, enum log_format format, struct logfile_contents *ret)
{
	struct logfile_contents contents = {0};
	char head[RECORD_MAX];
	struct stat st;
	ssize_t len;
	int r = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	contents.is_empty = st.st_size == 0;
	if (!contents.is_empty) {
		len = read_at(fd, head, sizeof(head), 0);
		if (len < 0)
			return (int)len;
		contents.is_other_format = !first_line_is_ours(head, (size_t)len, format);
		if (!contents.is_other_format && format != FORMAT_RAW)
			r = examine_tail(fd, format, (uint64_t)st.st_size, &contents);
	}
	if (r == 0)
		*ret = contents;
	return r;
}

enum logfile_state logfile_check(int fd, const char *path, uint64_t offset_bytes)
{
	struct stat ours, named;

	if (fstat(fd, &ours) < 0)
		return LOGFILE_SAME;	/* this cannot happen; if it does, the next write fails */
	if (ours.st_nlink == 0)
		return LOGFILE_DELETED;
	if (stat(path, &named) < 0)
		/* A name that cannot be looked up is not gone: only a missing one has moved. */
		return errno == ENOENT || errno == ENOTDIR ? LOGFILE_MOVED : LOGFILE_SAME;
	if (named.st_dev != ours.st_dev || named.st_ino != ours.st_ino)
		return LOGFILE_MOVED;
	return (uint64_t)ours.st_size < offset_bytes ? LOGFILE_TRUNCATED : LOGFILE_SAME;
}

int logfile_count_messages(int fd, enum log_format format, uint64_t end_bytes,
			   struct message_count *count)
{
	char *buf;
	int r = 0;

	if (format == FORMAT_RAW || count->offset_bytes >= end_bytes) {
		count->offset_bytes = end_bytes;
		return 0;
	}
	buf = malloc(COUNT_BYTES);
	if (!buf)
		return -ENOMEM;
	for (unsigned i = 0; i < COUNT_READS && count->offset_bytes < end_bytes; i++) {
		uint64_t left = end_bytes - count->offset_bytes;
		size_t passed;
		ssize_t len = read_at(fd, buf, left < COUNT_BYTES ? (size_t)left : COUNT_BYTES,
				      count->offset_bytes);

		if (len < 0) {
			r = (int)len;
			break;
		}
		passed = parse_count(format, buf, (size_t)len, UINT64_MAX, &count->has);
		/* No whole line: a torn tail, or a foreign line longer than any record. */
		count->offset_bytes += passed > 0 ? passed : (uint64_t)len;
		if (len == 0)
			count->offset_bytes = end_bytes;
	}
	free(buf);
	return r;
}
