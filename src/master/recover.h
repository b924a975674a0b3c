/* SPDX-License-Identifier: MIT */
/*
 * Recovers what systemd stored of a killed run (fdstore.h): the pipes with the
 * records in them, the log file, the scoreboard, an unfinished spill.  Called
 * by the master only, at a start, while no logger lives.
 */
#ifndef ECHO_LOGD_RECOVER_H
#define ECHO_LOGD_RECOVER_H

#include "master/service.h"

/*
 * Adopts the descriptors that systemd stored, and the sockets that a socket
 * unit passed.  Finishes an unfinished spill, because half a record may be in
 * it.  Sets S->took_pipes, and S->board if the scoreboard was stored.
 * Returns STATUS_CLEAN; or, after a pause, STATUS_RECORDS_LOST, logged, if
 * the spill cannot be written: systemd keeps the records and restarts the
 * service.
 */
int recover_previous_run(struct service *s);

/*
 * Before the log is opened: if the records in the pipes cannot continue in it
 * (another format; a file before and stdout now, or the reverse), moves them
 * to a spill and closes the old log file.  Returns 0, or -errno, not logged;
 * then a retry continues.
 */
int recover_set_apart(struct service *s);

/*
 * The start failed with the exit status STATUS: moves the records in the
 * pipes to a spill, because no later run will log them.  Returns STATUS; or,
 * after a pause, STATUS_RECORDS_LOST, logged, if the spill cannot be written.
 */
int recover_spill(struct service *s, int status);

#endif
