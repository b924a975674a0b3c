/* SPDX-License-Identifier: MIT */
/* The formats of the message log, echo-logd-log(5).  Kept in the scoreboard: numbers never change. */
#ifndef ECHO_LOGD_LOG_FORMAT_H
#define ECHO_LOGD_LOG_FORMAT_H

enum log_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_RAW };

#endif
