/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ipc/command_line.h"

static struct scoreboard board;

static void test_nothing_noted(void **state)
{
	struct options read;

	(void)state;
	memset(&board, 0, sizeof(board));
	assert_int_equal(command_line_read(&board, &read), -ENODATA);
}

static void test_read_back(void **state)
{
	const struct options noted = {
		.config_path = "/etc/e.conf",
		.overrides = {"server.port=7777", "", "log.path=/a b"},
		.n_overrides = 3,
	};
	struct options read;

	(void)state;
	assert_int_equal(command_line_note(&board, &noted), 0);
	assert_int_equal(command_line_read(&board, &read), 0);
	assert_int_equal(read.action, ACTION_RUN);
	assert_string_equal(read.config_path, "/etc/e.conf");
	assert_int_equal(read.n_overrides, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(read.overrides[i], noted.overrides[i]);
}

static void test_the_path_becomes_absolute(void **state)
{
	const struct options noted = {.config_path = "e.conf"};
	struct options read;

	(void)state;
	assert_int_equal(chdir("/usr"), 0);
	assert_int_equal(command_line_note(&board, &noted), 0);
	assert_int_equal(command_line_read(&board, &read), 0);
	assert_string_equal(read.config_path, "/usr/e.conf");
}

/* The longest command line that fits.  With one byte more, the one noted before is deleted too. */
static void test_too_long(void **state)
{
	char word[sizeof(board.command_line)];
	struct options noted = {.config_path = "/", .overrides = {word}, .n_overrides = 1}, read;

	(void)state;
	memset(word, 'x', sizeof(word));
	word[sizeof(word) - sizeof("/") - 1] = '\0';
	assert_int_equal(command_line_note(&board, &noted), 0);
	assert_int_equal(command_line_read(&board, &read), 0);
	assert_string_equal(read.overrides[0], word);
	word[sizeof(word) - sizeof("/") - 1] = 'x';
	word[sizeof(word) - sizeof("/")] = '\0';
	assert_int_equal(command_line_note(&board, &noted), -E2BIG);
	assert_int_equal(command_line_read(&board, &read), -ENODATA);
}

/* A damaged scoreboard might contain these. */
static void test_what_is_no_command_line(void **state)
{
	struct options read;

	(void)state;
	memset(board.command_line, 0, sizeof(board.command_line));
	board.command_line_bytes = sizeof(board.command_line) + 1;
	assert_int_equal(command_line_read(&board, &read), -EBADMSG);
	board.command_line_bytes = OPTIONS_MAX_OVERRIDES + 2;
	assert_int_equal(command_line_read(&board, &read), -EBADMSG);
	board.command_line_bytes = OPTIONS_MAX_OVERRIDES + 1;
	assert_int_equal(command_line_read(&board, &read), 0);
	board.command_line[0] = 'x';
	board.command_line_bytes = 1;
	assert_int_equal(command_line_read(&board, &read), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_noted),
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_the_path_becomes_absolute),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_what_is_no_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
