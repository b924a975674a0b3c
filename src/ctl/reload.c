/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "config.h"
#include "ctl.h"
#include "options.h"
#include "runtime.h"

/* A command line of 64 options, each as long as a path may be, is the longest that means anything. */
#define COMMAND_LINE_MAX (2 * OPTIONS_MAX_OVERRIDES * PATH_MAX)
#define MAX_WORDS (4 * OPTIONS_MAX_OVERRIDES)

/* Reads the words of /proc/PID/cmdline, proc(5), to TEXT.  Returns 0 or -errno. */
static int read_command_line(pid_t pid, char *text, size_t size, size_t *ret_len)
{
	char path[32];
	size_t len = 0;
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (len < size && (n = read(fd, text + len, size - len)) > 0)
		len += (size_t)n;
	n = n < 0 ? -errno : 0;
	close(fd);
	*ret_len = len;
	if (n == 0 && (len == 0 || len == size))
		return len == 0 ? -ESRCH : -E2BIG;
	return (int)n;
}

static int split(char *text, size_t len, char *words[MAX_WORDS])
{
	int n = 0;

	for (size_t at = 0; at < len && n < MAX_WORDS - 1; at += strlen(text + at) + 1)
		words[n++] = text + at;
	words[n] = NULL;
	return n;
}

/* What the daemon was started with is what it reads again.  Its strings stay.  Returns whether it could be learnt. */
static bool learn_options(pid_t master, struct options *ret_options)
{
	static char text[COMMAND_LINE_MAX + 1];
	char *words[MAX_WORDS], directory[32];
	size_t len = 0;
	int status, r = read_command_line(master, text, COMMAND_LINE_MAX, &len);

	if (r < 0) {
		fprintf(stderr, "echo-logctl: cannot read the command line of process %d: %s\n",
			(int)master, strerror(-r));
		return false;
	}
	if (!options_parse(split(text, len, words), words, ret_options, &status))
		return false;
	snprintf(directory, sizeof(directory), "/proc/%d/cwd", (int)master);
	if (ret_options->config_path[0] != '/' && chdir(directory) < 0) {
		fprintf(stderr, "echo-logctl: cannot enter the directory of process %d, where %s is: %s\n",
			(int)master, ret_options->config_path, strerror(errno));
		return false;
	}
	return true;
}

/* As the daemon itself would: echo-logd --check-config. */
static bool check_file(const struct options *options)
{
	static struct diagnostics diagnostics;
	static struct config config;

	if (config_load(options->config_path, options->overrides, options->n_overrides, &config,
			&diagnostics) == 0)
		return true;
	fputs(diagnostics.text, stderr);
	if (diagnostics.omitted > 0)
		fprintf(stderr, "... and %u more\n", diagnostics.omitted);
	fputs("echo-logctl: not reloaded: the running configuration stays\n", stderr);
	return false;
}

/*
 * A reload that began after the master saw our signal is over, and no worker
 * waits for clients who has not heard of it.
 */
static bool is_done(struct scoreboard *board, uint32_t asked)
{
	if ((int32_t)(atomic_load(&board->reloads_done) - asked) <= 0)
		return false;
	if (atomic_load(&board->reload_refused))
		return true;
	for (unsigned i = 0; i < board->n_slots; i++)
		if (atomic_load(&board->states[i]) == SLOT_IDLE &&
		    atomic_load(&scoreboard_slot(board, i)->generation) !=
			    atomic_load(&board->generation))
			return false;
	return true;
}

static void say_obstacle(struct scoreboard *board)
{
	int no_logger = atomic_load(&board->no_logger_errno);
	int stalled = atomic_load(&board->stalled_errno);

	if (no_logger != 0 || stalled != 0)
		fprintf(stderr, "the log takes nothing: %s; ",
			strerror(no_logger != 0 ? no_logger : stalled));
	fputs("echo-logd goes on with it; see its status\n", stderr);
}

/* The words are the daemon's, and may speak of anything: none of it steers a terminal. */
static void say_words(const struct scoreboard *board, const char *before)
{
	const char *words = board->reload_words;

	fprintf(stderr, "echo-logctl: %s", before);
	for (size_t i = 0; i < sizeof(board->reload_words) && words[i]; i++)
		fputc(isprint((unsigned char)words[i]) ? words[i] : '?', stderr);
	fputc('\n', stderr);
}

int ctl_reload(int argc, char *argv[])
{
	static struct options options;
	struct scoreboard *board;
	const char *directory;
	int r;

	if (!runtime_parse(argc, argv, &directory, NULL))
		return CTL_USAGE;
	board = runtime_open(directory);
	if (!board)
		return CTL_FAILED;
	if (!board_master_lives(atomic_load(&board->master_pid))) {
		runtime_say_dead(directory, atomic_load(&board->master_pid));
		return CTL_FAILED;
	}
	if (!learn_options(atomic_load(&board->master_pid), &options) || !check_file(&options))
		return CTL_FAILED;
	r = runtime_ask(board, directory, SIGHUP, &board->reloads_asked, is_done, say_obstacle);
	if (r != CTL_WELL)
		return r;
	if (atomic_load(&board->reload_refused)) {
		say_words(board, "not reloaded: ");
		return CTL_FAILED;
	}
	if (board->reload_words[0])
		say_words(board, "reloaded, but ");
	return CTL_WELL;
}
