/* SPDX-License-Identifier: MIT */
/*
 * What the master opens and its children inherit.  Data only: the master fills
 * it (listener.h makes the sockets), child.c says which role holds what.
 */
#ifndef ECHO_LOGD_DESCRIPTORS_H
#define ECHO_LOGD_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

/* As many as a socket unit may pass; the configuration names CONFIG_MAX_ADDRESSES at most. */
#define LISTENERS_MAX 128

/* The longest is "unix:" and a path. */
#define LISTENER_NAME_SIZE (sizeof("unix:") + sizeof(((struct sockaddr_un *)NULL)->sun_path))

struct listener {
	int fd;
	char name[LISTENER_NAME_SIZE];	/* "127.0.0.1:7" */
};

struct listeners {
	struct listener item[LISTENERS_MAX];
	unsigned n;
	bool are_passed;	/* systemd made them: see listeners_adopt() */
};

/* Each descriptor is -1 where there is none. */
struct descriptors {
	int log_read, log_write;	/* the log pipe: workers to logger */
	int stage_read, stage_write;	/* the stage pipe: logger to itself */
	int log_file;
	int doorbell;			/* eventfd: "look at the scoreboard", to the master */
	int logger_bell;		/* eventfd: "somebody waits for a receipt", to the logger */
	struct listeners listeners;
};

/* A struct descriptors that holds nothing. */
#define NO_DESCRIPTORS                                                                            \
	{.log_read = -1, .log_write = -1, .stage_read = -1, .stage_write = -1, .log_file = -1,    \
	 .doorbell = -1, .logger_bell = -1}

#endif
