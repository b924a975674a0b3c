/* SPDX-License-Identifier: MIT */
/* Clients that connect, send one message, get its echo and close.  Then the next one connects. */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "held.h"

#define LOOK_NSEC (NSEC_PER_SEC / 5)
#define MAX_ERRORS 1000		/* then give up, because the server refuses all clients */

struct guest {
	int fd;
	unsigned visit;
	bool has_sent;
	size_t received;
	uint64_t begin_nsec;
};

static struct guest *guests;
static unsigned n_visits;
static int epoll_fd;

static const uint8_t *words_of(const struct plan *plan, const struct guest *g)
{
	return plan->payload->bytes + payload_start(plan->payload, g->visit);
}

static void leave(struct guest *g)
{
	close(g->fd);
	g->fd = -1;
}

static void lose(struct report *report, struct guest *g, const char *error)
{
	report_error(report, g->visit, error);
	leave(g);
}

/* On loopback a socket is mostly connected when connect(2) returns, so this sends at once. */
static void send_words(const struct plan *plan, struct report *report, struct guest *g)
{
	ssize_t n = send(g->fd, words_of(plan, g), plan->size, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n == (ssize_t)plan->size)
		g->has_sent = true;
	else if (n >= 0)
		lose(report, g, "a message does not fit into the socket");
	else if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN)
		lose(report, g, strerror(errno));
}

static void come(const struct plan *plan, struct report *report, struct guest *g)
{
	*g = (struct guest){.visit = n_visits++, .begin_nsec = now_nsec()};
	g->fd = connect_server(plan, SOCK_NONBLOCK);
	if (g->fd < 0) {
		report_error(report, g->visit, strerror(-g->fd));
		return;
	}
	send_words(plan, report, g);
	if (g->fd < 0)
		return;
	struct epoll_event event = {.events = g->has_sent ? EPOLLIN : EPOLLOUT,
				    .data.u32 = (uint32_t)(g - guests)};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, g->fd, &event) < 0) {
		perror("loadgen: epoll_ctl");
		exit(2);
	}
}

static void hear_words(const struct plan *plan, struct report *report, struct guest *g)
{
	uint8_t echo[4096];
	size_t rest = plan->size - g->received;
	/* One byte more than is expected, to find echoes that are too long. */
	ssize_t n = recv(g->fd, echo, rest < sizeof(echo) ? rest + 1 : sizeof(echo), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		lose(report, g, strerror(errno));
	} else if (n == 0) {
		lose(report, g, "closed by the server");
	} else if ((size_t)n > rest ||
		   memcmp(echo, words_of(plan, g) + g->received, (size_t)n) != 0) {
		lose(report, g, "another echo");
	} else if ((g->received += (size_t)n) == plan->size) {
		uint64_t now = now_nsec();

		leave(g);
		if (now >= report->begin_nsec && now < report->end_nsec) {
			report->messages++;
			report->bytes += plan->size;
			histogram_add(&report->latency, now - g->begin_nsec);
		}
	}
}

static void serve(const struct plan *plan, struct report *report, struct guest *g)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)(g - guests)};

	if (g->has_sent) {
		hear_words(plan, report, g);
		return;
	}
	send_words(plan, report, g);
	if (g->fd >= 0 && g->has_sent)
		epoll_ctl(epoll_fd, EPOLL_CTL_MOD, g->fd, &event);
}

static void look_for_stalls(const struct plan *plan, struct report *report, uint64_t now)
{
	for (unsigned i = 0; i < plan->clients; i++)
		if (guests[i].fd >= 0 && now > guests[i].begin_nsec + plan->patience_nsec)
			lose(report, &guests[i], guests[i].has_sent ? "stalled: no echo" :
			     "stalled: not connected");
}

static unsigned count_present(const struct plan *plan)
{
	unsigned n = 0;

	for (unsigned i = 0; i < plan->clients; i++)
		n += guests[i].fd >= 0;
	return n;
}

static void serve_all(const struct plan *plan, struct report *report)
{
	struct epoll_event events[256];
	uint64_t now = now_nsec(), next_look = now + LOOK_NSEC;

	while (report->errors < MAX_ERRORS) {
		for (unsigned i = 0; i < plan->clients && now < report->end_nsec; i++)
			if (guests[i].fd < 0)
				come(plan, report, &guests[i]);
		/* After the end, clients that are still connected are served. */
		if (now >= report->end_nsec && count_present(plan) == 0)
			return;
		int n = epoll_wait(epoll_fd, events, 256, 50);

		for (int i = 0; i < n; i++)
			if (guests[events[i].data.u32].fd >= 0)
				serve(plan, report, &guests[events[i].data.u32]);
		now = now_nsec();
		held_talk(plan, report, now);
		if (now >= next_look) {
			look_for_stalls(plan, report, now);
			next_look = now + LOOK_NSEC;
		}
	}
}

void run_arrivals(const struct plan *plan, struct report *report)
{
	guests = calloc(plan->clients, sizeof(*guests));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!guests || epoll_fd < 0) {
		perror("loadgen");
		exit(2);
	}
	for (unsigned i = 0; i < plan->clients; i++)
		guests[i].fd = -1;
	report->begin_nsec = now_nsec() + plan->warmup_nsec;
	report->end_nsec = report->begin_nsec + plan->measured_nsec;
	serve_all(plan, report);
	for (unsigned i = 0; i < plan->clients; i++)
		if (guests[i].fd >= 0)
			leave(&guests[i]);
	free(guests);
	close(epoll_fd);
}
