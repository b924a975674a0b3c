/* SPDX-License-Identifier: MIT */
/*
 * The state of the master.  Only src/master and main.c include it.
 *
 * There is a struct for each file that owns fields: that file changes them,
 * others may read them.  `board`, `fds` and `config` belong to all.
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

/* The phase only advances.  Only master.c changes it. */
enum phase {
	PHASE_STARTING,		/* until the logger is up */
	PHASE_RUNNING,
	PHASE_DRAINING,		/* no client is accepted; connected ones have drain_timeout */
	PHASE_CLOSING,		/* workers finish the current message and leave */
	PHASE_FINISHING,	/* no worker left; the logger empties the pipes */
};

/* master.c */
struct loop {
	sd_event_source *tick;		/* STATUS=, surplus workers: while anything changes */
	sd_event_source *close_timer;	/* drain_timeout, then the repeated SIGTERM */
	uint64_t watchdog_usec;		/* of systemd, sd_watchdog_enabled(3) */
	struct totals last_totals;	/* at the last tick */
	bool limit_was_reached;		/* at the last check; that is logged */
	int stop_status;		/* enum exit_status of a stop that succeeds */
};

/* listener_setup.c */
struct listening {
	sd_event_source *leave_timer;	/* while sockets are leaving */
};

struct worker_process {
	pid_t pid;			/* 0: none */
	uint64_t clients_at_start;	/* clients of its slot when it was forked */
	bool promises_synced;		/* forked under echo_after = synced */
};

/* worker_pool.c */
struct worker_pool {
	struct worker_process *workers;	/* by slot */
	unsigned n_workers;
	bool needs_look;		/* a client may wait of which no idle worker knows */
	unsigned deaths;		/* in a row, of workers that made no progress */
	uint64_t died_usec;		/* when the last of them died */
	sd_event_source *retry;
};

/* logger_process.c */
struct logger_process {
	pid_t pid;			/* 0: none */
	int last_exit;			/* enum logger_exit, until the master has acted on it */
	uint64_t beat;			/* at the last check */
	uint64_t looked_usec;		/* last check without a new beat; 0: there was one */
	uint64_t silent_usec;		/* time without a new beat */
	uint64_t moved_at_start;	/* moved_bytes when it was forked */
	unsigned deaths;		/* in a row, of loggers that made no progress */
	sd_event_source *retry;
};

/* message_log.c */
struct message_log {
	int next_file;			/* opened by a reload for the next logger, or -1 */
	bool next_is_new;		/* the reload made that file */
	bool next_is_foreign;		/* it is of another format, and has to be renamed */
	int reported_errno;		/* logged reason why the file cannot be used; 0: none */
	bool reported_prune;		/* logged that an old file cannot be deleted */
	bool reported_mode;		/* logged that the file has another mode */
	uint32_t reopens_answered;	/* reopens_asked when the next file was opened */
};

/* shortage_report.c */
struct shortages {
	bool reported[N_SHORTAGES];	/* its begin is logged, its end not yet */
};

/* spill_on_stop.c */
struct spill_on_stop {
	bool has_given_up_log;		/* no logger is started any more */
	struct stall_watch watch;
};

/* reload.c */
struct reload {
	bool is_under_way;
	bool is_wanted;			/* another one follows this */
	bool has_failed;		/* the last one; shown in STATUS= */
	uint32_t answers;		/* reloads_asked when the last reload began */
	char words[256];		/* settings of the last reload without effect, as text */
	struct diagnostics diagnostics;	/* of the last one, or of the start */
};

struct service {
	const struct options *options;
	sd_event *event;
	struct scoreboard *board;
	enum phase phase;
	int exit_errno;			/* for systemd: why the start failed; 0: no errno */
	uint32_t generation;		/* of `config`; the logger may still use the last one */
	bool took_pipes;		/* recover.c: the pipes are those of a killed run */

	struct loop loop;
	struct listening listening;
	struct worker_pool pool;
	struct logger_process logger;
	struct message_log log;
	struct shortages shortages;
	struct spill_on_stop stop;

	/*
	 * The large fields are last, apart from those that change often: each page that
	 * the master writes after it forked a worker is copied, and costs memory.
	 */
	struct descriptors fds;
	struct config config;		/* in force; set by startup.c, then by reload.c */
	struct spill spill;		/* recover.c at a start, spill_on_stop.c at a stop */
	struct reload reload;
};

/* Nothing is open yet. */
#define SERVICE_INIT {.fds = NO_DESCRIPTORS, .log.next_file = -1, .spill.fd = -1}

#endif
