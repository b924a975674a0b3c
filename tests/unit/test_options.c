/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_status.h"
#include "build.h"
#include "config/options.h"

static struct options options;
static char out[4096], err[4096];
static int status;

static int redirect(int fd, int to)
{
	int saved = dup(fd);

	assert_true(saved >= 0);
	assert_true(dup2(to, fd) >= 0);
	return saved;
}

static void restore(int fd, int saved)
{
	assert_true(dup2(saved, fd) >= 0);
	close(saved);
}

static void read_back(FILE *f, char text[4096])
{
	size_t n;

	rewind(f);
	n = fread(text, 1, 4095, f);
	text[n] = '\0';
	fclose(f);
}

/* Parses "echo-logd" and the arguments up to NULL.  Reads what it prints into `out` and `err`. */
static bool parse(char *const *arguments)
{
	FILE *out_file = tmpfile(), *err_file = tmpfile();
	char *argv[100] = {"echo-logd"};
	int argc = 1, saved_out, saved_err;
	bool go_on;

	for (; arguments[argc - 1]; argc++)
		argv[argc] = arguments[argc - 1];
	memset(&options, 0xa5, sizeof(options));
	status = -1;
	fflush(stdout);
	saved_out = redirect(STDOUT_FILENO, fileno(out_file));
	saved_err = redirect(STDERR_FILENO, fileno(err_file));
	go_on = options_parse(argc, argv, &options, &status);
	fflush(stdout);
	restore(STDOUT_FILENO, saved_out);
	restore(STDERR_FILENO, saved_err);
	read_back(out_file, out);
	read_back(err_file, err);
	return go_on;
}

#define PARSE(...) parse((char *[]){__VA_ARGS__ __VA_OPT__(,) NULL})

static void test_defaults(void **state)
{
	(void)state;
	assert_true(PARSE());
	assert_int_equal(options.action, ACTION_RUN);
	assert_string_equal(options.config_path, ECHO_LOGD_CONFIG_FILE);
	assert_int_equal(options.n_overrides, 0);
	assert_int_equal(status, -1);
	assert_string_equal(out, "");
	assert_string_equal(err, "");
}

static void test_all(void **state)
{
	(void)state;
	assert_true(PARSE("-c", "a", "-o", "log.path=/x", "--option=server.port=70",
			  "--dump-config"));
	assert_int_equal(options.action, ACTION_DUMP_CONFIG);
	assert_string_equal(options.config_path, "a");
	assert_int_equal(options.n_overrides, 2);
	assert_string_equal(options.overrides[0], "log.path=/x");
	assert_string_equal(options.overrides[1], "server.port=70");
	assert_true(PARSE("--config", "a", "--config=b", "--check-config", "--check-config"));
	assert_int_equal(options.action, ACTION_CHECK_CONFIG);
	assert_string_equal(options.config_path, "b");
	assert_false(options.strict);
	assert_true(PARSE("--strict", "--check-config"));
	assert_true(options.strict);
	assert_true(PARSE("-olog.mode=", "-cb", "--"));
	assert_string_equal(options.overrides[0], "log.mode=");
}

static void test_answers(void **state)
{
	(void)state;
	assert_false(PARSE("--version", "--unknown"));
	assert_int_equal(status, STATUS_CLEAN);
	assert_string_equal(out, "echo-logd " PACKAGE_VERSION "\n");
	assert_false(PARSE("-h"));
	assert_int_equal(status, STATUS_CLEAN);
	assert_string_equal(err, "");
	assert_false(PARSE("--help"));
	for (const char *const *word = (const char *const[]){"-c, --config", "-o, --option",
			"--check-config", "--strict", "--dump-config", "--version", "-h, --help",
			ECHO_LOGD_CONFIG_FILE, NULL}; *word; word++)
		if (!strstr(out, *word))
			fail_msg("--help lacks %s", *word);
}

static void test_answer_that_cannot_be_written(void **state)
{
	int full = open("/dev/full", O_WRONLY), saved;
	char *argv[] = {"echo-logd", "--help", NULL};

	(void)state;
	assert_true(full >= 0);
	fflush(stdout);
	saved = redirect(STDOUT_FILENO, full);
	assert_false(options_parse(2, argv, &options, &status));
	restore(STDOUT_FILENO, saved);
	clearerr(stdout);
	close(full);
	assert_int_equal(status, STATUS_CANNOT_START);
}

static void assert_refused(char *const *arguments)
{
	assert_false(parse(arguments));
	assert_int_equal(status, STATUS_USAGE);
	assert_string_equal(out, "");
	assert_int_equal(strncmp(err, "echo-logd: ", 11), 0);
	assert_non_null(strstr(err, "\nTry 'echo-logd --help'.\n"));
	for (size_t i = 0; i < sizeof(options); i++)
		assert_int_equal(((unsigned char *)&options)[i], 0xa5);
}

#define REFUSED(...) assert_refused((char *[]){__VA_ARGS__, NULL})

static void test_mistakes(void **state)
{
	(void)state;
	REFUSED("operand");
	REFUSED("--", "operand");
	REFUSED("--check-config", "operand");
	REFUSED("");
	REFUSED("-x");
	REFUSED("--unknown");
	REFUSED("-c");
	REFUSED("--config");
	REFUSED("-c", "");
	REFUSED("--config=");
	REFUSED("-o");
	REFUSED("-o", "");
	REFUSED("-o", "port=7");
	REFUSED("-o", "server.port");
	REFUSED("-o", "server.=7");
	REFUSED("-o", ".port=7");
	REFUSED("-o", "path=/a.b");
	REFUSED("--help=yes");
	REFUSED("--version=1");
	REFUSED("--check-config", "--dump-config");
	REFUSED("--dump-config", "--check-config");
	REFUSED("--strict");
	REFUSED("--dump-config", "--strict");
}

static void test_number_of_overrides(void **state)
{
	char *arguments[OPTIONS_MAX_OVERRIDES + 2] = {NULL};

	(void)state;
	for (int i = 0; i < OPTIONS_MAX_OVERRIDES; i++)
		arguments[i] = "-oserver.port=7";
	assert_true(parse(arguments));
	assert_int_equal(options.n_overrides, OPTIONS_MAX_OVERRIDES);
	arguments[OPTIONS_MAX_OVERRIDES] = "-oserver.port=7";
	assert_refused(arguments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_answer_that_cannot_be_written),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_number_of_overrides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
