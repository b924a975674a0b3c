/* SPDX-License-Identifier: MIT */
/* The input is a configuration file, echo-logd.conf(5). */
#include "config_checks.h"

/* The line that the first mistake names, or 0. */
static unsigned long blamed_line(const char *path)
{
	unsigned long line = 0;

	return names_line(diagnostics.text, path, &line) ? line : 0;
}

/* Empties the LINE that a message named.  Then no message may name it. */
static void check_blame(const uint8_t *data, size_t size, size_t n_lines, unsigned long line)
{
	static struct memory_file file;
	const uint8_t *end = data + size, *start = data, *rest;
	char *text = malloc(size + 1), blame[64];
	struct config config;
	size_t before;

	CHECK(text);
	for (unsigned long i = 1; i < line; i++)
		start = (const uint8_t *)memchr(start, '\n', (size_t)(end - start)) + 1;
	before = (size_t)(start - data);
	rest = start < end ? memchr(start, '\n', (size_t)(end - start)) : NULL;
	rest = rest ? rest : end;
	memcpy(text, data, before);
	memcpy(text + before, rest, (size_t)(end - rest));
	memory_file_write(&file, text, before + (size_t)(end - rest));
	free(text);
	if (checked_load(&file, n_lines, NULL, 0, &config))
		return;
	snprintf(blame, sizeof(blame), "\n%s:%lu: ", file.path, line);
	CHECK(strncmp(diagnostics.text, blame + 1, strlen(blame + 1)) != 0);
	CHECK(!strstr(diagnostics.text, blame));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct memory_file file;
	struct config config;
	unsigned long line;
	size_t n_lines = 1;

	for (size_t i = 0; i < size; i++)
		n_lines += data[i] == '\n';
	memory_file_write(&file, data, size);
	if (checked_load(&file, n_lines, NULL, 0, &config))
		return 0;
	line = blamed_line(file.path);
	if (line > 0)
		check_blame(data, size, n_lines, line);
	return 0;
}
