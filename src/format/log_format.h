/* SPDX-License-Identifier: MIT */
/*
 * The formats of the message log, echo-logd-log(5).  The scoreboard holds
 * these numbers, so they never change.
 */
#ifndef ECHO_LOGD_LOG_FORMAT_H
#define ECHO_LOGD_LOG_FORMAT_H

enum log_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_RAW };

#endif
