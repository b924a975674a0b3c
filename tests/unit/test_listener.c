/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/net.h"
#include "master/listener.h"

/* Addresses for documentation (RFC 5737): hardly any machine has them. */
#define FOREIGN "203.0.113.71"
#define FOREIGN_TOO "203.0.113.72"

static struct listen_report report;

static int bind_to(const char *text, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t len;
	int fd;

	assert_int_equal(net_parse(text, port, &address, &len), 0);
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, len) == 0)
		return fd;
	close(fd);
	return -errno;
}

static int listen_to(const char *text, uint16_t port)
{
	int fd = bind_to(text, port);

	assert_true(fd >= 0);
	assert_int_equal(listen(fd, 10), 0);
	return fd;
}

static bool has_ipv6(void)
{
	int fd = bind_to("::1", 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Returns a port that is free for both families. */
static uint16_t free_port(void)
{
	int fd = bind_to(has_ipv6() ? "::" : "0.0.0.0", 0);
	struct sockaddr_in6 address;
	socklen_t len = sizeof(address);

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	close(fd);
	/* The port is at the same place in sockaddr_in. */
	return ntohs(address.sin6_port);
}

static struct config make_config(uint16_t port, const char *const *addresses)
{
	struct config config = {.port = port};

	for (; addresses[config.n_addresses]; config.n_addresses++)
		strcpy(config.addresses[config.n_addresses], addresses[config.n_addresses]);
	return config;
}

#define CONFIG(port, ...) make_config(port, (const char *const[]){__VA_ARGS__, NULL})

static int open_all(const struct config *config, const struct listeners *running,
		    struct listeners *ret)
{
	memset(&report, 'x', sizeof(report));
	return listeners_open(config, running, ret, &report);
}

/* Returns a connected socket, or -errno. */
static int connect_to(const char *text, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t len;
	int fd;

	assert_int_equal(net_parse(text, port, &address, &len), 0);
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&address, len) == 0)
		return fd;
	close(fd);
	return -errno;
}

static int accept_from(int listen_fd)
{
	struct pollfd p = {.fd = listen_fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 5000), 1);
	return accept(listen_fd, NULL, NULL);
}

static void assert_serves(const struct listener *listener, const char *text, uint16_t port)
{
	int client_fd = connect_to(text, port), fd;

	assert_true(client_fd >= 0);
	fd = accept_from(listener->fd);
	assert_true(fd >= 0);
	close(fd);
	close(client_fd);
}

static unsigned count_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++) {
		int type;
		socklen_t len = sizeof(type);

		n += getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
	}
	return n;
}

static void test_open_and_close(void **state)
{
	uint16_t port = free_port();
	struct config config = CONFIG(port, "127.0.0.1", "127.0.0.2");
	unsigned before = count_fds();
	struct listeners listeners;
	char name[PEER_NAME_SIZE];

	(void)state;
	assert_int_equal(open_all(&config, NULL, &listeners), 0);
	assert_string_equal(report.skipped, "");
	assert_string_equal(report.absent, "");
	assert_int_equal(listeners.n, 2);
	snprintf(name, sizeof(name), "127.0.0.1:%u", port);
	assert_string_equal(listeners.item[0].name, name);
	snprintf(name, sizeof(name), "127.0.0.2:%u", port);
	assert_string_equal(listeners.item[1].name, name);
	assert_serves(&listeners.item[0], "127.0.0.1", port);
	assert_serves(&listeners.item[1], "127.0.0.2", port);
	/* If another worker was faster, accept(2) must not wait. */
	assert_int_equal(accept(listeners.item[0].fd, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	listeners_close(&listeners, NULL);
	assert_int_equal(listeners.n, 0);
	assert_int_equal(count_fds(), before);
	assert_int_equal(connect_to("127.0.0.1", port), -ECONNREFUSED);
	/* The port can be used again at once, although old connections are in TIME_WAIT. */
	assert_int_equal(open_all(&config, NULL, &listeners), 0);
	listeners_close(&listeners, NULL);
}

/* A copy in another process does not listen any more either. */
static void test_closed_for_every_holder(void **state)
{
	uint16_t port = free_port();
	struct config config = CONFIG(port, "127.0.0.1");
	struct listeners listeners;
	int copy_fd;

	(void)state;
	assert_int_equal(open_all(&config, NULL, &listeners), 0);
	copy_fd = dup(listeners.item[0].fd);
	listeners_close(&listeners, NULL);
	assert_int_equal(connect_to("127.0.0.1", port), -ECONNREFUSED);
	assert_int_equal(accept(copy_fd, NULL, NULL), -1);
	assert_int_equal(errno, EINVAL);
	close(copy_fd);
}

static void test_options_are_inherited(void **state)
{
	uint16_t port = free_port();
	struct config config = CONFIG(port, "127.0.0.1", "127.0.0.2");
	struct listeners listeners;

	(void)state;
	config.idle_timeout_usec = 2500000;
	assert_int_equal(open_all(&config, NULL, &listeners), 0);
	for (unsigned turn = 0; turn < 2; turn++) {
		listeners_configure(&listeners, &config);
		for (unsigned i = 0; i < 2; i++) {
			int client_fd = connect_to(config.addresses[i], port);
			int fd = accept_from(listeners.item[i].fd), nodelay = 0;
			struct timeval timeout;
			socklen_t len = sizeof(nodelay);

			assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &len),
					 0);
			assert_int_equal(nodelay, 1);
			len = sizeof(timeout);
			assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, &len),
					 0);
			assert_int_equal(timeout.tv_sec * 1000000 + timeout.tv_usec,
					 config.idle_timeout_usec);
			assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, &len),
					 0);
			assert_int_equal(timeout.tv_sec * 1000000 + timeout.tv_usec,
					 config.idle_timeout_usec);
			close(fd);
			close(client_fd);
		}
		/* A reload sets it to 0 (never). */
		config.idle_timeout_usec = 0;
	}
	listeners_close(&listeners, NULL);
}

static void test_reload(void **state)
{
	uint16_t port = free_port();
	struct config config = CONFIG(port, "127.0.0.1", "127.0.0.2");
	struct config fresh_config = CONFIG(port, "127.0.0.3", "127.0.0.2");
	struct listeners running, fresh;
	unsigned before = count_fds();
	int waiting_fd, fd;

	(void)state;
	assert_int_equal(open_all(&config, NULL, &running), 0);
	waiting_fd = connect_to("127.0.0.2", port);
	assert_true(waiting_fd >= 0);
	assert_int_equal(open_all(&fresh_config, &running, &fresh), 0);
	assert_int_equal(fresh.n, 2);
	assert_int_equal(fresh.item[1].fd, running.item[1].fd);
	assert_int_not_equal(fresh.item[0].fd, running.item[0].fd);
	assert_int_equal(running.n, 2);
	listeners_close(&running, &fresh);
	assert_int_equal(running.n, 0);
	assert_int_equal(count_fds(), before + 2 + 1);
	assert_int_equal(connect_to("127.0.0.1", port), -ECONNREFUSED);
	assert_serves(&fresh.item[0], "127.0.0.3", port);
	/* A client that waited at the listener that stays is still served. */
	fd = accept_from(fresh.item[1].fd);
	assert_true(fd >= 0);
	close(fd);
	close(waiting_fd);
	listeners_close(&fresh, NULL);
	assert_int_equal(count_fds(), before);
}

static void test_failure_leaves_all_as_it_was(void **state)
{
	uint16_t port = free_port();
	struct config config = CONFIG(port, "127.0.0.1");
	struct config bad = CONFIG(port, "127.0.0.2", "127.0.0.1", "127.0.0.4", "127.0.0.3");
	struct listeners running, untouched = {.n = 4711}, fresh = untouched;
	char name[PEER_NAME_SIZE];
	unsigned before;
	int other_fd = listen_to("127.0.0.4", port);

	(void)state;
	assert_int_equal(open_all(&config, NULL, &running), 0);
	before = count_fds();
	assert_int_equal(open_all(&bad, &running, &fresh), -EADDRINUSE);
	snprintf(name, sizeof(name), "127.0.0.4:%u", port);
	assert_string_equal(report.failed, name);
	assert_memory_equal(&fresh, &untouched, sizeof(fresh));
	assert_int_equal(count_fds(), before);
	assert_int_equal(connect_to("127.0.0.2", port), -ECONNREFUSED);
	assert_serves(&running.item[0], "127.0.0.1", port);

	/* In use by another program: an error for the default addresses too. */
	bad = CONFIG(port, "127.0.0.2", "127.0.0.1");
	for (unsigned i = 0; i < 2; i++) {
		bad.addresses_are_default = i == 1;
		assert_int_equal(open_all(&bad, NULL, &fresh), -EADDRINUSE);
		snprintf(name, sizeof(name), "127.0.0.1:%u", port);
		assert_string_equal(report.failed, name);
		assert_int_equal(count_fds(), before);
	}
	close(other_fd);
	listeners_close(&running, NULL);
}

/* An address that is written in the configuration may come later. */
static void test_absent(void **state)
{
	uint16_t port = free_port();
	struct config config = CONFIG(port, "127.0.0.1", FOREIGN, FOREIGN_TOO, "2001:db8::71");
	struct listeners listeners, again;
	char names[256];

	(void)state;
	if (!has_ipv6())
		config.n_addresses = 3;
	assert_int_equal(open_all(&config, NULL, &listeners), 0);
	assert_int_equal(listeners.n, config.n_addresses);
	snprintf(names, sizeof(names), "%s:%u, %s:%u%s", FOREIGN, port, FOREIGN_TOO, port,
		 has_ipv6() ? ", [2001:db8::71]:" : "");
	if (has_ipv6())
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%u", port);
	assert_string_equal(report.absent, names);
	assert_string_equal(report.skipped, "");
	assert_serves(&listeners.item[0], "127.0.0.1", port);
	/* Reported once. */
	assert_int_equal(open_all(&config, &listeners, &again), 0);
	assert_string_equal(report.absent, "");
	listeners_close(&listeners, &again);
	listeners_close(&again, NULL);
}

static void test_only_defaults_are_skipped(void **state)
{
	uint16_t port = free_port();
	struct config config = CONFIG(port, FOREIGN, "127.0.0.1", FOREIGN_TOO);
	struct listeners listeners;
	char names[256];

	(void)state;
	config.addresses_are_default = true;
	assert_int_equal(open_all(&config, NULL, &listeners), 0);
	assert_int_equal(listeners.n, 1);
	snprintf(names, sizeof(names), "%s:%u, %s:%u", FOREIGN, port, FOREIGN_TOO, port);
	assert_string_equal(report.skipped, names);
	assert_serves(&listeners.item[0], "127.0.0.1", port);
	listeners_close(&listeners, NULL);

	/* Sixteen names do not fit. */
	config = CONFIG(port, "127.0.0.1");
	config.addresses_are_default = true;
	for (; config.n_addresses < CONFIG_MAX_ADDRESSES; config.n_addresses++)
		strcpy(config.addresses[config.n_addresses], FOREIGN);
	assert_int_equal(open_all(&config, NULL, &listeners), 0);
	assert_int_equal(strlen(report.skipped), sizeof(report.skipped) - 1);
	listeners_close(&listeners, NULL);

	config = CONFIG(port, FOREIGN);
	config.addresses_are_default = true;
	assert_int_equal(open_all(&config, NULL, &listeners), -EADDRNOTAVAIL);
	assert_true(report.failed[0] != '\0');
}

/* "::" is for IPv6 only, so 0.0.0.0 is no conflict. */
static void test_ipv6_only(void **state)
{
	uint16_t port = free_port();
	struct config config = CONFIG(port, "::", "0.0.0.0");
	struct listeners listeners;
	char name[PEER_NAME_SIZE];

	(void)state;
	if (!has_ipv6())
		skip();
	assert_int_equal(open_all(&config, NULL, &listeners), 0);
	snprintf(name, sizeof(name), "[::]:%u", port);
	assert_string_equal(listeners.item[0].name, name);
	assert_serves(&listeners.item[0], "::1", port);
	assert_serves(&listeners.item[1], "127.0.0.1", port);
	listeners_close(&listeners, NULL);

	config = CONFIG(port, "::1");
	assert_int_equal(open_all(&config, NULL, &listeners), 0);
	assert_int_equal(connect_to("127.0.0.1", port), -ECONNREFUSED);
	assert_serves(&listeners.item[0], "::1", port);
	listeners_close(&listeners, NULL);
}

static void test_star_is_both_families(void **state)
{
	uint16_t port = free_port();
	struct config config = CONFIG(port, "*");
	struct listeners listeners, again;
	char name[PEER_NAME_SIZE];

	(void)state;
	assert_int_equal(open_all(&config, NULL, &listeners), 0);
	assert_int_equal(listeners.n, 1);
	snprintf(name, sizeof(name), "*:%u", port);
	assert_string_equal(listeners.item[0].name, name);
	assert_serves(&listeners.item[0], "127.0.0.1", port);
	if (has_ipv6())
		assert_serves(&listeners.item[0], "::1", port);
	assert_int_equal(open_all(&config, &listeners, &again), 0);
	assert_int_equal(again.item[0].fd, listeners.item[0].fd);
	listeners_close(&listeners, &again);
	assert_serves(&again.item[0], "127.0.0.1", port);
	listeners_close(&again, NULL);
}

/* Listeners that systemd passed survive a reload to other addresses, and a stop. */
static void test_passed(void **state)
{
	const uint16_t port = free_port(), other = free_port();
	const struct config config = CONFIG(other, "127.0.0.1");
	struct listeners listeners = {.n = 0}, again;
	int fd = listen_to("127.0.0.1", port), kept = dup(fd);
	char name[PEER_NAME_SIZE];
	unsigned before = count_fds();

	(void)state;
	assert_int_equal(listeners_adopt(&listeners, fd), 0);
	assert_true(listeners.n == 1 && listeners.are_passed && listeners.item[0].fd == fd);
	snprintf(name, sizeof(name), "127.0.0.1:%u", port);
	assert_string_equal(listeners.item[0].name, name);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(open_all(&config, &listeners, &again), 0);
	assert_true(again.n == 1 && again.are_passed && again.item[0].fd == fd);
	assert_int_equal(connect_to("127.0.0.1", other), -ECONNREFUSED);
	listeners_close(&listeners, &again);
	assert_serves(&again.item[0], "127.0.0.1", port);
	listeners_close(&again, NULL);
	assert_int_equal(count_fds(), before - 1);
	fd = connect_to("127.0.0.1", port);
	assert_true(fd >= 0);
	close(fd);
	close(kept);
}

static void check_refused(int fd, int expected)
{
	struct listeners listeners = {.n = 0};

	assert_true(fd >= 0);
	assert_int_equal(listeners_adopt(&listeners, fd), expected);
	assert_true(listeners.n == 0 && !listeners.are_passed);
	/* It was closed. */
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void test_not_fit_to_be_passed(void **state)
{
	static struct listeners full = {.n = LISTENERS_MAX};
	int fds[2];

	(void)state;
	check_refused(socket(AF_INET, SOCK_DGRAM, 0), -EPROTOTYPE);
	check_refused(bind_to("127.0.0.1", 0), -EINVAL);
	check_refused(open("/dev/null", O_RDWR), -ENOTSOCK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	close(fds[1]);
	check_refused(fds[0], -EINVAL);
	assert_int_equal(listeners_adopt(&full, listen_to("127.0.0.1", 0)), -E2BIG);
	assert_int_equal(full.n, LISTENERS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_and_close),
		cmocka_unit_test(test_closed_for_every_holder),
		cmocka_unit_test(test_options_are_inherited),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_failure_leaves_all_as_it_was),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_only_defaults_are_skipped),
		cmocka_unit_test(test_ipv6_only),
		cmocka_unit_test(test_star_is_both_families),
		cmocka_unit_test(test_passed),
		cmocka_unit_test(test_not_fit_to_be_passed),
	};

	return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
