/* SPDX-License-Identifier: MIT */
/*
 * One client with one message under way.  The socket blocks, so only send(2) and recv(2)
 * are measured: epoll_wait(2) would hide the differences between the servers.
 */
#include "load.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The timer of loadgen interrupts a blocking call (EINTR) several times a second. */
static bool may_go_on(uint64_t since, const struct plan *plan)
{
	return errno == EINTR && now_nsec() - since < plan->patience_nsec;
}

static const char *say(const struct plan *plan, int fd, const uint8_t *message, size_t size)
{
	uint64_t begin = now_nsec();

	for (size_t n = 0; n < size;) {
		ssize_t r = send(fd, message + n, size - n, MSG_NOSIGNAL);

		if (r < 0 && !may_go_on(begin, plan))
			return errno == EINTR ? "stalled: no room to send" : strerror(errno);
		n += r > 0 ? (size_t)r : 0;
	}
	return NULL;
}

static const char *receive(const struct plan *plan, int fd, uint8_t *answer, size_t size,
			   uint64_t *ret_when)
{
	uint64_t begin = now_nsec();

	for (size_t n = 0; n < size;) {
		ssize_t r = recv(fd, answer + n, size - n, 0);

		if (r == 0)
			return "closed by the server";
		if (r < 0 && !may_go_on(begin, plan))
			return errno == EINTR ? "stalled: no echo" : strerror(errno);
		n += r > 0 ? (size_t)r : 0;
	}
	*ret_when = now_nsec();
	return NULL;
}

const char *hear(const struct plan *plan, int fd, const uint8_t *message, size_t size,
		 uint64_t *ret_when)
{
	static uint8_t answer[MAX_MESSAGE];
	const char *error = receive(plan, fd, answer, size, ret_when);

	if (error)
		return error;
	return memcmp(answer, message, size) == 0 ? NULL : "another echo";
}

const char *ping(const struct plan *plan, int fd, const uint8_t *message, size_t size,
		 uint64_t *ret_nsec)
{
	uint64_t begin = now_nsec(), end;
	const char *error = say(plan, fd, message, size);

	if (!error)
		error = hear(plan, fd, message, size, &end);
	if (!error)
		*ret_nsec = end - begin;
	return error;
}

void run_pingpong(const struct plan *plan, struct report *report)
{
	const struct payload *payload = plan->payload;
	uint64_t begin, now, nsec;
	size_t at = payload_start(payload, 0);
	int fd = connect_server(plan, 0);
	/* The first echo is not measured: it shows how fast the server accepts a client. */
	const char *error = fd < 0 ? strerror(-fd) :
			    ping(plan, fd, payload->bytes + at, plan->size, &nsec);

	begin = now = now_nsec();
	report->begin_nsec = begin + plan->warmup_nsec;
	report->end_nsec = report->begin_nsec + plan->measured_nsec;
	while (!error && now < report->end_nsec) {
		error = ping(plan, fd, payload->bytes + at, plan->size, &nsec);
		now = now_nsec();
		if (!error && now >= report->begin_nsec && now < report->end_nsec) {
			histogram_add(&report->latency, nsec);
			report->messages++;
			report->bytes += plan->size;
		}
		at = (at + plan->size) % payload->n_bytes;
	}
	if (error)
		report_error(report, 0, error);
	if (fd >= 0)
		close(fd);
}
