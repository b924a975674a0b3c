/* SPDX-License-Identifier: MIT */
#include "startup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "journal.h"
#include "keep_log.h"
#include "listener.h"
#include "master.h"

/* Of each pipe.  As large as an unprivileged process may ask for, pipe(7). */
#define PIPE_BYTES (1024 * 1024)

/* Whoever is started without one of these would have a socket or pipe as stdout. */
static int open_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
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

static int open_descriptors(struct descriptors *fds)
{
	int r = open_pipe(&fds->log_read, &fds->log_write, PIPE_BYTES);

	/* The stage must hold whatever a batch from the log pipe is. */
	if (r == 0)
		r = open_pipe(&fds->stage_read, &fds->stage_write,
			      fcntl(fds->log_write, F_GETPIPE_SZ));
	if (r < 0)
		return r;
	fds->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fds->doorbell < 0 ? -errno : 0;
}

static int listen_first(struct service *s)
{
	char failed[RECORD_PEER_SIZE], skipped[256];
	int r = listeners_open(&s->config, NULL, &s->fds.listeners, failed, skipped,
			       sizeof(skipped));

	if (r == -EACCES)
		journal_error("cannot listen on %s: %s; ports below 1024 need CAP_NET_BIND_SERVICE; not started",
			      failed, strerror(-r));
	else if (r == -EADDRINUSE)
		journal_error("cannot listen on %s: %s: another program listens there; not started",
			      failed, strerror(-r));
	else if (r < 0)
		journal_error("cannot listen on %s: %s; not started", failed, strerror(-r));
	if (r < 0)
		return r;
	if (skipped[0])
		journal_notice("not listening on %s: this host has no such address", skipped);
	listeners_configure(&s->fds.listeners, &s->config);
	return 0;
}

/* Each step says what is wrong. */
static int prepare(struct service *s)
{
	int r = open_standard_fds();

	if (r == 0)
		r = scoreboard_create(runtime_directory(), s->config.max_clients, &s->board);
	if (r < 0) {
		journal_error("cannot make the scoreboard for %u clients: %s; not started",
			      s->config.max_clients, strerror(-r));
		return r;
	}
	r = open_descriptors(&s->fds);
	if (r < 0) {
		journal_error("cannot make the log pipes: %s; not started", strerror(-r));
		return r;
	}
	r = log_open_first(s);
	return r < 0 ? r : listen_first(s);
}

static void introduce(const struct service *s)
{
	char names[512] = "";
	size_t len = 0;

	for (unsigned i = 0; i < s->fds.listeners.n && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
					s->fds.listeners.item[i].name);
	journal_info("listening on %s, logging to %s", names, s->config.path);
	if (geteuid() == 0)
		journal_warning("running as root, which nothing here needs: use a user of its own and CAP_NET_BIND_SERVICE");
}

static int run(const struct options *options, const struct config *config)
{
	static struct service s = {
		.phase = PHASE_STARTING,
		.generation = 1,
		.fds = {.log_read = -1, .log_write = -1, .stage_read = -1, .stage_write = -1,
			.log_file = -1, .doorbell = -1},
		.next_log_file = -1,
	};

	s.options = options;
	s.config = *config;
	master_block_signals();
	if (prepare(&s) < 0)
		return STATUS_CANNOT_START;
	introduce(&s);
	return master_run(&s);
}

int startup_main(int argc, char *argv[])
{
	static struct options options;
	static struct config config;
	static struct diagnostics diagnostics;
	int status;

	if (!options_parse(argc, argv, &options, &status))
		return status;
	if (config_load(options.config_path, options.overrides, options.n_overrides, &config,
			&diagnostics) < 0) {
		fputs(diagnostics.text, stderr);
		return STATUS_CONFIG;
	}
	switch (options.action) {
	case ACTION_CHECK_CONFIG:
		return STATUS_CLEAN;
	case ACTION_DUMP_CONFIG:
		config_dump(&config, stdout);
		return fflush(stdout) == 0 ? STATUS_CLEAN : STATUS_CANNOT_GO_ON;
	default:
		return run(&options, &config);
	}
}
