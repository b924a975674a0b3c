/* SPDX-License-Identifier: MIT */
/*
 * What the master knows.  Only the master's files include it.
 *
 * The fields stand in structs by the file that owns them: that file changes
 * them, the others at most read.  `board`, `fds` and `config` belong to all.
 */
#ifndef ECHO_LOGD_SERVICE_H
#define ECHO_LOGD_SERVICE_H

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "config/config.h"
#include "config/config_load.h"
#include "config/options.h"
#include "ipc/descriptors.h"
#include "ipc/scoreboard.h"
#include "ipc/stall.h"
#include "master/spill.h"

/* In this order, and never back.  master.c moves on from one to the next. */
enum phase {
	PHASE_STARTING,		/* until the logger is up */
	PHASE_RUNNING,
	PHASE_DRAINING,		/* none is accepted; connected clients have drain_timeout */
	PHASE_CLOSING,		/* workers finish the message in hand and leave */
	PHASE_FINISHING,	/* no worker left; the logger empties the pipes */
};

/* master.c */
struct loop {
	sd_event_source *tick;		/* STATUS=, surplus workers: while anything moves */
	sd_event_source *close_timer;	/* drain_timeout, then the repeated SIGTERM */
	uint64_t watchdog_usec;		/* of systemd, sd_watchdog_enabled(3) */
	struct totals last_totals;	/* at the last tick */
	bool limit_was_reached;		/* and logged */
};

struct worker_process {
	pid_t pid;			/* 0: none */
	uint64_t clients_at_start;	/* that its slot had had before it */
};

/* worker_pool.c */
struct worker_pool {
	struct worker_process *workers;	/* by slot */
	unsigned n_workers;
	unsigned deaths;		/* in a row, of workers that got nothing done */
	uint64_t died_usec;		/* the last of those */
	sd_event_source *retry;
};

/* logger_process.c */
struct logger_process {
	pid_t pid;			/* 0: none */
	int last_exit;			/* enum logger_exit, until what it asks for is done */
	uint64_t beat;			/* as seen last */
	uint64_t looked_usec;		/* when it was seen not to have grown; 0: it had */
	uint64_t silent_usec;		/* for how long it has not */
	uint64_t moved_at_start;	/* moved_bytes when it was forked */
	unsigned deaths;		/* in a row, of loggers that got nothing done */
	sd_event_source *retry;
};

/* message_log.c */
struct message_log {
	int next_file;			/* opened by a reload for the next logger, or -1 */
	int reported_errno;		/* why the file cannot be used, logged already; 0: it can */
	uint32_t reopens_answered;	/* reopens_asked when the next file was opened */
};

/* shortage_report.c */
struct shortages {
	bool reported[N_SHORTAGES];	/* its begin is logged, its end is not */
};

/* spill_on_stop.c */
struct spill_on_stop {
	bool has_given_up_log;		/* no logger is started any more */
	struct stall_watch watch;
};

/* reload.c */
struct reload {
	bool is_under_way;
	bool is_wanted;			/* another one, when this is done */
	bool has_failed;		/* the last one; STATUS= says so */
	uint32_t answers;		/* reloads_asked when the last reload began */
	char words[256];		/* of the last reload: what has not taken effect */
	struct diagnostics diagnostics;	/* of the last one, or of the start */
};

struct service {
	const struct options *options;
	sd_event *event;
	struct scoreboard *board;
	enum phase phase;
	int exit_errno;			/* for systemd: why it cannot start; 0: no single one */
	uint32_t generation;		/* of `config`, of which a part may not be in effect yet */
	bool took_pipes;		/* recover.c: of a run that was killed */

	struct loop loop;
	struct worker_pool pool;
	struct logger_process logger;
	struct message_log log;
	struct shortages shortages;
	struct spill_on_stop stop;

	/*
	 * What is large, last: each page that the master has written to since a
	 * worker was forked is one more of that worker.
	 */
	struct descriptors fds;
	struct config config;		/* in force; startup.c, then reload.c */
	struct spill spill;		/* recover.c at a start, spill_on_stop.c at a stop */
	struct reload reload;
};

/* A service of which nothing is there yet. */
#define SERVICE_INIT {.fds = NO_DESCRIPTORS, .log.next_file = -1, .spill.fd = -1}

#endif
