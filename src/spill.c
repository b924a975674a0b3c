/* SPDX-License-Identifier: MIT */
#include "spill.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "logfile.h"
#include "pipe_bytes.h"
#include "record.h"

#define NAME "messages.log"
#define SUFFIX ".spill"

static const char *state_directory(void)
{
	const char *directory = getenv("STATE_DIRECTORY");

	return directory && directory[0] == '/' ? directory : ECHO_LOGD_STATE_DIR;
}

size_t spill_left(const struct descriptors *fds)
{
	return bytes_in_pipe(fds->stage_read) + bytes_in_pipe(fds->log_read);
}

/* Copies to the spill what stands after the last newline before the log's offset, and cuts it off there. */
static int move_head(struct spill *spill, int log_file)
{
	char tail[RECORD_MAX];
	off_t offset = lseek(log_file, 0, SEEK_CUR), start;
	const char *newline;
	ssize_t len;
	size_t head;

	if (offset <= 0)
		return 0;
	start = offset > RECORD_MAX ? offset - RECORD_MAX : 0;
	len = pread(log_file, tail, (size_t)(offset - start), start);
	if (len < 0)
		return -errno;
	newline = memrchr(tail, '\n', (size_t)len);
	head = (size_t)len - (newline ? (size_t)(newline + 1 - tail) : 0);
	if (write(spill->fd, tail + len - head, head) != (ssize_t)head)
		return -errno;
	spill->bytes += head;
	/* A file that cannot be cut keeps half a record that the spill has whole: torn, not lost. */
	if (ftruncate(log_file, offset - (off_t)head) == 0)
		(void)lseek(log_file, offset - (off_t)head, SEEK_SET);
	return 0;
}

int spill_open(struct spill *spill, const struct descriptors *fds, enum log_format format)
{
	char name[PATH_MAX];

	if (snprintf(name, sizeof(name), "%s/" NAME, state_directory()) >= (int)sizeof(name) - 64)
		return -ENAMETOOLONG;
	logfile_name_aside(name, clock_realtime_usec(), spill->path);
	strcat(spill->path, SUFFIX);
	spill->bytes = 0;
	spill->fd = open(spill->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (spill->fd < 0)
		return -errno;
	if (format == FORMAT_RAW || fds->log_file < 0 || bytes_in_pipe(fds->stage_read) == 0)
		return 0;
	return move_head(spill, fds->log_file);
}

static int move_pipe(struct spill *spill, int pipe_fd)
{
	size_t left;

	while ((left = bytes_in_pipe(pipe_fd)) > 0) {
		ssize_t n = splice(pipe_fd, NULL, spill->fd, NULL, left, SPLICE_F_NONBLOCK);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			spill->bytes += (uint64_t)n;
	}
	return 0;
}

int spill_move(struct spill *spill, const struct descriptors *fds)
{
	int r = move_pipe(spill, fds->stage_read);

	return r < 0 ? r : move_pipe(spill, fds->log_read);
}

int spill_close(struct spill *spill)
{
	int directory = open(state_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (fsync(spill->fd) < 0 || directory < 0 || fsync(directory) < 0)
		r = -errno;
	if (directory >= 0)
		close(directory);
	close(spill->fd);
	spill->fd = -1;
	return r;
}

unsigned spill_count(char ret_path[PATH_MAX])
{
	char pattern[PATH_MAX];
	unsigned n = 0;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/" NAME ".*" SUFFIX, state_directory());
	if (glob(pattern, 0, NULL, &found) == 0) {
		n = (unsigned)found.gl_pathc;
		snprintf(ret_path, PATH_MAX, "%s", found.gl_pathv[n - 1]);
	}
	globfree(&found);
	return n;
}
