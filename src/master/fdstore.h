/* SPDX-License-Identifier: MIT */
/*
 * What systemd keeps for us while no process of ours lives: sd_notify(3),
 * FDSTORE=1.  Master only; without systemd there is nothing to take and
 * each put does nothing.
 *
 * Kept: both ends of both pipes, the log file, the scoreboard, and a spill
 * in the making (spill.h).  So after SIGKILL of the whole service the next
 * master finds every record that was in a pipe, the file with its offset,
 * and who was being served.
 *
 * FDPOLL=0 everywhere: systemd would drop a pipe whose other end hangs up.
 */
#ifndef ECHO_LOGD_FDSTORE_H
#define ECHO_LOGD_FDSTORE_H

#include <stdbool.h>

#include "ipc/descriptors.h"

/* A descriptor that is none of these: of a socket unit, most likely. */
struct passed {
	int fd;
	char name[64];			/* sd_listen_fds_with_names(3), cut */
};

/*
 * What is kept beside the pipes and the log file, -1 where there is none; and what else
 * came with it.
 */
struct kept {
	int scoreboard_fd;
	int spill_fd;
	struct passed passed[LISTENERS_MAX];
	unsigned n_passed;		/* those beyond LISTENERS_MAX are closed and count */
};

/*
 * Takes what was kept, and what a socket unit passes: fills the pipes and the
 * log file of *FDS (-1 where there is none) and *RET_KEPT.  A pipe of which
 * one end is missing counts as missing.  Returns whether both pipes are there.
 */
bool fdstore_take(struct descriptors *fds, struct kept *ret_kept);

/* Hands over the pipes and the scoreboard; systemd has them after a systemd_wait(). */
void fdstore_put_pipes(const struct descriptors *fds);
void fdstore_put_scoreboard(int fd);

/* The log is FD from now on, or -1, one that is not kept; the last one is given back. */
void fdstore_put_log_file(int fd);

/* A spill is begun, and systemd has it when this returns; or it is whole, and given back. */
void fdstore_put_spill(int fd);
void fdstore_drop_spill(void);

#endif
