/* SPDX-License-Identifier: MIT */
/*
 * What the master says of the shortages that shortage.h notes: it logs when
 * one begins and when it is over, and shows it in STATUS= meanwhile.
 * Master only.
 */
#ifndef ECHO_LOGD_SHORTAGE_REPORT_H
#define ECHO_LOGD_SHORTAGE_REPORT_H

#include "master/service.h"

/* Every second while anything moves: logs what has changed.  Returns whether a shortage lasts. */
bool shortage_report_changes(struct service *s);

/* Writes a sentence for each shortage that lasts to TEXT; none: an empty string. */
void shortage_report_describe(const struct service *s, char *text, size_t size);

#endif
