/* SPDX-License-Identifier: MIT */
#include "runtime.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "board.h"

static bool refuse(void)
{
	fputs("Try 'echo-logctl --help'.\n", stderr);
	return false;
}

bool runtime_parse(int argc, char *argv[], const char **ret_directory, bool *ret_json)
{
	static const struct option all[] = {
		{"runtime", required_argument, NULL, 'r'},
		{"json", no_argument, NULL, 'j'},
		{0},
	}, without_json[] = {
		{"runtime", required_argument, NULL, 'r'},
		{0},
	};
	static char program[] = "echo-logctl";
	const char *command = argv[0];
	int option;

	argv[0] = program;	/* getopt_long(3) begins its messages with it */
	*ret_directory = ECHO_LOGD_RUNTIME_DIR;
	while ((option = getopt_long(argc, argv, "", ret_json ? all : without_json, NULL)) != -1) {
		if (option == 'r')
			*ret_directory = optarg;
		else if (option == 'j')
			*ret_json = true;
		else
			return refuse();
	}
	if (optind == argc)
		return true;
	fprintf(stderr, "echo-logctl: %s: %s takes no such argument\n", argv[optind], command);
	return refuse();
}

#define ELSEWHERE "a service that runs has another runtime directory: see --runtime"

struct scoreboard *runtime_open(const char *directory)
{
	struct scoreboard *board;
	int r = board_open(directory, &board);

	if (r == 0)
		return board;
	fprintf(stderr, "echo-logctl: %s/scoreboard: ", directory);
	if (r == -ENOENT || r == -ENOTDIR)
		fputs("not there: no echo-logd is running, or " ELSEWHERE "\n", stderr);
	else if (r == -EACCES)
		fputs("permission denied: be a member of the group echo-logd, or use sudo\n", stderr);
	else if (r == -EPROTONOSUPPORT)
		fputs("made by another version of echo-logd than this echo-logctl\n", stderr);
	else if (r == -EBADMSG || r == -ELOOP)
		fputs("not a scoreboard of echo-logd, or damaged\n", stderr);
	else
		fprintf(stderr, "%s\n", strerror(-r));
	return NULL;
}

void runtime_say_dead(const char *directory, pid_t pid)
{
	fprintf(stderr, "echo-logctl: %s/scoreboard: its echo-logd, process %d, is gone; " ELSEWHERE "\n",
		directory, (int)pid);
}
