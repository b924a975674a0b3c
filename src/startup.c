/* SPDX-License-Identifier: MIT */
#include "startup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot_id.h"
#include "clock.h"
#include "command_line.h"
#include "crash_point.h"
#include "fdstore.h"
#include "journal.h"
#include "message_log.h"
#include "logfile.h"
#include "master.h"
#include "notify.h"
#include "reload.h"
#include "spill.h"
#include "startup_listen.h"
#include "systemd.h"
#include "tickets.h"
#include "dontfork.h"

/* Of each pipe.  As large as an unprivileged process may ask for, pipe(7). */
#define PIPE_BYTES (1024 * 1024)

/*
 * Whoever is started without one of these would have a socket or pipe as
 * stdout.  Nothing can be written to it: log.path = - has nowhere to go then.
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

/* $RUNTIME_DIRECTORY of systemd.exec(5), the first where there are several; NULL without systemd. */
static const char *runtime_directory(void)
{
	char *directory = getenv("RUNTIME_DIRECTORY");

	if (!directory || !directory[0])
		return NULL;
	directory[strcspn(directory, ":")] = '\0';
	return directory;
}

static int open_pipe(int *ret_read, int *ret_write, int bytes)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	/* A user who holds many pipes may get no more than the default; slower, not wrong. */
	(void)fcntl(fds[1], F_SETPIPE_SZ, bytes);
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

static int open_pipes(struct descriptors *fds)
{
	int r = open_pipe(&fds->log_read, &fds->log_write, PIPE_BYTES);

	/* The stage must hold whatever a batch from the log pipe is. */
	if (r == 0)
		r = open_pipe(&fds->stage_read, &fds->stage_write,
			      fcntl(fds->log_write, F_GETPIPE_SZ));
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

/* How long records that cannot be stored wait for another try: systemd starts us again at once. */
#define SPILL_PAUSE_SEC 2

/* What is in the pipes cannot be stored, nor go on being logged.  Returns the exit status. */
static int leave_records_with_systemd(struct service *s, int r)
{
	s->exit_errno = -r;
	journal_field("BYTES=%zu", spill_left(&s->fds));
	journal_field("SPILL=%s", s->spill.path);
	journal_field("ERRNO=%d", -r);
	journal_event(JOURNAL_RECORDS_LOST, LOG_CRIT,
		      "cannot store the records that the last run left, %zu bytes, in %s: %s; systemd keeps them until the service is stopped, trying again",
		      spill_left(&s->fds), s->spill.path, strerror(-r));
	sleep(SPILL_PAUSE_SEC);
	return STATUS_RECORDS_LOST;
}

/* Moves what is in the pipes to the open spill.  Returns 0 or -errno. */
static int finish_spill(struct service *s)
{
	int r = spill_move(&s->spill, &s->fds);

	if (r == 0)
		r = spill_close(&s->spill);
	if (r == 0 && s->spill.bytes > 0) {
		journal_field("BYTES=%llu", (unsigned long long)s->spill.bytes);
		journal_field("SPILL=%s", s->spill.path);
		journal_event(JOURNAL_RECORDS_SPILLED, LOG_NOTICE,
			      "the records that the last run left, %llu bytes, are in %s",
			      (unsigned long long)s->spill.bytes, s->spill.path);
	}
	return r;
}

static enum log_format format_in_pipes(const struct service *s)
{
	return s->board ? (enum log_format)s->board->format : FORMAT_TEXT;
}

/*
 * What a service that was killed left with systemd.  S->board is set if its
 * scoreboard is there.  A spill that it was killed in is brought to its end
 * first: half a record may be in it.  Returns 0 or -errno.
 */
static int take_what_was_kept(struct service *s)
{
	struct kept kept;
	int r;

	s->took_pipes = fdstore_take(&s->fds, &kept);
	if (!s->took_pipes)
		s->fds = (struct descriptors)NO_DESCRIPTORS;
	startup_adopt_sockets(s, &kept);
	if (!s->took_pipes)
		return 0;
	crash_point("adopted");
	if (kept.scoreboard_fd >= 0 && scoreboard_adopt(kept.scoreboard_fd, &s->board) < 0)
		s->board = NULL;
	if (kept.spill_fd < 0)
		return 0;
	s->spill.fd = kept.spill_fd;
	r = spill_resume(&s->spill, &s->fds, format_in_pipes(s));
	return r < 0 ? r : finish_spill(s);
}

/*
 * Records that nobody will come for go to a file of their own; a second try
 * goes on with that of the first.  Returns 0 or -errno.
 */
static int spill_what_is_left(struct service *s)
{
	int r;

	if (!s->took_pipes || (s->spill.fd < 0 && spill_left(&s->fds) == 0))
		return 0;
	r = s->spill.fd < 0 ? spill_open(&s->spill, &s->fds, format_in_pipes(s))
			    : spill_resume(&s->spill, &s->fds, format_in_pipes(s));
	return r < 0 ? r : finish_spill(s);
}

/* Returns the exit status: STATUS, or worse. */
static int leave_with(struct service *s, int status)
{
	int r = spill_what_is_left(s);

	return r < 0 ? leave_records_with_systemd(s, r) : status;
}

static int prepare_scoreboard(struct service *s)
{
	struct scoreboard *old = s->board;
	int fd;

	if (old && old->n_slots == s->config.max_clients)
		return 0;
	fd = scoreboard_create(runtime_directory(), s->config.max_clients, &s->board);
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

/* Records of another format than the log's cannot follow it, nor those of a file what is in stdout. */
static int set_apart_what_is_not_the_logs(struct service *s)
{
	bool has_file = s->fds.log_file >= 0, is_stdout = config_logs_to_stdout(&s->config);
	int r;

	if (!s->took_pipes ||
	    (s->board->format == (uint32_t)s->config.format && !is_stdout && has_file))
		return 0;
	r = spill_what_is_left(s);
	if (r < 0)
		return r;
	if (s->fds.log_file >= 0)
		logfile_close(s->fds.log_file);
	s->fds.log_file = -1;
	return 0;
}

static int prepare_log(struct service *s)
{
	int r = set_apart_what_is_not_the_logs(s);

	/* What is still in the pipes must not be taken for what it is not, now or by the next start. */
	if (r < 0)
		return r;
	s->board->format = s->config.format;
	return s->fds.log_file < 0 ? message_log_open_first(s) : message_log_adopt(s);
}

/* What a run says of itself in a scoreboard that may be that of the last one. */
static void begin_run(struct service *s)
{
	struct scoreboard *board = s->board;
	int r = command_line_note(board, s->options);

	if (r < 0)
		journal_warning("cannot note the command line: %s; echo-logctl reload is not possible",
				strerror(-r));
	atomic_store(&board->master_pid, getpid());
	atomic_store(&board->logger_pid, 0);
	atomic_store(&board->started_usec, clock_realtime_usec());
	boot_id_get(board->boot_id);
	/* Until a logger has counted what its file holds: the limit may be another one now. */
	tickets_close(board);
	s->reopens_answered = atomic_load(&board->reopens_asked);
	s->generation = atomic_load(&board->generation) + 1;
}

/* Each step says what is wrong. */
static int prepare(struct service *s)
{
	int r = prepare_scoreboard(s);

	if (r < 0) {
		journal_field("ERRNO=%d", -r);
		journal_event(JOURNAL_CANNOT_START, LOG_ERR, "cannot make the scoreboard for %u clients: %s; not started",
			      s->config.max_clients, strerror(-r));
		return r;
	}
	begin_run(s);
	r = s->took_pipes ? 0 : open_pipes(&s->fds);
	if (r == 0)
		r = open_bells(&s->fds);
	if (r < 0) {
		journal_field("ERRNO=%d", -r);
		journal_event(JOURNAL_CANNOT_START, LOG_ERR, "cannot make the log pipes: %s; not started", strerror(-r));
		return r;
	}
	r = prepare_log(s);
	if (r == 0)
		r = startup_listen(s);
	if (r == 0)
		systemd_wait();
	return r;
}

static void introduce(const struct service *s)
{
	char names[512] = "", path[PATH_MAX];
	unsigned n_spilled = spill_count(path);
	size_t len = 0;

	for (unsigned i = 0; i < s->fds.listeners.n && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
					s->fds.listeners.item[i].name);
	journal_field("LISTEN=%s", names);
	journal_field("LOG_PATH=%s", config_log_name(&s->config));
	journal_event(JOURNAL_STARTED, LOG_INFO, "listening on %s%s, logging to %s", names,
		      s->fds.listeners.are_passed
			     ? " (sockets of systemd: server.address and server.port have no effect)"
			     : "",
		     config_log_name(&s->config));
	if (geteuid() == 0)
		journal_warning("running as root, which nothing here needs: use a user of its own and CAP_NET_BIND_SERVICE");
	if (n_spilled > 0) {
		journal_field("SPILL=%s", path);
		journal_event(JOURNAL_SPILLS_WAIT, LOG_NOTICE, "%u files hold records that an earlier run could not log, the last is %s; they belong to the message log: move them to an archive beside it",
			      n_spilled, path);
	}
	if (s->config.echo_after == ECHO_AFTER_QUEUED && !getenv("NOTIFY_SOCKET"))
		journal_notice("nobody keeps the log pipe if every process is killed at once: for that, run under systemd or set log.echo_after = written");
}

static int run(struct service *s)
{
	int status, r = prepare(s);

	s->exit_errno = -r;
	if (r < 0)
		return leave_with(s, STATUS_CANNOT_START);
	introduce(s);
	status = master_run(s);
	/* Nothing was forked, and what systemd keeps for a unit that fails is gone. */
	return status == STATUS_CANNOT_START ? leave_with(s, status) : status;
}

static int load(struct service *s)
{
	int r = config_load(s->options->config_path, s->options->overrides,
			    s->options->n_overrides, &s->config, &s->diagnostics);

	if (r == 0)
		return 0;
	if (s->options->action == ACTION_RUN && journal_is_stderr()) {
		reload_say_mistakes(s);
		return r;
	}
	fputs(s->diagnostics.text, stderr);
	if (s->diagnostics.omitted > 0)
		fprintf(stderr, "... and %u more\n", s->diagnostics.omitted);
	return r;
}

/* Returns the exit status. */
static int serve(struct service *s)
{
	int r;

	master_block_signals();
	r = open_standard_fds();
	if (r < 0) {
		journal_error("cannot open /dev/null: %s; not started", strerror(-r));
		return STATUS_CANNOT_START;
	}
	dontfork_libraries();
	systemd_open();
	journal_open();
	r = take_what_was_kept(s);
	if (r < 0)
		return leave_records_with_systemd(s, r);
	r = load(s);
	s->exit_errno = -r;
	return r < 0 ? leave_with(s, STATUS_CONFIG) : run(s);
}

int startup_main(int argc, char *argv[])
{
	static struct service s = {
		.phase = PHASE_STARTING,
		.fds = NO_DESCRIPTORS,
		.next_log_file = -1,
		.spill.fd = -1,
	};
	static struct options options;
	int status;

	if (!options_parse(argc, argv, &options, &status))
		return status;
	s.options = &options;
	switch (options.action) {
	case ACTION_CHECK_CONFIG:
		return load(&s) < 0 ? STATUS_CONFIG : STATUS_CLEAN;
	case ACTION_DUMP_CONFIG:
		if (load(&s) < 0)
			return STATUS_CONFIG;
		config_dump(&s.config, stdout);
		return fflush(stdout) == 0 ? STATUS_CLEAN : STATUS_CANNOT_GO_ON;
	default:
		break;
	}
	status = serve(&s);
	if (status != STATUS_CLEAN)
		notify_failed(&s, status);
	journal_flush();
	return status;
}
