/* SPDX-License-Identifier: MIT */
#include "master/log_failure.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/journal.h"
#include "base/user_name.h"
#include "logger/logfile.h"

bool log_failure_is_new(int *reported_errno, int r)
{
	bool is_new = *reported_errno != -r;

	*reported_errno = -r;
	return is_new;
}

/*
 * Whether DIRECTORY, or the nearest directory above it, is on a read-only file system.  In the
 * sandbox of the unit all of them are, apart from the mounts that were made at the start.  So a
 * directory that is made later is read-only for this service.
 */
static bool is_read_only(const char *directory)
{
	char above[PATH_MAX], *slash;
	struct statvfs fs;
	bool answer;
	int fd;

	snprintf(above, sizeof(above), "%s", directory);
	while ((fd = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) {
		slash = strrchr(above, '/');
		if (!slash || strcmp(above, "/") == 0)
			return false;
		slash[slash == above ? 1 : 0] = '\0';
	}
	answer = fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY);
	close(fd);
	return answer;
}

/*
 * Returns the directory above PATH that ProtectHome=yes hides, systemd.exec(5), or NULL.
 * systemd lays a directory over it that nobody has a right to.
 */
static const char *hidden_home(const char *path)
{
	static const char *const homes[] = {"/home", "/root", "/run/user"};
	struct stat st;

	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
		size_t len = strlen(homes[i]);

		if (strncmp(path, homes[i], len) == 0 && path[len] == '/' &&
		    stat(homes[i], &st) == 0 && (st.st_mode & 07777) == 0)
			return homes[i];
	}
	return NULL;
}

/* Writes why PATH could not be opened with the -errno R, and what to do, to TEXT. */
static void explain_open_failure(const char *path, int r, char *text, size_t size)
{
	char directory[PATH_MAX], user[64];
	const char *slash = strrchr(path, '/'), *error = strerror(-r), *home = hidden_home(path);

	snprintf(directory, sizeof(directory), "%.*s", slash == path ? 1 : (int)(slash - path),
		 path);
	user_name(user, sizeof(user));
	if (home) {
		snprintf(text, size,
			 "cannot write to %s: the unit hides %s; add ProtectHome=no and "
			 "ReadWritePaths=%s to a drop-in (systemctl edit echo-logd)",
			 path, home, directory);
		return;
	}
	switch (-r) {
	case EBUSY:
		snprintf(text, size, "%s is locked: another echo-logd writes to it", path);
		break;
	case ENOTSUP:
		snprintf(text, size, "%s is not a regular file", path);
		break;
	case EROFS:
		snprintf(text, size,
			 "cannot write to %s: %s; if %s was made again while the service ran, "
			 "restart the service; else, under systemd, add ReadWritePaths=%s to a "
			 "drop-in (systemctl edit echo-logd)",
			 path, error, directory, directory);
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
			 "user %s%s",
			 directory, error, user,
			 is_read_only(directory) ? " and restart the service, which cannot write "
						   "to a directory that is made later"
						 : "");
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
	char text[4 * PATH_MAX], real[PATH_MAX];

	/* If it is a symbolic link, what is missing is missing where it leads. */
	explain_open_failure(logfile_resolve(path, real) == 0 ? real : path, r, text, sizeof(text));
	log_failure_report(path, r, text, consequence);
}

void log_failure_report_action(const char *action, const char *path, int r,
			       const char *consequence)
{
	char text[2 * PATH_MAX];

	snprintf(text, sizeof(text), "cannot %s %s: %s", action, path, strerror(-r));
	log_failure_report(path, r, text, consequence);
}
