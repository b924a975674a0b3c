/* SPDX-License-Identifier: MIT */
/* What config/config_load.h promises, for the two targets that load configurations. */
#ifndef ECHO_LOGD_FUZZ_CONFIG_CHECKS_H
#define ECHO_LOGD_FUZZ_CONFIG_CHECKS_H

#include <sys/mman.h>
#include <unistd.h>

#include "../unit/random.h"
#include "config/config.h"
#include "config/config_keys.h"
#include "config/config_load.h"
#include "fuzz.h"

/* A file in memory, with a path that config_load() can open. */
struct memory_file {
	int fd;
	char path[32];
};

static inline void memory_file_write(struct memory_file *file, const void *data, size_t len)
{
	if (!file->path[0]) {
		file->fd = memfd_create("fuzz", MFD_CLOEXEC);
		CHECK(file->fd >= 0);
		snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
	}
	CHECK(ftruncate(file->fd, 0) == 0);
	CHECK(pwrite(file->fd, data, len, 0) == (ssize_t)len);
}

/* Whether TEXT begins with PATH and ": " or ":LINE: ".  *LINE is the last line, at first 0. */
static inline int names_line(const char *text, const char *path, unsigned long *line)
{
	unsigned long last = *line;
	char *end;

	if (strncmp(text, path, strlen(path)) != 0 || text[strlen(path)] != ':')
		return 0;
	text += strlen(path) + 1;
	if (*text == ' ')
		return last == 0;
	*line = strtoul(text, &end, 10);
	return *line >= last && *line > 0 && strncmp(end, ": ", 2) == 0;
}

/* Every mistake names its place, they are in order, and contain no control characters. */
static inline void check_mistakes(const struct diagnostics *d, const char *path, size_t n_lines)
{
	const char *text = d->text, *end;
	unsigned long line = 0;
	int in_file = 1;

	CHECK(d->len > 0 && d->len < sizeof(d->text) && strlen(d->text) == d->len);
	for (; *text; text = end + 1) {
		end = strchr(text, '\n');
		CHECK(end);
		CHECK(is_harmless(text, (size_t)(end - text)));
		if (!names_line(text, path, &line))
			in_file = 0;
		CHECK(in_file || strncmp(text, "-o ", 3) == 0);
		CHECK(line <= n_lines);
	}
}

static inline char *dumped(const struct config *config, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	CHECK(out);
	config_dump(config, out);
	CHECK(fclose(out) == 0);
	return text;
}

/* Reading what config_dump() has written gives the same configuration. */
static inline void check_dump(const struct config *config)
{
	static struct memory_file file;
	static struct diagnostics none;
	struct config again;
	size_t len, again_len;
	char *text = dumped(config, &len), *again_text;

	memory_file_write(&file, text, len);
	CHECK(config_load(file.path, NULL, 0, &again, &none) == 0);
	CHECK(again.addresses_are_default == config->addresses_are_default);
	again_text = dumped(&again, &again_len);
	CHECK(again_len == len && memcmp(again_text, text, len) == 0);
	free(text);
	free(again_text);
}

static struct diagnostics diagnostics;

/*
 * Loads a configuration and checks the result.  Returns whether it was accepted;
 * if not, the mistakes are in `diagnostics`.
 */
static inline int checked_load(const struct memory_file *file, size_t n_lines,
			       const char *const *overrides, size_t n_overrides,
			       struct config *ret_config)
{
	int r;

	memset(ret_config, 0xa5, sizeof(*ret_config));
	memset(&diagnostics, 0xa5, sizeof(diagnostics));
	r = config_load(file->path, overrides, n_overrides, ret_config, &diagnostics);
	if (r < 0) {
		for (size_t i = 0; i < sizeof(*ret_config); i++)
			CHECK(((const unsigned char *)ret_config)[i] == 0xa5);
		check_mistakes(&diagnostics, file->path, n_lines);
		return 0;
	}
	CHECK(r == 0 && diagnostics.len == 0 && !diagnostics.text[0] && diagnostics.omitted == 0);
	check_dump(ret_config);
	return 1;
}

#endif
