/* SPDX-License-Identifier: MIT */
#include "held.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TALK_BYTES ((size_t)64)

struct held {
	int fd;			/* -1: lost, and already reported */
	const uint8_t *awaited;	/* TALK_BYTES that were sent and are not yet echoed, or NULL */
};

static struct held *held;
static unsigned n_held, next_to_talk;
static uint64_t next_talk_nsec;

static const uint8_t *words_of(const struct plan *plan, unsigned number, unsigned turn)
{
	size_t n = plan->payload->n_bytes / TALK_BYTES;

	return plan->payload->bytes + (number + turn * UINT64_C(4099)) % n * TALK_BYTES;
}

static void lose(struct report *report, unsigned number, const char *error)
{
	report_error(report, number, error);
	close(held[number].fd);
	held[number].fd = -1;
}

void held_open(const struct plan *plan, struct report *report)
{
	uint64_t nsec;

	held = calloc(plan->held, sizeof(*held));
	if (!held) {
		perror("loadgen");
		exit(2);
	}
	for (; n_held < plan->held; n_held++) {
		struct held *h = &held[n_held];

		h->fd = connect_server(plan, 0);
		if (h->fd < 0) {
			report_error(report, n_held, strerror(-h->fd));
			return;
		}
		const char *error = ping(plan, h->fd, words_of(plan, n_held, 0), TALK_BYTES, &nsec);

		if (error) {
			lose(report, n_held++, error);
			return;
		}
	}
}

/* Reads the echo of what client NUMBER sent in the last round, and sends something new. */
static void talk(const struct plan *plan, struct report *report, unsigned number)
{
	struct held *h = &held[number];
	uint8_t echo[TALK_BYTES];
	static unsigned turn;

	if (h->fd < 0)
		return;
	if (h->awaited) {
		ssize_t n = recv(h->fd, echo, TALK_BYTES, MSG_DONTWAIT);

		if (n != (ssize_t)TALK_BYTES || memcmp(echo, h->awaited, TALK_BYTES) != 0) {
			lose(report, number, n < 0 ? "held: no echo" : n == 0 ?
			     "held: closed by the server" : "held: another echo");
			return;
		}
	}
	h->awaited = words_of(plan, number, ++turn);
	if (send(h->fd, h->awaited, TALK_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)TALK_BYTES)
		lose(report, number, "held: cannot send");
}

void held_talk(const struct plan *plan, struct report *report, uint64_t now)
{
	if (n_held == 0 || plan->ping_nsec == 0)
		return;
	if (next_talk_nsec == 0)
		next_talk_nsec = now;
	while (next_talk_nsec <= now) {
		talk(plan, report, next_to_talk);
		next_to_talk = (next_to_talk + 1) % n_held;
		next_talk_nsec += plan->ping_nsec / n_held;
	}
}

void held_finish(const struct plan *plan, struct report *report)
{
	uint64_t nsec;

	for (unsigned i = 0; i < n_held; i++) {
		if (held[i].fd < 0)
			continue;
		const char *error = NULL;

		if (held[i].awaited)
			error = hear(plan, held[i].fd, held[i].awaited, TALK_BYTES, &nsec);
		if (!error)
			error = ping(plan, held[i].fd, words_of(plan, i, 1), TALK_BYTES, &nsec);
		if (error)
			lose(report, i, error);
	}
	for (unsigned i = 0; i < n_held; i++)
		if (held[i].fd >= 0)
			close(held[i].fd);
	free(held);
}
