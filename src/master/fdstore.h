/* SPDX-License-Identifier: MIT */
/*
 * The descriptors that systemd stores for the service, sd_notify(3),
 * FDSTORE=1.  Called by the master only.  Without systemd, fdstore_take()
 * finds nothing, and each put and drop does nothing.
 *
 * Stored are both ends of both pipes, the log file, the scoreboard, and an
 * unfinished spill (spill.h).  So if all processes of the service are killed,
 * the next master finds every record that was in a pipe, the file with its
 * offset, and the connections that were open.
 *
 * Their names begin with "echo-logd/".  Taken are also those without, as
 * version 0.1.0 stored them, but only if the kind is right: a socket unit may
 * give its sockets the same names.
 *
 * All are stored with FDPOLL=0: otherwise systemd would drop a pipe as soon
 * as its other end is closed.
 */
#ifndef ECHO_LOGD_FDSTORE_H
#define ECHO_LOGD_FDSTORE_H

#include <stdbool.h>

#include "ipc/descriptors.h"

/* Any other descriptor that systemd passed; most likely of a socket unit. */
struct passed {
	int fd;
	char name[64];			/* sd_listen_fds_with_names(3), truncated */
};

/* What systemd passed besides the pipes and the log file.  A missing descriptor is -1. */
struct kept {
	int scoreboard_fd;
	int spill_fd;
	struct passed passed[LISTENERS_MAX];
	unsigned n_passed;		/* may exceed LISTENERS_MAX: the rest are closed */
};

/*
 * Takes all descriptors that systemd passed.  Sets the pipes and the log file
 * in *FDS, which the caller has set to -1, and fills *RET_KEPT.  The caller
 * owns them all.  Returns whether both ends of both pipes are there.
 */
bool fdstore_take(struct descriptors *fds, struct kept *ret_kept);

/*
 * Store the pipes, or the scoreboard, in place of stored ones.  systemd has
 * them when a later systemd_wait() returns.
 */
void fdstore_put_pipes(const struct descriptors *fds);
void fdstore_put_scoreboard(int fd);

/* Stores FD as the log file, or none if FD is -1, and removes the last one. */
void fdstore_put_log_file(int fd);

/* Stores FD, an unfinished spill, and waits as systemd_wait() until systemd has it. */
void fdstore_put_spill(int fd);

/* The spill is complete: removes it from the store. */
void fdstore_drop_spill(void);

#endif
