/* SPDX-License-Identifier: MIT */
/*
 * What the modes of loadgen share: the plan, which the command line gives, the
 * report, which is printed as one line, the clock and the sockets.
 */
#ifndef ECHO_LOGD_TESTS_BENCH_LOAD_H
#define ECHO_LOGD_TESTS_BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "payload.h"

#define NSEC_PER_SEC UINT64_C(1000000000)
#define MAX_MESSAGE ((size_t)1024 * 1024)

struct plan {
	struct sockaddr_in server;
	unsigned clients;	/* active at once */
	unsigned held;		/* opened before and held until the end */
	size_t size;		/* bytes of a message, or of a send */
	size_t window;		/* bytes of each client that may be under way */
	uint64_t warmup_nsec, measured_nsec;
	uint64_t limit;		/* bytes for each client instead of a time; 0: none */
	uint64_t ping_nsec;	/* interval in which each held client talks once; 0: never */
	uint64_t patience_nsec;	/* time limit for everything */
	unsigned sources;	/* local addresses 127.0.0.2 and up; 0: the kernel's choice */
	bool echoes;		/* the server sends everything back */
	const struct payload *payload;
};

struct report {
	uint64_t begin_nsec, end_nsec;	/* of the measurement */
	uint64_t messages, bytes;
	uint64_t errors;
	char first_error[128];
	struct histogram latency;
};

/* The modes.  Each returns when its time is over, or earlier if nothing is left to do. */
void run_pingpong(const struct plan *plan, struct report *report);	/* one client */
void run_streams(const struct plan *plan, struct report *report);
void run_arrivals(const struct plan *plan, struct report *report);

uint64_t now_nsec(void);

/* Counts an error of client NUMBER.  The first one is printed in the output. */
void report_error(struct report *report, unsigned number, const char *what);

/* Returns a connected socket (with SOCK_NONBLOCK in FLAGS: a connecting one), or -errno. */
int connect_server(const struct plan *plan, int flags);

/*
 * Sends SIZE bytes on a blocking socket and waits for the echo.  Returns NULL, and in
 * *RET_NSEC the time it took; or else the error, in words.
 */
const char *ping(const struct plan *plan, int fd, const uint8_t *message, size_t size,
		 uint64_t *ret_nsec);

/* The second half of ping(): waits for the echo of MESSAGE.  *RET_WHEN is when it came. */
const char *hear(const struct plan *plan, int fd, const uint8_t *message, size_t size,
		 uint64_t *ret_when);

#endif
