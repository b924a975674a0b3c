/* SPDX-License-Identifier: MIT */
#include "logger/logfile_rotated.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "logger/logfile.h"

/* 9999-01-01: a name of that year or later is not ours, since no greater one might follow. */
#define END_OF_NAMES_USEC UINT64_C(253370764800000000)

/* ".20261122T210405.123456Z" and a NUL; the compiler counts with longer numbers. */
#define SUFFIX_SIZE 64

static void format_suffix(uint64_t time_usec, char suffix[SUFFIX_SIZE])
{
	time_t second = (time_t)(time_usec / 1000000);
	char date[sizeof("20261122T210405")];
	struct tm tm;

	gmtime_r(&second, &tm);
	strftime(date, sizeof(date), "%Y%m%dT%H%M%S", &tm);
	snprintf(suffix, SUFFIX_SIZE, ".%s.%06uZ", date, (unsigned)(time_usec % 1000000));
}

void logfile_name_aside(const char *path, uint64_t time_usec, char ret_name[PATH_MAX])
{
	char suffix[SUFFIX_SIZE];

	format_suffix(time_usec, suffix);
	snprintf(ret_name, PATH_MAX, "%s%s", path, suffix);
}

static unsigned number(const char *digits, size_t len)
{
	unsigned value = 0;

	for (size_t i = 0; i < len; i++)
		value = value * 10 + (unsigned)(digits[i] - '0');
	return value;
}

/* Returns the time in SUFFIX, or 0 if it is not one that logfile_name_aside() makes. */
static uint64_t suffix_time(const char *suffix)
{
	static const char pattern[] = ".ddddddddTdddddd.ddddddZ";
	char again[SUFFIX_SIZE];
	uint64_t time_usec;
	struct tm tm = {0};

	if (strlen(suffix) != LOGFILE_SUFFIX_LEN)
		return 0;
	for (size_t i = 0; i < LOGFILE_SUFFIX_LEN; i++)
		if (pattern[i] == 'd' ? !isdigit((unsigned char)suffix[i])
				      : suffix[i] != pattern[i])
			return 0;
	tm.tm_year = (int)number(suffix + 1, 4) - 1900;
	tm.tm_mon = (int)number(suffix + 5, 2) - 1;
	tm.tm_mday = (int)number(suffix + 7, 2);
	tm.tm_hour = (int)number(suffix + 10, 2);
	tm.tm_min = (int)number(suffix + 12, 2);
	tm.tm_sec = (int)number(suffix + 14, 2);
	if (tm.tm_year < 70)
		return 0;
	time_usec = (uint64_t)timegm(&tm) * 1000000 + number(suffix + 17, 6);
	/* timegm(3) accepts a 32nd of January. */
	format_suffix(time_usec, again);
	return time_usec < END_OF_NAMES_USEC && strcmp(suffix, again) == 0 ? time_usec : 0;
}

/* scandir(3) passes no context.  The master is the only caller, and has one thread. */
static const char *base_name;

static int has_our_name(const struct dirent *entry)
{
	size_t len = strlen(base_name);

	return strncmp(entry->d_name, base_name, len) == 0 && suffix_time(entry->d_name + len) > 0;
}

/*
 * Lists the entries beside REAL that have the name of a rotated file, the
 * oldest first.  Returns their number or -errno; *RET_DIR_FD and *RET_FOUND
 * are the caller's.
 */
static int list_rotated(const char *real, int *ret_dir_fd, struct dirent ***ret_found)
{
	const char *slash = strrchr(real, '/');
	char directory[PATH_MAX];
	int dir_fd, n;

	snprintf(directory, sizeof(directory), "%.*s", (int)(slash - real + 1), real);
	base_name = slash + 1;
	dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	/* In the C locale, so bytewise, and for these names that is by time. */
	n = scandirat(dir_fd, ".", ret_found, has_our_name, alphasort);
	if (n < 0) {
		n = -errno;
		close(dir_fd);
		return n;
	}
	*ret_dir_fd = dir_fd;
	return n;
}

static void free_list(int n, int dir_fd, struct dirent **found)
{
	for (int i = 0; i < n; i++)
		free(found[i]);
	free(found);
	close(dir_fd);
}

/* The newest name beside REAL.  A directory may hold many files, so it is read only once. */
static struct {
	char real[PATH_MAX];
	uint64_t time_usec;
} newest;

static void find_newest(const char *real)
{
	struct dirent **found;
	int dir_fd, n = list_rotated(real, &dir_fd, &found);

	newest.real[0] = '\0';
	newest.time_usec = 0;
	/* Without a listing, EEXIST still protects the files. */
	if (n < 0)
		return;
	strcpy(newest.real, real);
	if (n > 0)
		newest.time_usec = suffix_time(found[n - 1]->d_name + strlen(base_name));
	free_list(n, dir_fd, found);
}

/* Now, or later if there is a later name. */
static uint64_t next_time(const char *real)
{
	uint64_t now = clock_realtime_usec();

	if (strcmp(newest.real, real) != 0)
		find_newest(real);
	return now > newest.time_usec ? now : newest.time_usec + 1;
}

/* Returns 0 or -errno; -EEXIST if there is a file TO. */
static int rename_to_free_name(const char *from, const char *to)
{
	struct stat st;

	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* Some file systems know no flags (NFS, 9p, FUSE), and some sandboxes not this call. */
	if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP && errno != EPERM)
		return -errno;
	/*
	 * link(2) and unlink(2) would be as careful, but a kill between the two leaves two names.
	 * Nobody but this service makes files with such names.
	 */
	if (lstat(to, &st) == 0)
		return -EEXIST;
	if (errno != ENOENT)
		return -errno;
	return rename(from, to) < 0 ? -errno : 0;
}

static int set_aside(const char *path, const char *mark, char ret_name[PATH_MAX])
{
	char real[PATH_MAX];
	uint64_t time_usec;
	int r;

	snprintf(ret_name, PATH_MAX, "%s", path);
	r = logfile_resolve(path, real);
	if (r == 0 && strlen(real) + LOGFILE_SUFFIX_LEN + strlen(mark) >= PATH_MAX)
		r = -ENAMETOOLONG;
	if (r < 0)
		return r;
	for (time_usec = next_time(real);; time_usec++) {
		logfile_name_aside(real, time_usec, ret_name);
		strcat(ret_name, mark);
		r = rename_to_free_name(real, ret_name);
		if (r == 0)
			newest.time_usec = time_usec;
		if (r != -EEXIST)
			return r;
	}
}

int logfile_set_aside(const char *path, char ret_name[PATH_MAX])
{
	return set_aside(path, "", ret_name);
}

int logfile_set_foreign_aside(const char *path, char ret_name[PATH_MAX])
{
	return set_aside(path, LOGFILE_FOREIGN, ret_name);
}

int logfile_put_back(const char *name, const char *path)
{
	char real[PATH_MAX];
	int r = logfile_resolve(path, real);

	return r < 0 ? r : rename_to_free_name(name, real);
}

static bool is_regular(int dir_fd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_REG;
	return fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode);
}

int logfile_prune(const char *path, unsigned keep)
{
	int n, deleted = 0, dir_fd, r;
	char real[PATH_MAX];
	struct dirent **found;
	unsigned n_files = 0;

	r = logfile_resolve(path, real);
	n = r < 0 ? r : list_rotated(real, &dir_fd, &found);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		n_files += is_regular(dir_fd, found[i]);
	for (int i = 0; i < n && n_files > keep; i++) {
		if (!is_regular(dir_fd, found[i]))
			continue;
		n_files--;
		if (unlinkat(dir_fd, found[i]->d_name, 0) == 0)
			deleted++;
		else if (r == 0)
			r = -errno;
	}
	free_list(n, dir_fd, found);
	return r < 0 ? r : deleted;
}
