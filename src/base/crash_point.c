/* SPDX-License-Identifier: MIT */
#include "base/crash_point.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool find(const char *name, char ret_path[PATH_MAX])
{
	const char *directory = getenv("ECHO_LOGD_CRASH_DIR");

	return directory && snprintf(ret_path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX;
}

void crash_point(const char *name)
{
	char path[PATH_MAX];

	/* unlink(2) succeeds for one process only. */
	if (find(name, path) && unlink(path) == 0)
		kill(getpid(), SIGKILL);
}

static bool is_split;

size_t crash_point_split(const char *name, size_t len)
{
	char path[PATH_MAX];

	is_split = len > 2 && find(name, path) && access(path, F_OK) == 0;
	/* Not the very middle: of records of one size that may be between two. */
	return is_split ? len / 2 + 1 : len;
}

void crash_point_if_split(const char *name)
{
	if (is_split)
		crash_point(name);
}
