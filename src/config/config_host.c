/* SPDX-License-Identifier: MIT */
#include "config/config_host.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/net.h"
#include "base/user_name.h"
#include "config/config_text.h"

/* User= of the unit. */
#define SERVICE_USER "echo-logd"

#define SHOWN_BYTES 1024	/* of a path, including escapes */

struct report {
	const char *file;
	bool strict;
	FILE *out;
	unsigned n;
	char user[64];
};

__attribute__((format(printf, 3, 4)))
static void problem(struct report *r, const char *subject, const char *format, ...)
{
	char file[SHOWN_BYTES];
	va_list ap;

	config_text_show(file, sizeof(file), r->file, strlen(r->file));
	fprintf(r->out, "%s: %s%s%s", file, r->strict ? "" : "warning: ", subject,
		subject[0] ? ": " : "");
	va_start(ap, format);
	vfprintf(r->out, format, ap);
	va_end(ap);
	fputc('\n', r->out);
	r->n++;
}

/* Permissions are those of the service's user.  If that fails, the checks are those of root. */
static void become_service_user(void)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam(SERVICE_USER) : NULL;

	if (user && initgroups(user->pw_name, user->pw_gid) == 0 && setegid(user->pw_gid) == 0)
		(void)!seteuid(user->pw_uid);
}

/* Returns 0 or the errno of access(2) for the effective user. */
static int check_access(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 ? 0 : errno;
}

void config_host_explain_unreadable(int r, char *text, size_t size)
{
	char user[64];

	user_name(user, sizeof(user));
	if (r == -EACCES)
		snprintf(text, size,
			 "user %s cannot read this file: %s; let that user read the file and enter "
			 "its directory, for example with chgrp and chmod g+r",
			 user, strerror(EACCES));
	else
		snprintf(text, size, "%s", strerror(-r));
}

static void check_file(struct report *r)
{
	char text[256];
	int error = check_access(r->file, R_OK);

	if (error == 0)
		return;
	config_host_explain_unreadable(-error, text, sizeof(text));
	problem(r, "", "%s", text);
}

/* LogsDirectory= of the unit, or of an instance of it. */
static bool is_made_by_the_unit(const char *directory)
{
	size_t len = strlen(ECHO_LOGD_LOG_DIR);

	return strncmp(directory, ECHO_LOGD_LOG_DIR, len) == 0 &&
	       (directory[len] == '\0' || directory[len] == '@');
}

/* Returns whether files can be in DIRECTORY; SHOWN is its name for messages. */
static bool check_directory(struct report *r, const char *directory, const char *shown)
{
	struct stat st;

	if (stat(directory, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return true;
		problem(r, "log.path", "%s is not a directory", shown);
	} else if (errno == EACCES) {
		problem(r, "log.path", "user %s cannot enter the directory above %s: %s", r->user,
			shown, strerror(EACCES));
	} else if (errno != ENOENT || !is_made_by_the_unit(directory)) {
		problem(r, "log.path", "the directory %s cannot be used: %s; create it for user %s",
			shown, strerror(errno), r->user);
	}
	return false;
}

static void check_log(struct report *r, const char *path)
{
	char directory[PATH_MAX], shown[SHOWN_BYTES], shown_directory[SHOWN_BYTES];
	const char *slash = strrchr(path, '/');
	struct stat st;
	int error;

	snprintf(directory, sizeof(directory), "%.*s", slash == path ? 1 : (int)(slash - path),
		 path);
	config_text_show(shown, sizeof(shown), path, strlen(path));
	config_text_show(shown_directory, sizeof(shown_directory), directory, strlen(directory));
	if (!check_directory(r, directory, shown_directory))
		return;
	if (stat(path, &st) == 0) {
		error = check_access(path, R_OK | W_OK);
		if (!S_ISREG(st.st_mode))
			problem(r, "log.path", "%s is not a regular file", shown);
		else if (error != 0)
			problem(r, "log.path", "user %s cannot write %s: %s; try: chown %s %s",
				r->user, shown, strerror(error), r->user, shown);
	}
	/* Also if the file exists: a rotation makes the next one. */
	error = check_access(directory, W_OK | X_OK);
	if (error != 0)
		problem(r, "log.path",
			"user %s cannot create files in the directory %s: %s; try: chown %s %s",
			r->user, shown_directory, strerror(error), r->user, shown_directory);
}

/* Port 0 and UDP: a port that is in use, or needs a privilege, must not matter. */
static int try_address(const char *text)
{
	struct sockaddr_storage address;
	socklen_t len;
	int r = net_parse(text, 0, &address, &len), fd;

	if (r < 0)
		return r;
	fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = bind(fd, (const struct sockaddr *)&address, len) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* The start skips default addresses that do not exist. */
static void check_addresses(struct report *r, const struct config *config)
{
	for (unsigned i = 0; i < config->n_addresses && !config->addresses_are_default; i++) {
		int error = strcmp(config->addresses[i], "*") == 0
				    ? 0
				    : try_address(config->addresses[i]);

		if (error == -EADDRNOTAVAIL || error == -EAFNOSUPPORT || error == -ENODEV)
			problem(r, "server.address", "this host does not have the address %s: %s",
				config->addresses[i], strerror(-error));
	}
}

unsigned config_host_check(const char *file, const struct config *config, bool strict, FILE *out)
{
	struct report r = {.file = file, .strict = strict, .out = out};

	become_service_user();
	user_name(r.user, sizeof(r.user));
	check_file(&r);
	if (!config_logs_to_stdout(config))
		check_log(&r, config->path);
	check_addresses(&r, config);
	return r.n;
}
