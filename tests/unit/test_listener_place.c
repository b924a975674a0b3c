/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "master/listener_place.h"

static struct place place(const char *text, uint16_t port)
{
	struct place p;

	assert_int_equal(place_of_text(text, port, &p), 0);
	return p;
}

static bool covers(const char *wide, const char *narrow)
{
	struct place a = place(wide, 7), b = place(narrow, 7), other = place(narrow, 8);

	assert_int_equal(place_overlaps(&a, &b), place_overlaps(&b, &a));
	assert_int_equal(place_overlaps(&a, &b), place_covers(&a, &b) || place_covers(&b, &a));
	assert_false(place_covers(&a, &other));
	assert_false(place_overlaps(&a, &other));
	return place_covers(&a, &b);
}

static void test_covers(void **state)
{
	static const char *const words[] = {"*", "::", "0.0.0.0", "::1", "127.0.0.1", "127.0.0.2"};
	/* By row what the word covers, in the order of the columns. */
	static const bool expected[6][6] = {
		{1, 1, 1, 1, 1, 1}, {0, 1, 0, 1, 0, 0}, {0, 0, 1, 0, 1, 1},
		{0, 0, 0, 1, 0, 0}, {0, 0, 0, 0, 1, 0}, {0, 0, 0, 0, 0, 1},
	};

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		for (unsigned j = 0; j < 6; j++)
			assert_int_equal(covers(words[i], words[j]), expected[i][j]);
	assert_true(covers("::", "fe80::1%lo"));
	assert_true(covers("fe80::1%lo", "fe80::1%lo"));
	assert_false(covers("fe80::1%lo", "fe80::1"));
}

static void check_socket(const char *text, int domain)
{
	struct place wanted = place(text, 0), found;
	int fd = socket(domain, SOCK_STREAM, 0), v6_only = !wanted.is_dual;

	if (fd < 0)
		return;
	if (domain == AF_INET6)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(int)),
				 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&wanted.address, wanted.len), 0);
	assert_int_equal(place_of_socket(fd, &found), 0);
	/* The kernel chose the port; it is at the same place in sockaddr_in6. */
	((struct sockaddr_in *)&wanted.address)->sin_port =
		((struct sockaddr_in *)&found.address)->sin_port;
	assert_true(place_covers(&wanted, &found) && place_covers(&found, &wanted));
	assert_int_equal(found.is_dual, wanted.is_dual);
	close(fd);
}

static void test_of_sockets(void **state)
{
	struct place p;

	(void)state;
	check_socket("*", AF_INET6);
	check_socket("::", AF_INET6);
	check_socket("0.0.0.0", AF_INET);
	check_socket("127.0.0.1", AF_INET);
	assert_int_equal(place_of_socket(-1, &p), -EBADF);
	assert_int_equal(place_of_text("localhost", 7, &p), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_of_sockets),
	};

	return cmocka_run_group_tests_name("listener_place", tests, NULL, NULL);
}
