/* SPDX-License-Identifier: MIT */
/*
 * The descriptors that the master opens and its children inherit.  Data only:
 * the master fills it in (listener.h creates the sockets), and child.h has
 * the table of the descriptors that each role keeps.
 */
#ifndef ECHO_LOGD_DESCRIPTORS_H
#define ECHO_LOGD_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

/* The most that we accept from a socket unit; a configuration has CONFIG_MAX_ADDRESSES. */
#define LISTENERS_MAX 128

/* In bytes, including the NUL.  The longest name is "unix:" and a path. */
#define LISTENER_NAME_SIZE (sizeof("unix:") + sizeof(((struct sockaddr_un *)NULL)->sun_path))

struct listener {
	int fd;
	char name[LISTENER_NAME_SIZE];	/* "127.0.0.1:7" */
	bool is_leaving;		/* a reload removed it, see listener_leave.h */
	uint64_t open_until_usec;	/* leaving: not closed before; monotonic */
	uint64_t close_at_usec;		/* leaving: closed then even if clients wait; monotonic */
};

struct listeners {
	struct listener item[LISTENERS_MAX];
	unsigned n;
	bool are_passed;	/* systemd created them, see listeners_adopt() */
};

/* A descriptor that does not exist is -1. */
struct descriptors {
	int log_read, log_write;	/* the log pipe: workers to logger */
	int stage_read, stage_write;	/* the stage pipe: see pipe_bytes() for who may look */
	int log_file;
	int doorbell;			/* eventfd: tells the master to check the scoreboard */
	int logger_bell;		/* eventfd: tells the logger that a worker waits */
	struct listeners listeners;
};

/* The initial value of a struct descriptors. */
#define NO_DESCRIPTORS                                                                            \
	{.log_read = -1, .log_write = -1, .stage_read = -1, .stage_write = -1, .log_file = -1,    \
	 .doorbell = -1, .logger_bell = -1}

#endif
