/* SPDX-License-Identifier: MIT */
#include "ipc/command_line.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Returns false if WORD and its NUL do not fit. */
static bool append_word(struct scoreboard *board, uint32_t *len, const char *word)
{
	size_t size = strlen(word) + 1;

	if (size > sizeof(board->command_line) - *len)
		return false;
	memcpy(board->command_line + *len, word, size);
	*len += (uint32_t)size;
	return true;
}

int command_line_note(struct scoreboard *board, const struct options *options)
{
	char directory[PATH_MAX] = "", path[2 * PATH_MAX];
	uint32_t len = 0;
	bool fits;

	atomic_store(&board->command_line_bytes, 0);
	if (options->config_path[0] != '/' && !getcwd(directory, sizeof(directory)))
		return -errno;
	snprintf(path, sizeof(path), "%s%s%s", directory, directory[0] ? "/" : "",
		 options->config_path);
	fits = append_word(board, &len, path);
	for (size_t i = 0; i < options->n_overrides && fits; i++)
		fits = append_word(board, &len, options->overrides[i]);
	if (!fits)
		return -E2BIG;
	atomic_store(&board->command_line_bytes, len);
	return 0;
}

int command_line_read(struct scoreboard *board, struct options *ret_options)
{
	struct options options = {.action = ACTION_RUN, .config_path = board->command_line};
	uint32_t len = atomic_load(&board->command_line_bytes);

	if (len == 0)
		return -ENODATA;
	if (len > sizeof(board->command_line) || board->command_line[len - 1] != '\0')
		return -EBADMSG;
	for (size_t at = strlen(options.config_path) + 1; at < len;
	     at += strlen(board->command_line + at) + 1) {
		if (options.n_overrides == OPTIONS_MAX_OVERRIDES)
			return -EBADMSG;
		options.overrides[options.n_overrides++] = board->command_line + at;
	}
	*ret_options = options;
	return 0;
}
