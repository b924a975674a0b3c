/* SPDX-License-Identifier: MIT */
#include "master/message_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crash_point.h"
#include "base/journal.h"
#include "base/pipe.h"
#include "base/plural.h"
#include "ipc/half_record.h"
#include "ipc/stall.h"
#include "ipc/tickets.h"
#include "logger/logfile.h"
#include "logger/logfile_rotated.h"
#include "logger/logger.h"
#include "logger/logger_exit.h"
#include "master/fdstore.h"
#include "master/log_failure.h"
#include "master/log_open.h"

/* What follows from an error during a reload. */
static const char refusal[] = "the running configuration stays";

static void set_pending(struct service *s, uint32_t records, uint64_t torn_bytes)
{
	atomic_store(&s->board->torn_bytes, torn_bytes);
	atomic_store(&s->board->pending_records, records);
}

/* The next logger must count the messages in its file. */
static void reset_counts(struct service *s)
{
	memset(s->board->count, 0, sizeof(s->board->count));
	atomic_store(&s->board->round_offset_bytes, 0);
	tickets_reset(s->board);
}

/* What happens to clients while no logger lives, for a message. */
static const char *stall_text(const struct service *s)
{
	return stall_consequence(s->config.when_stalled);
}

void message_log_sync_name(struct service *s)
{
	char directory[PATH_MAX] = "";
	int fd;

	if (config_logs_to_stdout(&s->config))
		return;
	/* Where the file is, if log.path is a symbolic link. */
	(void)logfile_resolve(s->config.path, directory);
	directory[strlen(directory) > 0 ? strrchr(directory, '/') + 1 - directory : 0] = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		journal_warning("cannot sync the directory %s: %m; the name of the new file may "
				"not survive a power cut",
				directory);
	if (fd >= 0)
		close(fd);
}

/* Before records that are in the stage nothing can be written (see scoreboard.h). */
static void set_pending_of_file(struct service *s, const struct logfile_contents *contents,
				bool holds_records)
{
	bool wants_start = contents->is_empty || s->phase == PHASE_STARTING;
	uint32_t records = (contents->torn_bytes > 0 ? PENDING_TORN : 0) |
			   (wants_start ? PENDING_START : 0);

	set_pending(s, holds_records ? 0 : records, contents->torn_bytes);
	if (holds_records && wants_start)
		atomic_store(&s->board->wants_start, 1);
}

/* After a file was made or renamed. */
static void sync_name_if_promised(struct service *s)
{
	if (atomic_load(&s->board->must_sync) || s->config.echo_after == ECHO_AFTER_SYNCED)
		message_log_sync_name(s);
}

/* A share may refuse to set modes; the file can be used all the same. */
static void report_mode(struct service *s, int fd)
{
	bool differs = !logfile_has_mode(fd, s->config.mode);

	if (differs && !s->log.reported_mode)
		journal_warning("the new file %s does not have the permissions that log.mode says; "
				"another program made it, or its file system does not let them be "
				"set",
				s->config.path);
	s->log.reported_mode = differs;
}

static void report_torn(const struct service *s, uint64_t bytes)
{
	if (bytes == 0)
		return;
	journal_field("LOG_PATH=%s", s->config.path);
	journal_field("BYTES=%llu", (unsigned long long)bytes);
	journal_event(JOURNAL_LOG_TORN, LOG_WARNING,
		      "%s ended with an incomplete record of %llu byte%s; a torn record marks it",
		      s->config.path, (unsigned long long)bytes, PLURAL(bytes));
}

static bool is_file_at(int fd, const char *path)
{
	struct stat ours, named;

	return fd >= 0 && fstat(fd, &ours) == 0 &&
	       (strcmp(path, CONFIG_STDOUT) == 0 ? fstat(STDOUT_FILENO, &named)
						 : stat(path, &named)) == 0 &&
	       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/*
 * A logger that was stalled left records in the stage, which go to the file FD: the first of them
 * whole, and on a line of its own.  Returns 0 or -errno.
 */
static int prepare_for_stage(struct service *s, int fd, const struct logfile_contents *contents)
{
	if (s->config.format == FORMAT_RAW || s->fds.log_file < 0 ||
	    is_file_at(s->fds.log_file, CONFIG_STDOUT))
		return 0;
	/* Its end is told of in the journal only: a torn record would have to come before these. */
	if (contents->torn_bytes > 0 && write(fd, "\n", 1) < 0)
		return -errno;
	return half_record_take(s->board, s->fds.log_file);
}

/* Examines FD and makes it the file of the next logger. */
static int use_file(struct service *s, int fd, int *reported_errno, const char *consequence)
{
	bool holds_records = pipe_bytes(s->fds.stage_read) > 0;
	struct logfile_contents contents = {.is_empty = true};
	int r;

	if (config_logs_to_stdout(&s->config))
		r = log_open_seek_stdout(fd, reported_errno, consequence);
	else
		r = log_open_examine(fd, &s->config, &contents, reported_errno, consequence);
	if (r == 0 && holds_records) {
		r = prepare_for_stage(s, fd, &contents);
		if (r < 0 && log_failure_is_new(reported_errno, r))
			log_failure_report_action("continue in", s->config.path, r, consequence);
	}
	if (r < 0)
		return r;
	scoreboard_note_id(s->board, contents.last_id);
	if (s->fds.log_file >= 0)
		logfile_close(s->fds.log_file);
	s->fds.log_file = fd;
	crash_point("master-file-taken");
	atomic_store(&s->board->log_is_copied, 0);
	reset_counts(s);
	set_pending_of_file(s, &contents, holds_records);
	crash_point("master-records-pending");
	report_torn(s, contents.torn_bytes);
	if (contents.is_empty && !config_logs_to_stdout(&s->config))
		report_mode(s, fd);
	sync_name_if_promised(s);
	atomic_fetch_add(&s->board->reopens, 1);
	/* The next run has its own stdout. */
	fdstore_put_log_file(config_logs_to_stdout(&s->config) ? -1 : fd);
	return 0;
}

void message_log_prune(struct service *s)
{
	int r;

	if (s->config.keep_files == 0)
		return;
	r = logfile_prune(s->config.path, s->config.keep_files);
	if (r < 0 && !s->log.reported_prune)
		journal_warning("cannot delete every old file of %s: %s; more than log.keep_files "
				"stay, the others are deleted",
				s->config.path, strerror(-r));
	s->log.reported_prune = r < 0;
}

static void set_mode(const struct service *s)
{
	if (!config_logs_to_stdout(&s->config) && fchmod(s->fds.log_file, s->config.mode) < 0)
		journal_warning("cannot set the mode of %s: %m; it stays as it is", s->config.path);
}

int message_log_open_first(struct service *s)
{
	static const char consequence[] = "not started";
	int reported = 0, fd = log_open_or_replace(s, &s->config, &reported, consequence), r;

	if (fd < 0)
		return fd;
	r = use_file(s, fd, &reported, consequence);
	if (r < 0)
		close(fd);
	return r;
}

/*
 * The pending records in the scoreboard may be meant for a file that was about
 * to replace this one.  If the stage holds bytes, the logger had written them
 * there (see scoreboard.h).  Else the end of this file shows whether its last
 * record is torn.
 */
static int check_torn_tail(struct service *s)
{
	uint32_t pending = atomic_load(&s->board->pending_records);
	struct logfile_contents contents;
	int reported = 0, r;

	if (pipe_bytes(s->fds.stage_read) > 0)
		return 0;
	r = log_open_examine(s->fds.log_file, &s->config, &contents, &reported, "not started");
	if (r < 0)
		return r;
	if (contents.torn_bytes > 0)
		pending |= PENDING_TORN;
	else if (atomic_load(&s->board->torn_bytes) > 0)
		pending &= ~(uint32_t)PENDING_TORN;
	if (pending & PENDING_TORN)
		set_pending(s, pending, contents.torn_bytes);
	else
		atomic_store(&s->board->pending_records, pending);
	report_torn(s, contents.torn_bytes);
	return 0;
}

int message_log_adopt(struct service *s)
{
	atomic_store(&s->board->wants_start, 1);
	set_mode(s);
	return check_torn_tail(s);
}

static bool is_current_file(const struct service *s, const char *path)
{
	return is_file_at(s->fds.log_file, path);
}

static void close_next(struct service *s)
{
	if (s->log.next_file >= 0)
		close(s->log.next_file);
	s->log.next_file = -1;
}

void message_log_forget_next(struct service *s, const struct config *fresh)
{
	char real[PATH_MAX];
	struct stat st;

	if (s->log.next_is_new && is_file_at(s->log.next_file, fresh->path) &&
	    fstat(s->log.next_file, &st) == 0 && st.st_size == 0 &&
	    logfile_resolve(fresh->path, real) == 0)
		(void)unlink(real);
	s->log.next_is_new = false;
	close_next(s);
}

/* Returns whether the file did not exist, and was made.  All other cases are logfile_open()'s. */
static bool make_file(const struct config *config)
{
	char real[PATH_MAX];
	int fd = -1;

	if (!config_logs_to_stdout(config) && logfile_resolve(config->path, real) == 0)
		fd = open(real, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, config->mode);
	if (fd < 0)
		return false;
	/* Whatever the umask. */
	(void)fchmod(fd, config->mode);
	close(fd);
	return true;
}

int message_log_open_next(struct service *s, const struct config *fresh)
{
	int reported = 0;

	close_next(s);
	if (is_current_file(s, fresh->path))
		return 0;
	s->log.next_is_new = make_file(fresh);
	s->log.next_file = log_open(s, fresh, &s->log.next_is_foreign, &reported, refusal);
	return s->log.next_file < 0 ? s->log.next_file : 0;
}

int message_log_take_next(struct service *s, const struct config *fresh)
{
	int reported = 0, fd;

	if (s->log.next_file < 0 || !s->log.next_is_foreign)
		return 0;
	fd = log_open_replace(fresh, &reported, refusal);
	if (fd < 0)
		return fd;
	close_next(s);
	s->log.next_file = fd;
	return 0;
}

int message_log_reopen(struct service *s)
{
	bool is_reload;
	int fd, r;

	/*
	 * If the file was renamed since the reload opened it, it is not the one that log.path
	 * names.
	 */
	if (!is_file_at(s->log.next_file, s->config.path))
		close_next(s);
	fd = s->log.next_file;
	is_reload = fd >= 0;
	s->log.next_file = -1;
	if (fd < 0) {
		if (is_current_file(s, s->config.path)) {
			set_mode(s);
			return 0;
		}
		fd = log_open_or_replace(s, &s->config, &s->log.reported_errno, stall_text(s));
		if (fd < 0)
			return fd;
	}
	r = use_file(s, fd, &s->log.reported_errno, stall_text(s));
	if (r < 0)
		close(fd);
	else if (is_reload)
		set_mode(s);
	return r;
}

int message_log_rotate(struct service *s)
{
	int r = 0;

	/*
	 * Stdout cannot be renamed.  If an earlier call renamed the file but could not open the
	 * next, it is not renamed again.
	 */
	if (!config_logs_to_stdout(&s->config) && is_current_file(s, s->config.path))
		r = log_open_set_aside(s->config.path, &s->log.reported_errno, stall_text(s));
	crash_point("master-file-renamed");
	/* After a failed sync, older files must not be deleted: they may be the intact ones. */
	if (r == 0 && s->logger.last_exit == LOGGER_FULL)
		message_log_prune(s);
	return r < 0 ? r : message_log_reopen(s);
}

int message_log_resume_truncated(struct service *s)
{
	struct logfile_contents contents;
	int r = log_open_examine(s->fds.log_file, &s->config, &contents, &s->log.reported_errno,
			stall_text(s));

	if (r < 0 || lseek(s->fds.log_file, 0, SEEK_END) < 0)
		return r < 0 ? r : -errno;
	crash_point("master-truncation-seen");
	journal_field("LOG_PATH=%s", s->config.path);
	journal_event(JOURNAL_LOG_TRUNCATED, LOG_WARNING,
		      "%s was truncated by another program: its records are lost, logging "
		      "continues; rename the file instead (copytruncate loses records)",
		      s->config.path);
	reset_counts(s);
	set_pending(s, PENDING_TORN | (contents.is_empty ? PENDING_START : 0), contents.torn_bytes);
	return 0;
}
