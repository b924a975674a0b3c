/* SPDX-License-Identifier: MIT */
/*
 * load: clients that send streams, check every echoed byte, and write a ledger.
 *
 *   load --port P --ledger FILE [--host A] [--clients N] [--seconds S]
 *        [--size B] [--window B] [--kind random|text] [--connection-bytes B]
 *        [--seed N]
 *
 * Each client has up to --window bytes under way, sends --size bytes at a
 * time, closes the connection after --connection-bytes, and connects again.  It
 * also connects again when a connection is lost.  For each connection the ledger
 * gets a line "NUMBER SENT ECHOED END": bytes that the kernel accepted, bytes
 * that were echoed, and how it ended (whole, lost, stopped).  SIGTERM ends the
 * program early, and a wrong byte ends it at once.  Exit status: 0 for success,
 * 1 for a wrong echo, 2 for a wrong command line or an error of the system.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stream.h"

#define MAX_CLIENTS 20000
#define CHUNK ((size_t)64 * 1024)

struct client {
	int fd;			/* -1: not connected */
	uint64_t number, sent, echoed;
	uint64_t retry_usec;	/* when to connect, if not connected */
	bool half_closed;
	uint32_t events;	/* what epoll waits for */
};

static struct sockaddr_in address = {.sin_family = AF_INET};
static unsigned n_clients = 4;
static uint64_t seconds = 5, size = 64, window = 64, connection_bytes = 1 << 20, seed = 1;
static enum stream_kind kind = STREAM_RANDOM;
static FILE *ledger;
static int epoll_fd;
static uint64_t next_number, total_echoed, n_connections, n_lost, n_refused;
static struct client clients[MAX_CLIENTS];
static volatile sig_atomic_t stop_requested;

static void on_sigterm(int signo)
{
	(void)signo;
	stop_requested = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void finish(struct client *c, const char *end)
{
	if (c->sent > 0)
		fprintf(ledger, "%llx %llu %llu %s\n", (unsigned long long)c->number,
			(unsigned long long)c->sent, (unsigned long long)c->echoed, end);
	close(c->fd);
	c->fd = -1;
	c->retry_usec = 0;
	n_connections++;
}

static void lose(struct client *c)
{
	n_lost++;
	finish(c, "lost");
	/* The daemon may be down for a moment. */
	c->retry_usec = now_usec() + 20000;
}

static void watch(struct client *c, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u32 = (uint32_t)(c - clients)};

	if (c->events == events)
		return;
	if (epoll_ctl(epoll_fd, c->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &event) < 0)
		die("epoll_ctl");
	c->events = events;
}

static void start(struct client *c)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*c = (struct client){.fd = fd, .number = next_number++};
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno != EINPROGRESS) {
		lose(c);
		return;
	}
	watch(c, EPOLLIN | EPOLLOUT);
}

static uint64_t may_send(const struct client *c)
{
	uint64_t room = window - (c->sent - c->echoed), left = connection_bytes - c->sent;
	uint64_t n = room < left ? room : left;

	return n < size ? (n == left ? n : 0) : size;
}

static void send_some(struct client *c)
{
	static uint8_t buffer[1 << 20];
	uint64_t n;

	while (c->fd >= 0 && (n = may_send(c)) > 0) {
		ssize_t done;

		stream_fill(c->number, c->sent, buffer, n);
		done = send(c->fd, buffer, n, MSG_NOSIGNAL);
		if (done < 0 && (errno == EAGAIN || errno == ENOTCONN))
			return;
		if (done < 0) {
			lose(c);
			return;
		}
		c->sent += (uint64_t)done;
	}
	if (c->fd >= 0 && c->sent == connection_bytes && !c->half_closed) {
		c->half_closed = true;
		shutdown(c->fd, SHUT_WR);
	}
}

static void check(struct client *c, const uint8_t *got, size_t len)
{
	static uint8_t expected[CHUNK];

	stream_fill(c->number, c->echoed, expected, len);
	if (c->echoed + len > c->sent || memcmp(got, expected, len) != 0) {
		fprintf(stderr, "load: connection %llx: wrong echo near byte %llu\n",
			(unsigned long long)c->number, (unsigned long long)c->echoed);
		exit(1);
	}
	c->echoed += len;
	total_echoed += len;
}

static void receive_some(struct client *c)
{
	static uint8_t buffer[CHUNK];

	for (;;) {
		ssize_t n = recv(c->fd, buffer, sizeof(buffer), 0);

		if (n > 0) {
			check(c, buffer, (size_t)n);
			if ((size_t)n < sizeof(buffer))
				return;
			continue;
		}
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno == ECONNREFUSED)
			n_refused++;
		if (n == 0 && c->echoed == connection_bytes)
			finish(c, "whole");
		else
			lose(c);
		return;
	}
}

static void handle(struct client *c, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		receive_some(c);
	if (c->fd >= 0)
		send_some(c);
	if (c->fd >= 0)
		watch(c, may_send(c) > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void run(uint64_t until_usec)
{
	struct epoll_event events[256];
	uint64_t now;

	while (!stop_requested && (now = now_usec()) < until_usec) {
		for (unsigned i = 0; i < n_clients; i++)
			if (clients[i].fd < 0 && clients[i].retry_usec <= now)
				start(&clients[i]);
		int n = epoll_wait(epoll_fd, events, 256, 10);

		for (int i = 0; i < n; i++)
			if (clients[events[i].data.u32].fd >= 0)
				handle(&clients[events[i].data.u32], events[i].events);
	}
	/* What was already echoed counts too. */
	for (unsigned i = 0; i < n_clients; i++)
		if (clients[i].fd >= 0)
			receive_some(&clients[i]);
	for (unsigned i = 0; i < n_clients; i++)
		if (clients[i].fd >= 0)
			finish(&clients[i], "stopped");
}

static void parse_options(int argc, char *argv[])
{
	static const struct option options[] = {
		{"port", 1, NULL, 'p'}, {"host", 1, NULL, 'h'}, {"ledger", 1, NULL, 'l'},
		{"clients", 1, NULL, 'c'}, {"seconds", 1, NULL, 's'}, {"size", 1, NULL, 'b'},
		{"window", 1, NULL, 'w'}, {"kind", 1, NULL, 'k'},
		{"connection-bytes", 1, NULL, 'n'}, {"seed", 1, NULL, 'r'}, {0},
	};
	const char *path = NULL, *host = "127.0.0.1";
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0)
		switch (o) {
		case 'p': address.sin_port = htons((uint16_t)atoi(optarg)); break;
		case 'h': host = optarg; break;
		case 'l': path = optarg; break;
		case 'c': n_clients = (unsigned)atoi(optarg); break;
		case 's': seconds = strtoull(optarg, NULL, 0); break;
		case 'b': size = strtoull(optarg, NULL, 0); break;
		case 'w': window = strtoull(optarg, NULL, 0); break;
		case 'k': kind = strcmp(optarg, "text") == 0 ? STREAM_TEXT : STREAM_RANDOM; break;
		case 'n': connection_bytes = strtoull(optarg, NULL, 0); break;
		case 'r': seed = strtoull(optarg, NULL, 0); break;
		default: exit(2);
		}
	if (!path || !address.sin_port || n_clients > MAX_CLIENTS || size > 1 << 20 ||
	    inet_pton(AF_INET, host, &address.sin_addr) != 1) {
		fprintf(stderr, "load: --port and --ledger are needed; see the top of load.c\n");
		exit(2);
	}
	if (window < size)
		window = size;
	/* Kind, 27 bits of seed and 32 bits of count: different for each connection of a test. */
	next_number = (seed & 0x7ffffff) << 32 | (kind == STREAM_TEXT ? STREAM_TEXT_BIT : 0);
	ledger = fopen(path, "a");
	if (!ledger)
		die(path);
}

int main(int argc, char *argv[])
{
	uint64_t begin;

	parse_options(argc, argv);
	signal(SIGTERM, on_sigterm);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll_create1");
	for (unsigned i = 0; i < n_clients; i++)
		clients[i].fd = -1;
	begin = now_usec();
	run(begin + seconds * 1000000);
	if (fclose(ledger) != 0)
		die("ledger");
	printf("connections %llu lost %llu echoed %llu bytes %.1f MB/s refused %llu\n",
	       (unsigned long long)n_connections, (unsigned long long)n_lost,
	       (unsigned long long)total_echoed,
	       (double)total_echoed / (double)(now_usec() - begin),
	       (unsigned long long)n_refused);
	return 0;
}
