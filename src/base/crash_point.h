/* SPDX-License-Identifier: MIT */
/*
 * Crash points: named places in the code where the tests in tests/faults can
 * kill a process, between two steps that a random kill would hardly ever
 * hit.  Called by any process.
 *
 * They exist only in the program echo-logd-crash, which is built for the
 * tests and never installed.  In all other programs these functions are
 * empty.
 *
 * To arm a point, a test creates a file with the point's name in the
 * directory $ECHO_LOGD_CRASH_DIR.  The first process that reaches the point
 * deletes the file and kills itself with SIGKILL.  So an armed point kills
 * once, and the missing file shows the test that it did.
 */
#ifndef ECHO_LOGD_CRASH_POINT_H
#define ECHO_LOGD_CRASH_POINT_H

#include <stddef.h>

#ifdef ECHO_LOGD_CRASH_POINTS

/* Kills the calling process if the point NAME is armed. */
void crash_point(const char *name);

/*
 * A point in the middle of one call that moves LEN bytes.  Returns how many
 * bytes to move before crash_point_if_split() with the same NAME: a part of
 * them if the point is armed, else LEN.
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
