/* SPDX-License-Identifier: MIT */
#include "master/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/pipe.h"
#include "base/unit_directory.h"
#include "format/record.h"
#include "ipc/half_record.h"
#include "logger/logfile_rotated.h"
#include "master/fdstore.h"

#define NAME "messages.log"
#define SUFFIX ".spill"

static const char *state_directory(void)
{
	static char directory[PATH_MAX];

	if (directory[0] || unit_directory("STATE_DIRECTORY", directory, sizeof(directory)))
		return directory;
	return ECHO_LOGD_STATE_DIR;
}

size_t spill_left(const struct descriptors *fds)
{
	return pipe_bytes(fds->stage_read) + pipe_bytes(fds->log_read);
}

/*
 * Reads the end of the log before OFFSET to TAIL, and points *RET_HEAD to the beginning of a
 * record behind its last newline.  Returns the length of that beginning, or -errno.
 */
static ssize_t read_head(int log_file, off_t offset, char tail[RECORD_MAX], const char **ret_head)
{
	off_t start = offset > RECORD_MAX ? offset - RECORD_MAX : 0;
	ssize_t len = pread(log_file, tail, (size_t)(offset - start), start);
	const char *newline;

	if (len < 0)
		return -errno;
	newline = memrchr(tail, '\n', (size_t)len);
	*ret_head = newline ? newline + 1 : tail;
	return tail + len - *ret_head;
}

/* Whether the spill begins with HEAD: this or a killed master copied it from the log. */
static bool has_head(const struct spill *spill, const char *head, size_t len)
{
	char begin[RECORD_MAX];

	return pread(spill->fd, begin, len, 0) == (ssize_t)len && memcmp(begin, head, len) == 0;
}

/*
 * Moves the bytes after the last newline before the log's offset to the
 * spill.  Copies them before it truncates the log: a kill between the two
 * leaves them twice and loses none.
 */
static int move_head(struct spill *spill, int log_file)
{
	off_t offset = lseek(log_file, 0, SEEK_CUR);
	char tail[RECORD_MAX];
	const char *head = tail;
	struct stat st;
	ssize_t len;

	/* If the offset is behind the end, another program truncated the log. */
	if (offset <= 0 || fstat(log_file, &st) < 0 || st.st_size < offset)
		return 0;
	len = read_head(log_file, offset, tail, &head);
	if (len < 0)
		return (int)len;
	if (spill->bytes == 0 && len > 0) {
		/* It fits in the first page, so a kill leaves all of it or none. */
		if (write(spill->fd, head, (size_t)len) != len)
			return -errno;
		spill->bytes += (uint64_t)len;
	}
	crash_point("spill-head-copied");
	if (len > 0 && !has_head(spill, head, (size_t)len))
		return 0;
	/*
	 * The offset first: a file that ends before it would look truncated by another program.
	 * If ftruncate() fails, the log ends with a torn record, which the spill has whole.
	 */
	offset -= len;
	(void)lseek(log_file, offset, SEEK_SET);
	crash_point("spill-log-rewound");
	if (ftruncate(log_file, offset) < 0)
		(void)lseek(log_file, len, SEEK_CUR);
	return 0;
}

/* The file behind stdout may hold the data of other programs, so it is not truncated. */
static bool is_stdout(int fd)
{
	struct stat log, out;

	return fstat(fd, &log) == 0 && fstat(STDOUT_FILENO, &out) == 0 &&
	       log.st_dev == out.st_dev && log.st_ino == out.st_ino;
}

/* The beginning was taken back from an earlier log file, and is in the scoreboard. */
static int take_half_record(struct spill *spill, int log_file, struct scoreboard *board)
{
	const struct half_record *half = &board->half_record;
	size_t len = atomic_load(&half->bytes);
	int r = half_record_take(board, log_file);

	if (r < 0)
		return r;
	if (spill->bytes == 0) {
		if (write(spill->fd, half->text, len) != (ssize_t)len)
			return -errno;
		spill->bytes += len;
	}
	crash_point("spill-head-copied");
	if (has_head(spill, half->text, len))
		half_record_drop(board);
	return 0;
}

static int take_head(struct spill *spill, const struct descriptors *fds, struct scoreboard *board,
		     enum log_format format)
{
	if (board && atomic_load(&board->half_record.bytes) > 0)
		return take_half_record(spill, fds->log_file, board);
	if (format == FORMAT_RAW || fds->log_file < 0 || is_stdout(fds->log_file))
		return 0;
	return move_head(spill, fds->log_file);
}

int spill_open(struct spill *spill, const struct descriptors *fds, struct scoreboard *board,
	       enum log_format format)
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
	/* open(2) applied the umask. */
	(void)fchmod(spill->fd, 0640);
	fdstore_put_spill(spill->fd);
	crash_point("spill-created");
	return pipe_bytes(fds->stage_read) > 0 ? take_head(spill, fds, board, format) : 0;
}

int spill_resume(struct spill *spill, const struct descriptors *fds, struct scoreboard *board,
		 enum log_format format)
{
	char link[32], target[PATH_MAX];
	const char *slash;
	struct stat st;
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", spill->fd);
	len = readlink(link, target, sizeof(target) - 1);
	target[len > 0 ? len : 0] = '\0';
	/* Its old directory may have existed only in the mount namespace of the last run. */
	slash = strrchr(target, '/');
	if (snprintf(spill->path, sizeof(spill->path), "%s/%s", state_directory(),
		     slash ? slash + 1 : target) >= (int)sizeof(spill->path))
		return -ENAMETOOLONG;
	if (fstat(spill->fd, &st) < 0)
		return -errno;
	spill->bytes = (uint64_t)st.st_size;
	/* An empty spill with an empty stage: the log ends with no half record. */
	if (spill->bytes == 0 && pipe_bytes(fds->stage_read) == 0)
		return 0;
	return take_head(spill, fds, board, format);
}

static int move_pipe(struct spill *spill, int pipe_fd)
{
	size_t left;

	while ((left = pipe_bytes(pipe_fd)) > 0) {
		ssize_t n = splice(pipe_fd, NULL, spill->fd, NULL,
				   crash_point_split("spill-half", left), SPLICE_F_NONBLOCK);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			spill->bytes += (uint64_t)n;
		crash_point_if_split("spill-half");
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

	if (spill->bytes == 0)
		(void)unlink(spill->path);
	if (fsync(spill->fd) < 0 || directory < 0 || fsync(directory) < 0)
		r = -errno;
	if (directory >= 0)
		close(directory);
	if (r < 0)
		return r;
	crash_point("spill-synced");
	fdstore_drop_spill();
	close(spill->fd);
	spill->fd = -1;
	return 0;
}

unsigned spill_count(char ret_path[PATH_MAX])
{
	char pattern[PATH_MAX + sizeof("/" NAME ".*" SUFFIX)];
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
