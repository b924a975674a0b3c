/* SPDX-License-Identifier: MIT */
#include "master/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit_status.h"
#include "base/journal.h"
#include "base/pipe.h"
#include "base/plural.h"
#include "base/title.h"
#include "base/unit_directory.h"
#include "ipc/command_line.h"
#include "ipc/tickets.h"
#include "master/boot_id.h"
#include "master/dontfork.h"
#include "master/fdstore.h"
#include "master/listener_setup.h"
#include "master/master.h"
#include "master/message_log.h"
#include "master/recover.h"
#include "master/reload.h"
#include "master/runtime_lock.h"
#include "master/spill.h"
#include "master/stdout_warning.h"
#include "master/systemd.h"
#include "worker/worker.h"

/* The size of each pipe: the most that an unprivileged process may ask for, pipe(7). */
#define PIPE_BYTES (1024 * 1024)

/*
 * If one of these is missing at the start, a socket or a pipe would get its
 * number.  /dev/null is opened read-only, so that log.path = - is refused.
 */
static int open_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

static int open_pipes(struct descriptors *fds)
{
	int r = pipe_open(PIPE_BYTES, &fds->log_read, &fds->log_write);

	/* The stage must hold the largest batch, a full log pipe. */
	if (r == 0)
		r = pipe_open(pipe_capacity(fds->log_write), &fds->stage_read,
			      &fds->stage_write);
	if (r == 0)
		fdstore_put_pipes(fds);
	return r;
}

static int open_bells(struct descriptors *fds)
{
	fds->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fds->logger_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fds->doorbell < 0 || fds->logger_bell < 0 ? -errno : 0;
}

/* DIRECTORY: for the file; NULL: no file. */
static int prepare_scoreboard(struct service *s, const char *directory)
{
	struct scoreboard *old = s->board;
	int fd;

	if (old && old->n_slots == s->config.max_clients)
		return 0;
	fd = scoreboard_create(directory, s->config.max_clients, &s->board);
	if (fd < 0)
		return fd;
	if (old) {
		scoreboard_carry_over(s->board, old);
		munmap(old, old->size_bytes);
	}
	fdstore_put_scoreboard(fd);
	close(fd);
	return 0;
}

static int prepare_log(struct service *s)
{
	int r = recover_set_apart(s);

	if (r < 0)
		return r;
	/* Only now the pipes hold no records of another format. */
	s->board->format = s->config.format;
	return s->fds.log_file < 0 ? message_log_open_first(s) : message_log_adopt(s);
}

/* Writes the data of this run to the scoreboard, which may be that of the last run. */
static void init_run(struct service *s)
{
	struct scoreboard *board = s->board;
	int r = command_line_note(board, s->options);

	if (r < 0)
		journal_warning("cannot store the command line: %s; echo-logctl reload will not "
				"work, send SIGHUP instead",
				strerror(-r));
	atomic_store(&board->master_pid, getpid());
	atomic_store(&board->logger_pid, 0);
	atomic_store(&board->started_usec, clock_realtime_usec());
	boot_id_get(board->boot_id);
	/* Until a logger has counted its file's messages: the limit may have changed. */
	tickets_close(board);
	s->log.reopens_answered = atomic_load(&board->reopens_asked);
	s->generation = atomic_load(&board->generation) + 1;
}

/* Keeps other daemons out of DIRECTORY until this process ends.  Returns 0, or -errno, logged. */
static int lock_runtime(const char *directory)
{
	int r = runtime_lock(directory);

	if (r >= 0)
		return 0;
	if (r == -EBUSY)
		journal_failure(JOURNAL_CANNOT_START, LOG_ERR, -r,
				"another echo-logd uses %s/scoreboard; not started; stop it, or "
				"set RUNTIME_DIRECTORY to another directory",
				directory);
	else
		journal_failure(JOURNAL_CANNOT_START, LOG_ERR, -r,
				"cannot lock %s/lock: %s; not started", directory, strerror(-r));
	return r;
}

/* Makes the scoreboard, the pipes and the bells.  Returns 0, or -errno, logged. */
static int create_shared(struct service *s)
{
	char buf[PATH_MAX];
	const char *directory =
		unit_directory("RUNTIME_DIRECTORY", buf, sizeof(buf)) ? buf : NULL;
	int r = directory ? lock_runtime(directory) : 0;

	if (r < 0)
		return r;
	r = prepare_scoreboard(s, directory);
	if (r < 0) {
		journal_failure(JOURNAL_CANNOT_START, LOG_ERR, -r,
				"cannot make the scoreboard for %u clients: %s; not started",
				s->config.max_clients, strerror(-r));
		return r;
	}
	init_run(s);
	r = s->took_pipes ? 0 : open_pipes(&s->fds);
	if (r == 0)
		r = open_bells(&s->fds);
	if (r < 0)
		journal_failure(JOURNAL_CANNOT_START, LOG_ERR, -r,
				"cannot make the log pipes: %s; not started", strerror(-r));
	return r;
}

static void report_started(const struct service *s)
{
	static const char of_systemd[] =
		" (sockets from systemd; server.address and server.port have no effect)";
	char names[512] = "", path[PATH_MAX];
	unsigned n_spilled = spill_count(path);
	size_t len = 0;

	for (unsigned i = 0; i < s->fds.listeners.n && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
					s->fds.listeners.item[i].name);
	journal_field("LISTEN=%s", names);
	journal_field("LOG_PATH=%s", config_log_name(&s->config));
	journal_event(JOURNAL_STARTED, LOG_INFO, "listening on %s%s, logging to %s", names,
		      s->fds.listeners.are_passed ? of_systemd : "", config_log_name(&s->config));
	stdout_warning(&s->config, NULL);
	if (geteuid() == 0)
		journal_warning("running as root is unnecessary; use a user of its own with "
				"CAP_NET_BIND_SERVICE");
	if (n_spilled > 0) {
		journal_field("SPILL=%s", path);
		journal_event(JOURNAL_SPILLS_WAIT, LOG_NOTICE,
			      "%u spill file%s with records that an earlier run could not log, the "
			      "newest is %s; move spills to where the rotated files of the log are "
			      "kept",
			      n_spilled, PLURAL(n_spilled), path);
	}
	if (s->config.echo_after == ECHO_AFTER_QUEUED && !getenv("NOTIFY_SOCKET"))
		journal_notice("records still in the log pipe are lost if all processes are killed "
			       "at once; to prevent this, run under systemd or set "
			       "log.echo_after = written");
}

int startup_open_process(void)
{
	int r;

	master_block_signals();
	r = open_standard_fds();
	if (r < 0) {
		journal_error("cannot open /dev/null: %s; not started", strerror(-r));
		return STATUS_CANNOT_START;
	}
	/* Without a title, the command line is shown. */
	(void)title_init(worker_title());
	title_set_role("master");
	dontfork_libraries();
	systemd_open();
	journal_open();
	return STATUS_CLEAN;
}

int startup_load_config(struct service *s)
{
	const struct options *o = s->options;
	int r = config_load(o->config_path, o->overrides, o->n_overrides, &s->config,
			    &s->reload.diagnostics);

	if (r == 0)
		return STATUS_CLEAN;
	s->exit_errno = -r;
	if (journal_is_stderr())
		reload_log_mistakes(s);
	else
		config_print_mistakes(&s->reload.diagnostics, stderr);
	return STATUS_CONFIG;
}

int startup_prepare(struct service *s)
{
	int r = create_shared(s);

	if (r == 0)
		r = listener_setup_open_first(s);
	/* Last: makes the log file and may rename another one, and a failed start must not. */
	if (r == 0)
		r = prepare_log(s);
	if (r < 0) {
		s->exit_errno = -r;
		return STATUS_CANNOT_START;
	}
	systemd_wait();
	report_started(s);
	return STATUS_CLEAN;
}
