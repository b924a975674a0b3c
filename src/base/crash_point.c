/* SPDX-License-Identifier: MIT */
#include "base/crash_point.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Returns false if crash points are disabled or the path is too long. */
static bool format_path(const char *name, char ret_path[PATH_MAX])
{
	const char *directory = getenv("ECHO_LOGD_CRASH_DIR");

	return directory && snprintf(ret_path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX;
}

void crash_point(const char *name)
{
	char path[PATH_MAX];

	/* If several processes arrive at once, unlink(2) succeeds in only one of them. */
	if (format_path(name, path) && unlink(path) == 0)
		kill(getpid(), SIGKILL);
}

static bool is_split;

size_t crash_point_split(const char *name, size_t len)
{
	char path[PATH_MAX];

	is_split = len > 2 && format_path(name, path) && access(path, F_OK) == 0;
	/* Not the exact middle: with two records of equal size it is a record boundary. */
	return is_split ? len / 2 + 1 : len;
}

void crash_point_if_split(const char *name)
{
	if (is_split)
		crash_point(name);
}
