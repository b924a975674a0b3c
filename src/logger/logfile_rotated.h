/* SPDX-License-Identifier: MIT */
/*
 * Rotated files of the message log: their names, and how many of them are
 * kept.  If the path of the log is a symbolic link, all this happens where it
 * leads: rotated files are beside the real file and named after it.
 *
 * Names rise: a file that is rotated later has the greater name, whatever the
 * clock does.  So the order of the names is the order of the files, and the
 * oldest is the first.
 *
 * Called by the master only.
 */
#ifndef ECHO_LOGD_LOGFILE_ROTATED_H
#define ECHO_LOGD_LOGFILE_ROTATED_H

#include <limits.h>
#include <stdint.h>

/* A rotated file has the name of the log and this many bytes: ".20261122T210405.123456Z". */
#define LOGFILE_SUFFIX_LEN 24

/* What follows that in the name of a file that was not rotated, but was in the way. */
#define LOGFILE_FOREIGN ".foreign"

/* The name of a file that is rotated at TIME_USEC: "PATH.20261122T210405.123456Z". */
void logfile_name_aside(const char *path, uint64_t time_usec, char ret_name[PATH_MAX]);

/*
 * Renames the file to which PATH leads.  The time in the new name is now, or
 * a microsecond after that of the newest rotated file if that is later.  No
 * file is replaced.  Returns 0, or -errno with the last name that was tried;
 * either way the name is in RET_NAME.
 */
int logfile_set_aside(const char *path, char ret_name[PATH_MAX]);

/*
 * The same for a file that is not a log of this service's format.  Its name
 * ends with LOGFILE_FOREIGN, and logfile_prune() never deletes it.
 */
int logfile_set_foreign_aside(const char *path, char ret_name[PATH_MAX]);

/* Gives the file NAME back the name to which PATH leads, if that is free.  Returns 0 or -errno. */
int logfile_put_back(const char *name, const char *path);

/*
 * Deletes the oldest of the files that logfile_set_aside() named after the
 * file to which PATH leads, until KEEP of them, at least 1, are left.  Touches
 * no other file.  A file that cannot be deleted stays, and the others are
 * deleted all the same.  Returns how many it deleted, or the first -errno.
 */
int logfile_prune(const char *path, unsigned keep);

#endif
