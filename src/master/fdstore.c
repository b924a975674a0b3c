/* SPDX-License-Identifier: MIT */
#include "master/fdstore.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/crash_point.h"
#include "master/systemd.h"

/*
 * Before each name in the store.  A socket unit may choose any name for its sockets with
 * FileDescriptorName=, but hardly this one.
 */
#define PREFIX "echo-logd/"
#define LOG_PIPE "log-pipe"
#define STAGE_PIPE "stage-pipe"
#define LOG_FILE "log-file-"
#define SCOREBOARD "scoreboard"
#define SPILL "spill"

#define NAME_SIZE 48
#define STATE_SIZE 128

/*
 * The number in the name of the stored log file.  It only rises: of two stored
 * files, the next master takes the one with the higher number.
 */
static unsigned long log_file_number;

static void replace_fd(int fd, int *ret_fd)
{
	if (*ret_fd >= 0)
		close(*ret_fd);
	*ret_fd = fd;
}

/* Whether FD has the kind in MODE, S_IFIFO for example, inode(7). */
static bool is_kind(int fd, mode_t mode)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == mode;
}

/* A named FIFO of a socket unit is open for reading and writing. */
static bool is_pipe_end(int fd)
{
	return is_kind(fd, S_IFIFO) && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR;
}

static void take_pipe_end(int fd, int *read_fd, int *write_fd)
{
	replace_fd(fd, (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY ? read_fd : write_fd);
}

static void name_log_file(char name[NAME_SIZE], unsigned long number)
{
	snprintf(name, NAME_SIZE, LOG_FILE "%lu", number);
}

static void store(const char *name, const int *fds, unsigned n)
{
	char state[STATE_SIZE];

	snprintf(state, sizeof(state), "FDSTORE=1\nFDPOLL=0\nFDNAME=" PREFIX "%s", name);
	systemd_tell_with_fds(state, fds, n);
}

/* Version 0.1.0 stored them without the prefix. */
static void remove_stored(const char *name)
{
	char state[STATE_SIZE];

	snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=" PREFIX "%s", name);
	systemd_tell(state);
	snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	systemd_tell(state);
}

static void remove_log_file(unsigned long number)
{
	char name[NAME_SIZE];

	name_log_file(name, number);
	remove_stored(name);
}

/*
 * If the last master was killed between storing one file and removing the other, there are
 * two: keeps the newer.
 */
static void take_log_file(int fd, const char *name, int *log_file)
{
	unsigned long number = strtoul(name + strlen(LOG_FILE), NULL, 10);

	if (*log_file >= 0 && number < log_file_number) {
		close(fd);
		remove_log_file(number);
		return;
	}
	if (*log_file >= 0) {
		close(*log_file);
		remove_log_file(log_file_number);
	}
	*log_file = fd;
	log_file_number = number;
}

static void take_socket(int fd, const char *name, struct kept *kept)
{
	struct passed *passed = &kept->passed[kept->n_passed];

	if (kept->n_passed++ >= LISTENERS_MAX) {
		close(fd);
		return;
	}
	passed->fd = fd;
	snprintf(passed->name, sizeof(passed->name), "%s", name);
}

/* Takes FD if NAME is one of the store and FD is of that kind.  Returns whether it did. */
static bool take_stored(int fd, const char *name, struct descriptors *fds, struct kept *kept)
{
	if (strcmp(name, LOG_PIPE) == 0 && is_pipe_end(fd))
		take_pipe_end(fd, &fds->log_read, &fds->log_write);
	else if (strcmp(name, STAGE_PIPE) == 0 && is_pipe_end(fd))
		take_pipe_end(fd, &fds->stage_read, &fds->stage_write);
	else if (strncmp(name, LOG_FILE, strlen(LOG_FILE)) == 0 && is_kind(fd, S_IFREG))
		take_log_file(fd, name, &fds->log_file);
	else if (strcmp(name, SCOREBOARD) == 0 && is_kind(fd, S_IFREG))
		replace_fd(fd, &kept->scoreboard_fd);
	else if (strcmp(name, SPILL) == 0 && is_kind(fd, S_IFREG))
		replace_fd(fd, &kept->spill_fd);
	else
		return false;
	return true;
}

static void take_one(int fd, const char *name, struct descriptors *fds, struct kept *kept)
{
	bool has_prefix = strncmp(name, PREFIX, strlen(PREFIX)) == 0;

	if (!take_stored(fd, has_prefix ? name + strlen(PREFIX) : name, fds, kept))
		take_socket(fd, name, kept);
}

bool fdstore_take(struct descriptors *fds, struct kept *ret_kept)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	*ret_kept = (struct kept){.scoreboard_fd = -1, .spill_fd = -1};
	for (int i = 0; i < n; i++) {
		take_one(SD_LISTEN_FDS_START + i, names[i], fds, ret_kept);
		free(names[i]);
	}
	free(names);
	return fds->log_read >= 0 && fds->log_write >= 0 && fds->stage_read >= 0 &&
	       fds->stage_write >= 0;
}

void fdstore_put_pipes(const struct descriptors *fds)
{
	/* Both ends in one message: a kill between two messages would leave half a pipe. */
	const int log_pipe[] = {fds->log_read, fds->log_write};
	const int stage_pipe[] = {fds->stage_read, fds->stage_write};

	/* If an earlier master stored half a pipe, the next master would mix it with these. */
	remove_stored(LOG_PIPE);
	remove_stored(STAGE_PIPE);
	store(LOG_PIPE, log_pipe, 2);
	crash_point("master-half-stored");
	store(STAGE_PIPE, stage_pipe, 2);
}

void fdstore_put_scoreboard(int fd)
{
	remove_stored(SCOREBOARD);
	store(SCOREBOARD, &fd, 1);
}

void fdstore_put_log_file(int fd)
{
	unsigned long last = log_file_number++;
	char name[NAME_SIZE];

	name_log_file(name, log_file_number);
	if (fd >= 0)
		store(name, &fd, 1);
	crash_point("master-file-stored");
	remove_log_file(last);
}

void fdstore_put_spill(int fd)
{
	store(SPILL, &fd, 1);
	systemd_wait();
}

void fdstore_drop_spill(void)
{
	remove_stored(SPILL);
}
