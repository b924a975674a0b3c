/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/config_load.h"
#include "config/options.h"
#include "ctl/board.h"
#include "ctl/ctl.h"
#include "ctl/runtime.h"
#include "ipc/command_line.h"

/* The same check as echo-logd --check-config. */
static bool check_file(const struct options *options)
{
	static struct diagnostics diagnostics;
	static struct config config;

	if (config_load(options->config_path, options->overrides, options->n_overrides, &config,
			&diagnostics) == 0)
		return true;
	config_print_mistakes(&diagnostics, stderr);
	fputs("echo-logctl: not reloaded; the running configuration stays\n", stderr);
	return false;
}

/*
 * True if a reload that began after our signal is over, and all idle workers
 * use the new configuration.
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

static void print_obstacle(struct scoreboard *board)
{
	int no_logger = atomic_load(&board->no_logger_errno);
	int stalled = atomic_load(&board->stalled_errno);

	if (no_logger != 0 || stalled != 0)
		fprintf(stderr, "the log cannot be written: %s; ",
			strerror(no_logger != 0 ? no_logger : stalled));
	fputs("echo-logd is still at it, see echo-logctl status\n", stderr);
}

/* Replaces control characters, which could change the state of a terminal. */
static void print_reload_words(const struct scoreboard *board, const char *before)
{
	const char *words = board->reload_words;

	fprintf(stderr, "echo-logctl: %s", before);
	for (size_t i = 0; i < sizeof(board->reload_words) && words[i]; i++)
		fputc(isprint((unsigned char)words[i]) ? words[i] : '?', stderr);
	fputc('\n', stderr);
}

int ctl_reload(const struct ctl_arguments *arguments)
{
	static struct options options;
	const char *directory = arguments->directory;
	struct scoreboard *board;
	int r;

	board = runtime_open(directory);
	if (!board)
		return CTL_FAILED;
	if (!board_master_lives(atomic_load(&board->master_pid))) {
		runtime_report_dead(directory, atomic_load(&board->master_pid));
		return CTL_FAILED;
	}
	if (command_line_read(board, &options) < 0) {
		fputs("echo-logctl: the command line of this echo-logd is too long to be known "
		      "here; send SIGHUP to its master instead\n",
		      stderr);
		return CTL_FAILED;
	}
	if (!check_file(&options))
		return CTL_FAILED;
	r = runtime_ask(board, directory, SIGHUP, &board->reloads_asked, is_done, print_obstacle);
	if (r != CTL_WELL)
		return r;
	if (atomic_load(&board->reload_refused)) {
		print_reload_words(board, "not reloaded: ");
		return CTL_FAILED;
	}
	if (board->reload_words[0])
		print_reload_words(board, "reloaded, but ");
	return CTL_WELL;
}
