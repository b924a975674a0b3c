/* SPDX-License-Identifier: MIT */
#include "crash_point.h"

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

size_t crash_point_split(const char *name, size_t len)
{
	char path[PATH_MAX];

	return len > 1 && find(name, path) && access(path, F_OK) == 0 ? len / 2 : len;
}
