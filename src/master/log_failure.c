/* SPDX-License-Identifier: MIT */
#include "master/log_failure.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/journal.h"

/* The user of this process, by name or else by number, for chown(1). */
static void name_user(char *text, size_t size)
{
	const struct passwd *user = getpwuid(geteuid());

	if (user)
		snprintf(text, size, "%s", user->pw_name);
	else
		snprintf(text, size, "%u", geteuid());
}

/* Writes why PATH could not be opened with the -errno R, and what to do, to TEXT. */
static void explain_open_failure(const char *path, int r, char *text, size_t size)
{
	char directory[PATH_MAX], user[64];
	const char *slash = strrchr(path, '/'), *error = strerror(-r);

	snprintf(directory, sizeof(directory), "%.*s", slash == path ? 1 : (int)(slash - path),
		 path);
	name_user(user, sizeof(user));
	switch (-r) {
	case EBUSY:
		snprintf(text, size, "%s is locked: another echo-logd writes to it", path);
		break;
	case ENOTSUP:
		snprintf(text, size, "%s is not a regular file", path);
		break;
	case EROFS:
		snprintf(text, size,
			 "cannot write to %s: %s; under systemd add ReadWritePaths=%s to a drop-in "
			 "(systemctl edit echo-logd)",
			 path, error, directory);
		break;
	case EACCES:
	case EPERM:
		snprintf(text, size, "user %s cannot create or write %s: %s; try: chown %s %s",
			 user, path, error, user, directory);
		break;
	case ENOENT:
	case ENOTDIR:
		snprintf(text, size,
			 "the directory %s does not exist or is not a directory: %s; create it for "
			 "user %s",
			 directory, error, user);
		break;
	default:
		snprintf(text, size, "cannot open %s: %s", path, error);
	}
}

void log_failure_report(const char *path, int r, const char *text, const char *consequence)
{
	journal_field("LOG_PATH=%s", path);
	journal_failure(JOURNAL_LOG_UNUSABLE, LOG_ERR, -r, "log.path: %s; %s", text, consequence);
}

void log_failure_report_open(const char *path, int r, const char *consequence)
{
	char text[2 * PATH_MAX];

	explain_open_failure(path, r, text, sizeof(text));
	log_failure_report(path, r, text, consequence);
}

void log_failure_report_action(const char *action, const char *path, int r,
			       const char *consequence)
{
	char text[2 * PATH_MAX];

	snprintf(text, sizeof(text), "cannot %s %s: %s", action, path, strerror(-r));
	log_failure_report(path, r, text, consequence);
}
