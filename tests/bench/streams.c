/* SPDX-License-Identifier: MIT */
/*
 * Clients that are active at the same time.  Each has up to a window of bytes under way.
 * With a window of one message, each waits for an echo before the next message.
 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "held.h"

#define BUFFER ((size_t)256 * 1024)
#define LOOK_NSEC (NSEC_PER_SEC / 5)	/* how often to look for clients that stall */

struct client {
	int fd;				/* -1: ended */
	size_t start;			/* offset of its first byte in the ring */
	uint64_t sent, received;
	uint64_t sent_nsec;		/* when the last message began */
	uint64_t progress_nsec;		/* when it last made progress, or waited for nothing */
	uint32_t events;
	bool half_closed;
};

static struct client *clients;
static unsigned n_active;
static int epoll_fd;
static bool is_draining;		/* no new message begins */

static unsigned number_of(const struct client *c)
{
	return (unsigned)(c - clients);
}

static void end(struct client *c)
{
	close(c->fd);
	c->fd = -1;
	n_active--;
}

static void lose(struct report *report, struct client *c, const char *error)
{
	report_error(report, number_of(c), error);
	end(c);
}

static void watch(struct client *c, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u32 = number_of(c)};

	if (c->events == events)
		return;
	if (epoll_ctl(epoll_fd, c->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &event) < 0) {
		perror("loadgen: epoll_ctl");
		exit(2);
	}
	c->events = events;
}

/* How much may be sent now: the rest of a message, or a whole new one. */
static size_t sendable(const struct plan *plan, const struct client *c)
{
	size_t rest = plan->size - c->sent % plan->size;

	if (rest < plan->size)
		return rest;
	if (is_draining || (plan->limit && c->sent >= plan->limit))
		return 0;
	return c->sent - c->received + plan->size <= plan->window ? plan->size : 0;
}

/* Counts N more bytes that came back, or, if the server does not echo, that were sent. */
static void count(const struct plan *plan, struct report *report, struct client *c, size_t n)
{
	uint64_t now = now_nsec(), before = c->received;

	c->received += n;
	c->progress_nsec = now;
	if (now < report->begin_nsec || now >= report->end_nsec)
		return;
	report->bytes += n;
	report->messages += c->received / plan->size - before / plan->size;
	if (c->received == c->sent && plan->window == plan->size && c->sent % plan->size == 0)
		histogram_add(&report->latency, now - c->sent_nsec);
}

/* Returns true if the socket is full. */
static bool send_some(const struct plan *plan, struct report *report, struct client *c)
{
	size_t n;

	while ((n = sendable(plan, c)) > 0) {
		if (c->sent % plan->size == 0)
			c->sent_nsec = now_nsec();
		size_t at = (c->start + c->sent) % plan->payload->n_bytes;
		ssize_t r = send(c->fd, plan->payload->bytes + at, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (r < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (r < 0) {
			lose(report, c, strerror(errno));
			return false;
		}
		if (!plan->echoes || c->sent == c->received)
			c->progress_nsec = c->sent_nsec;
		c->sent += (size_t)r;
		if (!plan->echoes)
			count(plan, report, c, (size_t)r);
	}
	return false;
}

static void receive_some(const struct plan *plan, struct report *report, struct client *c)
{
	static uint8_t buffer[BUFFER];
	ssize_t n = recv(c->fd, buffer, sizeof(buffer), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		lose(report, c, strerror(errno));
	else if (n == 0 && c->half_closed && c->received == c->sent)
		end(c);
	else if (n == 0)
		lose(report, c, "closed by the server");
	else if (c->received + (size_t)n > c->sent ||
		 !payload_matches(plan->payload, c->start + c->received, buffer, (size_t)n))
		lose(report, c, "another echo");
	else
		count(plan, report, c, (size_t)n);
}

static void serve(const struct plan *plan, struct report *report, struct client *c, uint32_t events)
{
	if (events & ~(uint32_t)EPOLLOUT)
		receive_some(plan, report, c);
	if (c->fd < 0)
		return;
	bool is_full = send_some(plan, report, c);

	if (c->fd < 0)
		return;
	if (c->sent == c->received && sendable(plan, c) == 0 && !c->half_closed &&
	    (is_draining || plan->limit)) {
		/* When the server then closes too, it has read everything. */
		shutdown(c->fd, SHUT_WR);
		c->half_closed = true;
	}
	watch(c, is_full ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void open_clients(const struct plan *plan, struct report *report)
{
	clients = calloc(plan->clients, sizeof(*clients));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!clients || epoll_fd < 0) {
		perror("loadgen");
		exit(2);
	}
	for (unsigned i = 0; i < plan->clients; i++) {
		struct client *c = &clients[i];

		*c = (struct client){.fd = connect_server(plan, 0),
				     .start = payload_start(plan->payload, i)};
		if (c->fd < 0)
			report_error(report, i, strerror(-c->fd));
		else
			n_active++;
	}
}

static void look_for_stalls(const struct plan *plan, struct report *report, uint64_t now)
{
	for (unsigned i = 0; i < plan->clients; i++) {
		struct client *c = &clients[i];

		if (c->fd >= 0 && now > c->progress_nsec + plan->patience_nsec)
			lose(report, c,
			     c->half_closed ? "stalled: no end of file" : "stalled: no echo");
	}
}

/* The measured time is over: clients wait for the echoes under way, and then close. */
static void begin_to_drain(const struct plan *plan, struct report *report)
{
	is_draining = true;
	for (unsigned i = 0; i < plan->clients; i++)
		if (clients[i].fd >= 0)
			serve(plan, report, &clients[i], EPOLLOUT);
}

static void serve_all(const struct plan *plan, struct report *report)
{
	struct epoll_event events[256];
	uint64_t now = now_nsec(), next_look = now + LOOK_NSEC;
	/* The server may echo for ever, so the wait has an end. */
	uint64_t deadline = report->end_nsec + plan->patience_nsec;

	while (n_active > 0 && now < deadline) {
		int n = epoll_wait(epoll_fd, events, 256, 50);

		for (int i = 0; i < n; i++)
			if (clients[events[i].data.u32].fd >= 0)
				serve(plan, report, &clients[events[i].data.u32], events[i].events);
		now = now_nsec();
		held_talk(plan, report, now);
		if (now >= report->end_nsec && !is_draining && !plan->limit)
			begin_to_drain(plan, report);
		if (now >= next_look) {
			look_for_stalls(plan, report, now);
			next_look = now + LOOK_NSEC;
		}
	}
	for (unsigned i = 0; i < plan->clients; i++)
		if (clients[i].fd >= 0)
			lose(report, &clients[i], "not done in time");
}

void run_streams(const struct plan *plan, struct report *report)
{
	open_clients(plan, report);
	uint64_t begin = now_nsec();

	report->begin_nsec = begin + plan->warmup_nsec;
	report->end_nsec = report->begin_nsec + plan->measured_nsec;
	for (unsigned i = 0; i < plan->clients; i++) {
		clients[i].progress_nsec = begin;
		if (clients[i].fd >= 0)
			serve(plan, report, &clients[i], EPOLLOUT);
	}
	serve_all(plan, report);
	if (plan->limit)
		report->end_nsec = now_nsec();
	free(clients);
	close(epoll_fd);
}
