/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "build.h"
#include "ctl/ctl.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char *argv[]);
	const char *arguments, *help;
} commands[] = {
	{"status", ctl_status, "[--json] [--runtime DIR]",
	 "show what the daemon does, and its account of every byte"},
	{"reload", ctl_reload, "[--runtime DIR]",
	 "check the configuration and reload it; wait until it has taken effect"},
	{"reopen", ctl_reopen, "[--runtime DIR]",
	 "open the log again after it was renamed; wait until that is done"},
	{"verify", ctl_verify, "FILE...",
	 "check that nothing in the log is missing, doubled or torn"},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int print_help(void)
{
	puts("Usage: echo-logctl COMMAND [ARGUMENT]...\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %s %s\n        %s\n", commands[i].name, commands[i].arguments,
		       commands[i].help);
	puts("\n  --version, --help\n\nSee echo-logctl(1).");
	return fflush(stdout) == 0 ? CTL_WELL : CTL_FAILED;
}

static int print_version(void)
{
	puts("echo-logctl " PACKAGE_VERSION);
	return fflush(stdout) == 0 ? CTL_WELL : CTL_FAILED;
}

int main(int argc, char *argv[])
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return print_help();
	if (strcmp(name, "--version") == 0)
		return print_version();
	if (argc > 1)
		fprintf(stderr, "echo-logctl: unknown command: %s\n", name);
	fputs("Try 'echo-logctl --help'.\n", stderr);
	return CTL_USAGE;
}
