/* SPDX-License-Identifier: MIT */
/*
 * The input is strings, each ended by a NUL.  The first is a configuration file,
 * the others are the command line of echo-logd(8), and also overrides.
 */
#include "base/exit_status.h"
#include "config/config_keys.h"
#include "config/options.h"
#include "config_checks.h"

/* More than options_parse() accepts. */
#define MAX_WORDS (2 * OPTIONS_MAX_OVERRIDES + 2)
/* Only the first ones are checked one by one, because that takes time. */
#define MAX_LINES 4
/* The longest line of a configuration file. */
#define LINE_BYTES 198

static struct memory_file file;
static size_t n_lines;

/* Calls options_parse() without its output. */
static bool parse_silently(int argc, char *argv[], struct options *ret_options, int *ret_status)
{
	static FILE *nowhere;
	FILE *out = stdout, *err = stderr;
	bool go_on;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	CHECK(nowhere);
	stdout = stderr = nowhere;
	go_on = options_parse(argc, argv, ret_options, ret_status);
	stdout = out;
	stderr = err;
	return go_on;
}

static void check_options(char *words[], size_t n)
{
	char *argv[MAX_WORDS + 2] = {"echo-logd"};
	struct options options = {0};
	struct config config;
	int status = -1;

	memcpy(argv + 1, words, n * sizeof(words[0]));
	if (!parse_silently((int)n + 1, argv, &options, &status)) {
		CHECK(status == STATUS_CLEAN || status == STATUS_USAGE);
		CHECK(!options.config_path && options.n_overrides == 0);
		return;
	}
	CHECK(status == -1 && options.config_path && *options.config_path);
	CHECK(options.n_overrides <= OPTIONS_MAX_OVERRIDES);
	(void)checked_load(&file, n_lines, options.overrides, options.n_overrides, &config);
}

/* An override is accepted if the same line in a file is, and has the same effect. */
static void check_line(const char *override)
{
	static struct memory_file empty, line;
	struct config by_override, by_line;
	char text[LINE_BYTES + 64];
	const char *dot = strchr(override, '.'), *equals = strchr(override, '=');
	int by_override_ok, n;

	memory_file_write(&empty, "", 0);
	by_override_ok = checked_load(&empty, 1, &override, 1, &by_override);
	if (!dot || !equals || dot > equals || dot - override > 32 || strlen(dot + 1) > LINE_BYTES)
		return;
	n = snprintf(text, sizeof(text), "%.*s", (int)(dot - override), override);
	snprintf(text + n + 1, sizeof(text) - (size_t)n - 1, "%.*s", (int)(equals - dot - 1),
		 dot + 1);
	if (!config_key_find(text, text + n + 1) || strpbrk(equals, "\r\n"))
		return;
	n = snprintf(text, sizeof(text), "[%.*s]\n%s\n", (int)(dot - override), override, dot + 1);
	memory_file_write(&line, text, (size_t)n);
	CHECK(checked_load(&line, 2, NULL, 0, &by_line) == by_override_ok);
	CHECK(memcmp(&by_line, &by_override, sizeof(by_line)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	char *words[MAX_WORDS], *text = input_string(&in);
	struct config config;
	size_t n = 0;

	memory_file_write(&file, text, strlen(text));
	n_lines = 1;
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		n_lines++;
	while (in.left > 0 && n < MAX_WORDS)
		words[n++] = input_string(&in);
	check_options(words, n);
	(void)checked_load(&file, n_lines, (const char *const *)words, n, &config);
	for (size_t i = 0; i < n; i++) {
		if (i < MAX_LINES)
			check_line(words[i]);
		free(words[i]);
	}
	free(text);
	return 0;
}
