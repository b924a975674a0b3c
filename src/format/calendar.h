/* SPDX-License-Identifier: MIT */
/*
 * Seconds since 1970 to "2026-11-22T21:04:05" (UTC) and back.
 *
 * Pure: unlike gmtime_r(3) it takes no lock and reads no time zone file.
 * Any process may call it.
 */
#ifndef ECHO_LOGD_CALENDAR_H
#define ECHO_LOGD_CALENDAR_H

#include <stdint.h>

#define CALENDAR_LEN 19
/* 9999-12-31T23:59:59, the last second of a year with four digits. */
#define CALENDAR_MAX_SECOND UINT64_C(253402300799)

/* Writes CALENDAR_LEN bytes to OUT, without a NUL.  SECOND is at most CALENDAR_MAX_SECOND. */
void calendar_write(char *out, uint64_t second);

/*
 * Reads the CALENDAR_LEN bytes of IN.  Returns 0, or -EBADMSG for another
 * spelling, a time before 1970, or one that does not exist; leap seconds are
 * refused too.  *RET_SECOND is untouched then.
 */
int calendar_read(const char *in, uint64_t *ret_second);

#endif
