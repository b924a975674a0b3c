/* SPDX-License-Identifier: MIT */
/*
 * What a run that was killed left with systemd (fdstore.h): its pipes with
 * the records in them, its log file, its scoreboard, a spill in the making.
 * Called by the master, at a start, while no logger lives.
 */
#ifndef ECHO_LOGD_RECOVER_H
#define ECHO_LOGD_RECOVER_H

#include "master/service.h"

/*
 * Takes what systemd kept, and the sockets that a socket unit passes.  A
 * spill that the last run was killed in is finished first: half a record may
 * be in it.  Sets S->took_pipes, and S->board if the scoreboard is there.
 * Returns STATUS_CLEAN; or STATUS_RECORDS_LOST, logged, when the records
 * cannot be stored: systemd keeps them and starts the service again.
 */
int recover_previous_run(struct service *s);

/*
 * Before the log is opened: if the records in the pipes cannot continue in
 * it (another format; a file before and stdout now, or the reverse), they go
 * to a spill and the old log file is closed.  Returns 0 or -errno.
 */
int recover_set_apart(struct service *s);

/*
 * The start has failed with the exit status STATUS: records that no run will
 * come for go to a spill.  Returns STATUS, or STATUS_RECORDS_LOST, logged,
 * when they cannot be stored.
 */
int recover_spill(struct service *s, int status);

#endif
