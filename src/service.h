/* SPDX-License-Identifier: MIT */
/*
 * What the master knows.  Only the master's files (master, startup,
 * startup_listen, reload, supervise_workers, supervise_logger, keep_log,
 * abandon_log, trouble, notify) use it.
 */
#ifndef ECHO_LOGD_SERVICE_H
#define ECHO_LOGD_SERVICE_H

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "config.h"
#include "descriptors.h"
#include "exit_status.h"
#include "options.h"
#include "scoreboard.h"
#include "spill.h"
#include "stall.h"

/* In this order, and never back. */
enum phase {
	PHASE_STARTING,		/* until the logger is up */
	PHASE_RUNNING,
	PHASE_DRAINING,		/* nobody is accepted; workers serve on for drain_timeout */
	PHASE_CLOSING,		/* workers finish the message in hand and leave */
	PHASE_FINISHING,	/* no worker left; the logger empties the pipes */
};

struct worker_process {
	pid_t pid;			/* 0: none */
	uint64_t clients_at_birth;	/* that its slot has had before it */
};

struct service {
	const struct options *options;
	enum phase phase;
	int exit_errno;			/* why it cannot start; 0: no single errno says that */
	uint32_t generation;		/* of `config`; the scoreboard has it once it is wholly in force */
	bool is_reloading;
	bool wants_reload;		/* another one, when this is done */
	uint32_t reloads_taken;		/* reloads_asked when the last reload began */

	sd_event *event;
	sd_event_source *tick;		/* STATUS= and shrinking, while anything moves */
	uint64_t watchdog_usec;		/* of systemd, sd_watchdog_enabled(3) */
	sd_event_source *close_timer;	/* drain_timeout, then the repeated SIGTERM */

	struct scoreboard *board;
	bool took_pipes;		/* from the fd store: a run before this one was killed */

	/* abandon_log */
	bool abandons_log;		/* no logger is started any more */
	struct stall_watch stop_watch;

	/* supervise_logger, keep_log */
	pid_t logger_pid;		/* 0: none */
	int log_needs;			/* enum logger_exit of the last logger, until that is done */
	uint32_t reopens_answered;	/* reopens_asked when the file of the next logger was opened */
	int log_errno;			/* why there is no logger, said already; 0: all is well */
	int next_log_file;		/* opened by a reload for the next logger, or -1 */
	uint64_t logger_beat;		/* as seen last */
	uint64_t logger_looked_usec;	/* when it was seen not to have grown; 0: it had */
	uint64_t logger_silent_usec;	/* for how long it has not */
	uint64_t moved_at_birth;	/* moved_bytes when the logger was forked */
	unsigned logger_deaths;		/* in a row, of loggers that got nothing done */
	sd_event_source *logger_retry;

	/* supervise_workers */
	struct worker_process *workers;	/* by slot */
	unsigned n_workers;
	unsigned worker_deaths;		/* in a row, of workers that got nothing done */
	uint64_t worker_died_usec;
	bool reported_shortage[N_SHORTAGES];	/* by kind: its begin is logged, its end is not */
	sd_event_source *worker_retry;

	bool reload_failed;		/* the last one; STATUS= says so */
	bool limit_was_reached;		/* said already */
	struct totals last_totals;	/* at the last tick */

	/*
	 * What is large, last: each page that the master has written to since a
	 * worker was forked is one more of that worker.
	 */
	struct descriptors fds;
	struct config config;		/* in force */
	struct spill spill;		/* abandon_log */
	char reload_words[256];		/* of the last reload: what has not come into force */
	struct diagnostics diagnostics;	/* of the last reload; too large for a stack */
};

#endif
