/* SPDX-License-Identifier: MIT */
/* What is not well with a daemon that runs, for `echo-logctl status`. */
#ifndef ECHO_LOGD_CTL_PROBLEMS_H
#define ECHO_LOGD_CTL_PROBLEMS_H

#include <stdio.h>

#include "ipc/scoreboard.h"

/* `log-stalled`, `message-limit`, `reload-refused`, and each kind of shortage. */
#define PROBLEMS_MAX (3 + N_SHORTAGES)

struct problems {
	unsigned n;
	struct problem {
		const char *name;	/* a stable word, listed in echo-logctl(1) */
		const char *text;	/* for people; NULL: the state of the log tells it */
		char reason[256];	/* any bytes */
	} problem[PROBLEMS_MAX];
};

/* LOG_ERRNO: why the log is stalled, or 0. */
void problems_read(const struct scoreboard *board, int log_errno, struct problems *ret_problems);

/* Prints a line for each problem but those of the log. */
void problems_print(const struct problems *problems, FILE *out);

/* Prints them as a JSON array. */
void problems_print_json(const struct problems *problems, FILE *out);

#endif
