/* SPDX-License-Identifier: MIT */
/*
 * loadgen: clients of an echo server.  Measures how long they wait for the echo.
 *
 *   loadgen latency      each client sends a message when it has the echo of the last
 *   loadgen throughput   each client has up to --window bytes under way
 *   loadgen connections  connect, send --size bytes, read them, close; --clients at once
 *   loadgen idle         --held clients wait until standard input ends
 *
 *   --port P             port of the server, on --host (127.0.0.1)
 *   --clients N          clients that are active at once (1)
 *   --held N             more clients, which connect before and stay connected (0)
 *   --ping S             each held client sends 64 bytes every S seconds (0: never)
 *   --size B             bytes of a message, or of a send (64)
 *   --window B           window of throughput (4 times --size)
 *   --kind K             text, random, syslog (RFC 3164) or syslog-ietf (RFC 5424)
 *   --line B             length of each line of text (0: many lengths)
 *   --seconds S          how long to measure (2), after --warmup S (0.5)
 *   --bytes B            throughput: bytes for each client, within --seconds and --patience
 *   --no-echo            throughput: the server sends nothing back
 *   --patience S         limit for every wait (10)
 *   --sources N          connect from N local addresses in turn (0: one; connections: 64)
 *   --seed N             seed of the content (1)
 *
 * Every echoed byte is compared with what was sent.  A wrong byte is an error, and so is
 * a connection that ends early, is refused or takes too long.  Prints one line of
 * NAME=VALUE; times are in microseconds.  Exit status: 0 for no error, 1 for errors,
 * 2 for a wrong command line or an error of the system, 3 if all took too long.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "held.h"

/* How often a blocking call is interrupted, to check the time limit. */
#define TICK_USEC 200000
#define MOST_CLIENTS 100000

static struct plan plan = {
	.server = {.sin_family = AF_INET}, .clients = 1, .size = 64,
	.warmup_nsec = NSEC_PER_SEC / 2, .measured_nsec = 2 * NSEC_PER_SEC,
	.patience_nsec = 10 * NSEC_PER_SEC, .echoes = true,
};
static struct report report;
static struct payload payload;
static enum payload_kind kind = PAYLOAD_TEXT;
static const char *mode, *kind_name = "text";
static size_t line_bytes;
static uint64_t seed = 1;
static uint64_t deadline_nsec;	/* when to end in any case */

/* --- what the modes share */

uint64_t now_nsec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

void report_error(struct report *r, unsigned number, const char *what)
{
	if (r->errors++ == 0)
		snprintf(r->first_error, sizeof(r->first_error), "client %u: %s", number, what);
}

/* connect(2) chooses the port, so that an address can be used with all ports. */
static int bind_source(int fd)
{
	static unsigned n;
	struct sockaddr_in source = {.sin_family = AF_INET};
	int one = 1;

	source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + n++ % plan.sources);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	return bind(fd, (struct sockaddr *)&source, sizeof(source));
}

static int connect_blocking(int fd)
{
	uint64_t begin = now_nsec();

	while (connect(fd, (const struct sockaddr *)&plan.server, sizeof(plan.server)) < 0) {
		if (errno == EISCONN)
			return 0;
		if (errno != EINTR && errno != EALREADY)
			return -errno;
		if (now_nsec() - begin > plan.patience_nsec)
			return -ETIMEDOUT;
	}
	return 0;
}

int connect_server(const struct plan *p, int flags)
{
	int one = 1, r = 0, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (p->sources && bind_source(fd) < 0)
		r = -errno;
	else if (!(flags & SOCK_NONBLOCK))
		r = connect_blocking(fd);
	else if (connect(fd, (const struct sockaddr *)&p->server, sizeof(p->server)) < 0 &&
		 errno != EINPROGRESS)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* --- the idle mode */

static void wait_for_end_of_input(void)
{
	char byte;
	ssize_t n;

	printf("ready\n");
	fflush(stdout);
	do
		n = read(STDIN_FILENO, &byte, 1);
	while (n > 0 || (n < 0 && errno == EINTR));
}

/* --- output */

static void print_report(void)
{
	double seconds = (double)(report.end_nsec - report.begin_nsec) / 1e9;
	double messages = (double)report.messages, bytes = (double)report.bytes;
	const struct histogram *h = &report.latency;

	printf("mode=%s clients=%u held=%u size=%zu kind=%s begin=%.6f seconds=%.6f", mode,
	       plan.clients, plan.held, plan.size, kind_name, (double)report.begin_nsec / 1e9,
	       seconds);
	if (seconds > 0)
		printf(" messages=%.0f rate=%.1f bytes=%.0f mbps=%.2f", messages,
		       messages / seconds, bytes, bytes / seconds / 1e6);
	if (seconds > 0 && line_bytes)
		printf(" line_rate=%.0f", bytes / (double)line_bytes / seconds);
	if (h->count > 0)
		printf(" p50=%.2f p90=%.2f p99=%.2f p999=%.2f max=%.2f",
		       (double)histogram_quantile(h, .5) / 1e3,
		       (double)histogram_quantile(h, .9) / 1e3,
		       (double)histogram_quantile(h, .99) / 1e3,
		       (double)histogram_quantile(h, .999) / 1e3, (double)h->max_nsec / 1e3);
	printf(" errors=%llu", (unsigned long long)report.errors);
	if (report.errors)
		printf(" first_error=\"%s\"", report.first_error);
	printf("\n");
}

/* --- options */

static void usage(const char *why)
{
	fprintf(stderr, "loadgen: %s; the head of loadgen.c says how\n", why);
	exit(2);
}

static uint64_t nsec_of(const char *text)
{
	return (uint64_t)(strtod(text, NULL) * 1e9);
}

static void parse_options(int argc, char *argv[])
{
	static const struct option options[] = {
		{"port", 1, NULL, 'p'}, {"host", 1, NULL, 'h'}, {"clients", 1, NULL, 'c'},
		{"held", 1, NULL, 'H'}, {"ping", 1, NULL, 'P'}, {"size", 1, NULL, 'b'},
		{"window", 1, NULL, 'w'}, {"kind", 1, NULL, 'k'}, {"line", 1, NULL, 'l'},
		{"seconds", 1, NULL, 's'}, {"warmup", 1, NULL, 'u'}, {"bytes", 1, NULL, 'n'},
		{"no-echo", 0, NULL, 'e'}, {"patience", 1, NULL, 't'}, {"sources", 1, NULL, 'a'},
		{"seed", 1, NULL, 'r'}, {0},
	};
	const char *host = "127.0.0.1";
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0)
		switch (o) {
		case 'p': plan.server.sin_port = htons((uint16_t)atoi(optarg)); break;
		case 'h': host = optarg; break;
		case 'c': plan.clients = (unsigned)atoi(optarg); break;
		case 'H': plan.held = (unsigned)atoi(optarg); break;
		case 'P': plan.ping_nsec = nsec_of(optarg); break;
		case 'b': plan.size = strtoul(optarg, NULL, 0); break;
		case 'w': plan.window = strtoul(optarg, NULL, 0); break;
		case 'k': kind_name = optarg; break;
		case 'l': line_bytes = strtoul(optarg, NULL, 0); break;
		case 's': plan.measured_nsec = nsec_of(optarg); break;
		case 'u': plan.warmup_nsec = nsec_of(optarg); break;
		case 'n': plan.limit = strtoull(optarg, NULL, 0); break;
		case 'e': plan.echoes = false; break;
		case 't': plan.patience_nsec = nsec_of(optarg); break;
		case 'a': plan.sources = (unsigned)atoi(optarg); break;
		case 'r': seed = strtoull(optarg, NULL, 0); break;
		default: usage("an option is wrong");
		}
	mode = optind == argc - 1 ? argv[optind] : "";
	if (!plan.server.sin_port || inet_pton(AF_INET, host, &plan.server.sin_addr) != 1)
		usage("no --port, or --host is not an IPv4 address");
}

static void check_plan(void)
{
	bool is_throughput = strcmp(mode, "throughput") == 0;

	if (!is_throughput && strcmp(mode, "latency") != 0 && strcmp(mode, "connections") != 0 &&
	    strcmp(mode, "idle") != 0)
		usage("no mode, or more than one");
	if (!payload_kind_from_name(kind_name, &kind))
		usage("unknown --kind");
	if (plan.size < 1 || plan.size > MAX_MESSAGE || plan.clients < 1 ||
	    plan.clients > MOST_CLIENTS || plan.held > MOST_CLIENTS || plan.measured_nsec == 0)
		usage("a number is out of range");
	if (!is_throughput && (plan.window || plan.limit || !plan.echoes))
		usage("--window, --bytes and --no-echo are of throughput");
	if (plan.limit % plan.size != 0)
		usage("--bytes is not a multiple of --size");
	if (plan.window == 0)
		plan.window = is_throughput ? 4 * plan.size : plan.size;
	if (plan.window < plan.size)
		usage("--window is smaller than --size");
	if (plan.limit)
		plan.warmup_nsec = 0;
	if (plan.sources == 0 && strcmp(mode, "connections") == 0)
		plan.sources = 64;
}

/* --- limits of time and descriptors */

static void on_tick(int signo)
{
	static const char words[] = "loadgen: it takes too long, and ends here\n";

	(void)signo;
	if (now_nsec() < deadline_nsec)
		return;
	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	_exit(3);
}

static void start_ticking(void)
{
	struct sigaction action = {.sa_handler = on_tick};	/* no SA_RESTART */
	struct itimerval interval = {{0, TICK_USEC}, {0, TICK_USEC}};
	uint64_t idle = strcmp(mode, "idle") == 0 ? 120 * NSEC_PER_SEC : 0;

	/* Allow 20 ms to open and to ask each held client, which would be very slow. */
	deadline_nsec = now_nsec() + plan.warmup_nsec + plan.measured_nsec + idle +
		3 * plan.patience_nsec + plan.held * (NSEC_PER_SEC / 50);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &interval, NULL);
}

static void get_descriptors(void)
{
	rlim_t wanted = plan.clients + plan.held + 64;
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted)
		limit.rlim_max = wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
		perror("loadgen: not enough descriptors");
		exit(2);
	}
}

static void run(void)
{
	if (strcmp(mode, "idle") == 0)
		wait_for_end_of_input();
	else if (strcmp(mode, "connections") == 0)
		run_arrivals(&plan, &report);
	else if (plan.clients == 1 && strcmp(mode, "latency") == 0)
		run_pingpong(&plan, &report);
	else
		run_streams(&plan, &report);
}

int main(int argc, char *argv[])
{
	parse_options(argc, argv);
	check_plan();
	get_descriptors();
	payload_make(&payload, kind, plan.size, line_bytes, plan.window, seed);
	plan.payload = &payload;
	start_ticking();
	if (plan.held > 0)
		held_open(&plan, &report);
	/* Without the held clients there is nothing to measure. */
	if (report.errors == 0)
		run();
	held_finish(&plan, &report);
	print_report();
	return report.errors ? 1 : 0;
}
