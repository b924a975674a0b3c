/* SPDX-License-Identifier: MIT */
/*
 * Reports the shortages of descriptors, processes and memory that any process
 * notes by shortage.h: logs once when one begins and once when it ends, and
 * describes it for STATUS= meanwhile.  Called by the master only.
 */
#ifndef ECHO_LOGD_SHORTAGE_REPORT_H
#define ECHO_LOGD_SHORTAGE_REPORT_H

#include "master/service.h"

/*
 * Called every second while anything changes: logs each begin and end.
 * Returns whether a shortage lasts.
 */
bool shortage_report_changes(struct service *s);

/*
 * Writes a sentence for each lasting shortage to TEXT, which has SIZE bytes;
 * an empty string if there is none.  Longer text is truncated.
 */
void shortage_report_describe(const struct service *s, char *text, size_t size);

#endif
