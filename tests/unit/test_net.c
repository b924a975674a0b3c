/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/net.h"

/* The address TEXT with SCOPE_ID, as accept(2) returns it. */
static struct sockaddr_storage make(const char *text, uint16_t port, uint32_t scope_id)
{
	struct sockaddr_storage address = {0};
	struct sockaddr_in *in = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return address;
	}
	assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	in6->sin6_scope_id = scope_id;
	return address;
}

static void check_format(const char *text, uint16_t port, uint32_t scope_id, const char *expected)
{
	const struct sockaddr_storage address = make(text, port, scope_id);
	char name[PEER_NAME_SIZE];

	memset(name, 'x', sizeof(name));
	net_format(&address, name);
	assert_true(net_is_peer_name(name));
	assert_string_equal(name, expected);
}

static void test_format(void **state)
{
	unsigned lo = if_nametoindex("lo");

	(void)state;
	check_format("192.0.2.7", 53412, 0, "192.0.2.7:53412");
	check_format("0.0.0.0", 0, 0, "0.0.0.0:0");
	check_format("255.255.255.255", 65535, 0, "255.255.255.255:65535");
	check_format("2001:db8::1", 7, 0, "[2001:db8::1]:7");
	check_format("::", 1, 0, "[::]:1");
	check_format("::1", 65535, 0, "[::1]:65535");
	check_format("::ffff:192.0.2.7", 53412, 0, "192.0.2.7:53412");
	/* IPv4-compatible, which is not IPv4-mapped. */
	check_format("::192.0.2.7", 1, 0, "[::192.0.2.7]:1");
	/* An interface that no longer exists is shown as a number. */
	check_format("fe80::1", 7, 2147483647, "[fe80::1%2147483647]:7");
	check_format("fe80::1", 7, UINT32_MAX, "[fe80::1%4294967295]:7");
	if (lo != 0)
		check_format("fe80::1", 7, lo, "[fe80::1%lo]:7");
}

/* The longest name fits. */
static void test_format_longest(void **state)
{
	const char *address = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

	(void)state;
	check_format(address, 65535, UINT32_MAX,
		     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
	assert_true(1 + strlen(address) + 1 + IF_NAMESIZE - 1 + strlen("]:65535") + 1 <=
		    PEER_NAME_SIZE);
}

static void test_format_peer(void **state)
{
	const struct sockaddr_storage tcp = make("192.0.2.7", 53412, 0);
	const struct sockaddr_storage unix_peer = {.ss_family = AF_UNIX};
	char name[PEER_NAME_SIZE], expected[32];
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	net_format_peer(fds[0], &tcp, name);
	assert_string_equal(name, "192.0.2.7:53412");
	snprintf(expected, sizeof(expected), "unix:%d", (int)getpid());
	net_format_peer(fds[0], &unix_peer, name);
	assert_string_equal(name, expected);
	close(fds[0]);
	close(fds[1]);
}

static void check_parse(const char *text, int family, socklen_t expected_len)
{
	struct sockaddr_storage address, expected;
	socklen_t len = 0;

	memset(&address, 0xa5, sizeof(address));
	assert_int_equal(net_parse(text, 4711, &address, &len), 0);
	expected = make(text, 4711, 0);
	assert_int_equal(address.ss_family, family);
	assert_int_equal(len, expected_len);
	assert_memory_equal(&address, &expected, sizeof(address));
}

static void test_parse(void **state)
{
	struct sockaddr_storage address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;
	unsigned lo = if_nametoindex("lo");
	socklen_t len;

	(void)state;
	check_parse("127.0.0.1", AF_INET, sizeof(struct sockaddr_in));
	check_parse("0.0.0.0", AF_INET, sizeof(struct sockaddr_in));
	check_parse("::", AF_INET6, sizeof(struct sockaddr_in6));
	check_parse("2001:db8::1", AF_INET6, sizeof(struct sockaddr_in6));
	if (lo != 0) {
		assert_int_equal(net_parse("fe80::1%lo", 7, &address, &len), 0);
		assert_int_equal(in6->sin6_scope_id, lo);
		assert_int_equal(len, sizeof(*in6));
		assert_int_equal(ntohs(in6->sin6_port), 7);
	}
}

static void test_parse_refuses(void **state)
{
	static const char *const bad[] = {
		"", " ", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ",
		" 1.2.3.4", "1.2.3.4:7", "1.2.3.4%lo", "0x7f.0.0.1", "2130706433", "[::1]", ":",
		":::", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::g", "12345::", "%lo", "*",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%an-interface-name-that-is-far-too-long",
	};
	struct sockaddr_storage address;
	socklen_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (net_parse(bad[i], 7, &address, &len) != -EINVAL)
			fail_msg("not refused: \"%s\"", bad[i]);
	assert_int_equal(net_parse("fe80::1%no-such-if", 7, &address, &len), -ENODEV);
	assert_int_equal(net_parse("fe80::1%", 7, &address, &len), -ENODEV);
}

/* A formatted address can be parsed again. */
static void test_there_and_back(void **state)
{
	static const char *const good[] = {"192.0.2.1", "255.255.255.255", "::1", "2001:db8::2:1"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char name[PEER_NAME_SIZE], *text = name;
		struct sockaddr_storage address, again;
		socklen_t len;

		assert_int_equal(net_parse(good[i], 65535, &address, &len), 0);
		net_format(&address, name);
		*strrchr(name, ':') = '\0';
		if (name[0] == '[') {
			text = name + 1;
			*strchr(text, ']') = '\0';
		}
		assert_string_equal(text, good[i]);
		assert_int_equal(net_parse(text, 65535, &again, &len), 0);
		assert_memory_equal(&address, &again, sizeof(address));
	}
}

static void test_peer_names(void **state)
{
	static const char *const right[] = {
		"192.0.2.7:53412", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:58774",
		"[2001:db8::1]:53412", "[fe80::1%eth0]:53412", "[fe80::1%3]:1", "[::]:1",
		"[fe80::1%a]b%c]:1", "[fe80::1%123456789012345]:1", "unix:0", "unix:4711",
		"unix:2147483647",
	};
	static const char *const wrong[] = {
		"", "-", ":", ":1", "192.0.2.7", "192.0.2.7:", "192.0.2.7:65536", "192.0.2.7:01",
		"192.0.2.7:-1", "192.0.2:1", "192.0.2.256:1", "192.0.2.07:1", "192.0.2.7:1:1",
		"192.0.2.7%eth0:1", "[192.0.2.7]:1", "[::1]", "[::1]:", "::1:1", "[::1:1",
		"[::1]1", "[0::1]:1", "[::0001]:1", "[2001:DB8::1]:1", "[::ffff:192.0.2.7]:1",
		"[fe80::1%]:1", "[fe80::1%a/b]:1", "[fe80::1%a:b]:1",
		"[fe80::1%1234567890123456]:1", "[]:1", "[:1", "]:1", "unix:", "unix:-1", "unix:01",
		"unix:2147483648", "unix:99999999999999999999", "Unix:1", "localhost:1",
		"[fe80::1%123456789012345678901234567890123456789012345678901234567890]:1",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		if (!net_is_peer_name(right[i]))
			fail_msg("refused: %s", right[i]);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (net_is_peer_name(wrong[i]))
			fail_msg("accepted: %s", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_longest),
		cmocka_unit_test(test_format_peer),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_peer_names),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
