/* SPDX-License-Identifier: MIT */
#include "ctl/arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "build.h"

/* What a command takes. */
enum { TAKES_JSON = 1, TAKES_RUNTIME = 2, TAKES_FILES = 4 };

static const struct command {
	const char *name;
	ctl_command *run;
	unsigned takes;
	const char *help, *exit_statuses;
} commands[] = {
	{"status", ctl_status, TAKES_JSON | TAKES_RUNTIME,
	 "show what the daemon does, and its account of every byte",
	 "  0  the daemon runs or starts, and has no problem\n"
	 "  1  it does not run, or its scoreboard cannot be read\n"
	 "  2  the command line is wrong\n"
	 "  3  it runs or starts, but has a problem: the log is stalled, the message limit\n"
	 "     was reached, the last reload was refused, or a shortage lasts\n"},
	{"reload", ctl_reload, TAKES_RUNTIME,
	 "check the configuration and reload it; wait until it has taken effect",
	 "  0  the new configuration is in force\n"
	 "  1  it is not\n"
	 "  2  the command line is wrong\n"},
	{"reopen", ctl_reopen, TAKES_RUNTIME,
	 "open the log again after it was renamed; wait until that is done",
	 "  0  the file of this name is in use\n"
	 "  1  it is not\n"
	 "  2  the command line is wrong\n"},
	{"verify", ctl_verify, TAKES_FILES,
	 "check that nothing in the log is missing, doubled or torn",
	 "  0  there is no problem\n"
	 "  1  there are problems\n"
	 "  2  a file cannot be read, or holds no records in text or JSON; or the command line\n"
	 "     is wrong\n"},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct option long_options[] = {
	{"json", no_argument, NULL, 'j'},
	{"runtime", required_argument, NULL, 'r'},
	{"version", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* What the options said. */
struct options {
	const char *directory;	/* NULL: no --runtime */
	bool json, version, help;
};

static void print_usage(const struct command *command)
{
	printf("%s%s%s%s", command->name, command->takes & TAKES_JSON ? " [--json]" : "",
	       command->takes & TAKES_RUNTIME ? " [--runtime DIR]" : "",
	       command->takes & TAKES_FILES ? " FILE..." : "");
}

static void print_help_of(const struct command *command)
{
	fputs("Usage: echo-logctl ", stdout);
	print_usage(command);
	printf("\n\n        %s\n\n", command->help);
	if (command->takes & TAKES_FILES)
		puts("  FILE           a log, a rotated log or a spill, in any order; - is stdin");
	if (command->takes & TAKES_JSON)
		puts("  --json         print one JSON object");
	if (command->takes & TAKES_RUNTIME)
		puts("  --runtime DIR  the daemon with this runtime directory, not "
		     ECHO_LOGD_RUNTIME_DIR);
	puts("  -h, --help     print this and leave\n\nExit status:");
	fputs(command->exit_statuses, stdout);
	puts("\nSee echo-logctl(1).");
}

static void print_help(void)
{
	puts("Usage: echo-logctl COMMAND [ARGUMENT]...\n");
	for (const struct command *command = commands; command < commands + N_COMMANDS; command++) {
		fputs("  ", stdout);
		print_usage(command);
		printf("\n        %s\n", command->help);
	}
	puts("\n  --version, --help\n\n"
	     "COMMAND --help describes a command.  Options may also come before COMMAND.\n"
	     "See echo-logctl(1).");
}

static int refuse(void)
{
	fputs("Try 'echo-logctl --help'.\n", stderr);
	return CTL_USAGE;
}

/* Reads the options of ARGV; with SHORT_OPTIONS "+h", those before its first other argument. */
static bool read_options(int argc, char *argv[], const char *short_options,
			 struct options *options)
{
	static char program[] = "echo-logctl";
	int option;

	argv[0] = program;	/* getopt_long(3) puts it before its messages */
	optind = 0;		/* glibc: 0 restarts getopt_long(3) for a second call */
	while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		if (option == 'j')
			options->json = true;
		else if (option == 'r')
			options->directory = optarg;
		else if (option == 'v')
			options->version = true;
		else if (option == 'h')
			options->help = true;
		else
			return false;
	}
	return true;
}

static const struct command *find_command(const char *name)
{
	for (const struct command *command = commands; command < commands + N_COMMANDS; command++)
		if (strcmp(name, command->name) == 0)
			return command;
	return NULL;
}

/* Returns CTL_WELL if COMMAND takes OPTIONS and FILES, or CTL_USAGE after an error message. */
static int check(const struct command *command, const struct options *options, char *const *files)
{
	const char *not_taken = NULL;

	if (options->directory && !(command->takes & TAKES_RUNTIME))
		not_taken = "--runtime";
	else if (options->json && !(command->takes & TAKES_JSON))
		not_taken = "--json";
	if (not_taken)
		fprintf(stderr, "echo-logctl: %s: not an option of %s\n", not_taken, command->name);
	else if (*files && !(command->takes & TAKES_FILES))
		fprintf(stderr, "echo-logctl: %s: not an argument of %s\n", *files, command->name);
	else if (!*files && (command->takes & TAKES_FILES))
		fprintf(stderr, "echo-logctl: %s needs a file, or - for stdin\n", command->name);
	else
		return CTL_WELL;
	return refuse();
}

/* The exit status after something was printed to stdout. */
static int end_output(void)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? CTL_WELL : CTL_FAILED;
}

ctl_command *arguments_parse(int argc, char *argv[], struct ctl_arguments *ret_arguments,
			     int *ret_status)
{
	const struct command *command = NULL;
	struct options options = {0};

	*ret_status = CTL_USAGE;
	if (!read_options(argc, argv, "+h", &options)) {
		refuse();
		return NULL;
	}
	if (optind < argc) {
		command = find_command(argv[optind]);
		if (!command)
			fprintf(stderr, "echo-logctl: unknown command: %s\n", argv[optind]);
		argc -= optind;
		argv += optind;
		if (!command || !read_options(argc, argv, "h", &options)) {
			refuse();
			return NULL;
		}
	}
	if (options.version || options.help) {
		if (options.version)
			puts("echo-logctl " PACKAGE_VERSION);
		else if (command)
			print_help_of(command);
		else
			print_help();
		*ret_status = end_output();
		return NULL;
	}
	if (!command) {
		refuse();
		return NULL;
	}
	*ret_status = check(command, &options, argv + optind);
	*ret_arguments = (struct ctl_arguments){
		.directory = options.directory ? options.directory : ECHO_LOGD_RUNTIME_DIR,
		.json = options.json,
		.n_files = (unsigned)(argc - optind),
		.files = argv + optind,
	};
	return *ret_status == CTL_WELL ? command->run : NULL;
}
