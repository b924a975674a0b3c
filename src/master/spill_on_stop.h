/* SPDX-License-Identifier: MIT */
/*
 * Lets the service stop while the log cannot be written (full disk, dead
 * file server): after stall_timeout
 * without progress, kills the logger and moves the records in the pipes to a
 * spill file (spill.h).  Called by the master only.
 */
#ifndef ECHO_LOGD_SPILL_ON_STOP_H
#define ECHO_LOGD_SPILL_ON_STOP_H

#include "master/service.h"

/*
 * Called every 100 ms in PHASE_CLOSING and PHASE_FINISHING.  Ends the event
 * loop when the last record is in the spill file (STATUS_CLEAN), or when the
 * file cannot be written (STATUS_RECORDS_LOST, logged).
 */
void spill_on_stop_if_stalled(struct service *s);

#endif
