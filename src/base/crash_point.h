/* SPDX-License-Identifier: MIT */
/*
 * Places where a process can be made to die, for the tests in tests/faults:
 * the instants between two steps that a random kill hardly ever meets.
 *
 * Only in the program echo-logd-crash, which is built for the tests and
 * never installed; elsewhere they are nothing.  Any process.
 *
 * A test that wants a process to die at a point makes a file of the point's
 * name in the directory $ECHO_LOGD_CRASH_DIR.  The first process that comes
 * by takes the file away and is gone, as by SIGKILL; so a point strikes once
 * each time it is set, and the test knows when it has.
 */
#ifndef ECHO_LOGD_CRASH_POINT_H
#define ECHO_LOGD_CRASH_POINT_H

#include <stddef.h>

#ifdef ECHO_LOGD_CRASH_POINTS

void crash_point(const char *name);

/*
 * A point in the middle of LEN bytes that are moved in one call: returns how
 * much to move before crash_point_if_split() of the same NAME, all or a part.
 */
size_t crash_point_split(const char *name, size_t len);
void crash_point_if_split(const char *name);

#else

static inline void crash_point(const char *name)
{
	(void)name;
}

static inline size_t crash_point_split(const char *name, size_t len)
{
	(void)name;
	return len;
}

static inline void crash_point_if_split(const char *name)
{
	(void)name;
}

#endif
#endif
