/* SPDX-License-Identifier: MIT */
/*
 * A stop that the log stands in the way of: when it has taken nothing for
 * stall_timeout, its logger is ended and what is in the pipes goes to a
 * spill file.  Master only.
 */
#ifndef ECHO_LOGD_SPILL_ON_STOP_H
#define ECHO_LOGD_SPILL_ON_STOP_H

#include "master/service.h"

/*
 * Called again and again while the service closes and finishes.  Ends the
 * event loop when the last record is in the spill file, or cannot be stored.
 */
void spill_on_stop_if_stalled(struct service *s);

#endif
