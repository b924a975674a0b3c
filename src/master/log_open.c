/* SPDX-License-Identifier: MIT */
#include "master/log_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/journal.h"
#include "logger/logfile_rotated.h"
#include "master/log_failure.h"

/* A start waits up to two seconds for another process to unlock the log. */
#define LOCK_TRIES 20
#define LOCK_PAUSE_USEC 100000

int log_open_examine(int fd, const struct config *config, struct logfile_contents *ret,
		     int *reported_errno, const char *consequence)
{
	int r = logfile_examine(fd, config->format, ret);

	if (r < 0 && log_failure_is_new(reported_errno, r))
		log_failure_report_action("read", config->path, r, consequence);
	return r;
}

/*
 * The file behind stdout may hold the data of other programs.  Without the seek,
 * StandardOutput=file: of systemd.exec(5) would overwrite it.
 */
int log_open_seek_stdout(int fd, int *reported_errno, const char *consequence)
{
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_END) < 0)
		r = -errno;
	if (r < 0 && log_failure_is_new(reported_errno, r))
		log_failure_report_action("write to", "stdout", r, consequence);
	return r;
}

static int report_rename(int r, const char *path, int *reported_errno, const char *consequence)
{
	if (r < 0 && log_failure_is_new(reported_errno, r))
		log_failure_report_action("rename", path, r, consequence);
	return r;
}

int log_open_set_aside(const char *path, int *reported_errno, const char *consequence)
{
	char name[PATH_MAX];

	return report_rename(logfile_set_aside(path, name), path, reported_errno, consequence);
}

/* At a start, the logger of a killed master may still write to the file and hold its lock. */
static int open_and_lock(const struct service *s, const struct config *config)
{
	unsigned tries = s->phase == PHASE_STARTING ? LOCK_TRIES : 1;
	int fd;

	while ((fd = logfile_open(config->path, config->mode)) == -EBUSY && --tries > 0)
		usleep(LOCK_PAUSE_USEC);
	return fd;
}

/* Returns a copy of stdout, which can be closed like the descriptor of a file, or -errno. */
static int open_stdout(int *reported_errno, const char *consequence)
{
	int flags = fcntl(STDOUT_FILENO, F_GETFL), fd;

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		fd = -EBADF;
	else if (journal_is(STDOUT_FILENO))
		fd = -ENOTSUP;
	else
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (fd == -1)
		fd = -errno;
	if (fd >= 0 || !log_failure_is_new(reported_errno, fd))
		return fd;
	if (fd == -ENOTSUP)
		log_failure_report("stdout", fd,
				"stdout is the journal, where client data does not belong; set "
				"StandardOutput=file:PATH in a drop-in, or another log.path",
				consequence);
	else
		log_failure_report_action("write to", "stdout", fd, consequence);
	return fd;
}

static int report_open(int fd, const struct config *config, int *reported_errno,
		       const char *consequence)
{
	if (fd < 0 && log_failure_is_new(reported_errno, fd))
		log_failure_report_open(config->path, fd, consequence);
	return fd;
}

int log_open(const struct service *s, const struct config *config, bool *ret_is_foreign,
	     int *reported_errno, const char *consequence)
{
	struct logfile_contents contents;
	int fd, r;

	*ret_is_foreign = false;
	if (config_logs_to_stdout(config))
		return open_stdout(reported_errno, consequence);
	fd = report_open(open_and_lock(s, config), config, reported_errno, consequence);
	if (fd < 0)
		return fd;
	r = log_open_examine(fd, config, &contents, reported_errno, consequence);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_is_foreign = contents.is_other_format;
	return fd;
}

int log_open_replace(const struct config *config, int *reported_errno, const char *consequence)
{
	char name[PATH_MAX];
	int fd, r = report_rename(logfile_set_foreign_aside(config->path, name), config->path,
				  reported_errno, consequence);

	if (r < 0)
		return r;
	fd = report_open(logfile_open(config->path, config->mode), config, reported_errno,
			 consequence);
	if (fd < 0) {
		(void)logfile_put_back(name, config->path);
		return fd;
	}
	journal_field("LOG_PATH=%s", config->path);
	journal_event(JOURNAL_LOG_SET_ASIDE, LOG_NOTICE,
		      "%s is not in the format that log.format names; it is renamed",
		      config->path);
	return fd;
}

int log_open_or_replace(const struct service *s, const struct config *config, int *reported_errno,
			const char *consequence)
{
	bool is_foreign;
	int fd = log_open(s, config, &is_foreign, reported_errno, consequence);

	if (fd < 0 || !is_foreign)
		return fd;
	close(fd);
	return log_open_replace(config, reported_errno, consequence);
}
