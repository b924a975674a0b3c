/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/exit_status.h"
#include "build.h"

enum { OPT_CHECK_CONFIG = 256, OPT_DUMP_CONFIG, OPT_STRICT, OPT_VERSION };

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"option", required_argument, NULL, 'o'},
	{"check-config", no_argument, NULL, OPT_CHECK_CONFIG},
	{"dump-config", no_argument, NULL, OPT_DUMP_CONFIG},
	{"strict", no_argument, NULL, OPT_STRICT},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const char help[] =
	"Usage: echo-logd [OPTION]...\n"
	"Echoes what TCP clients send (RFC 862), and logs each message before it is echoed.\n"
	"\n"
	"  -c, --config FILE               read FILE, not " ECHO_LOGD_CONFIG_FILE "\n"
	"  -o, --option SECTION.KEY=VALUE  set a key, whatever the file says; repeatable\n"
	"      --check-config              report every mistake and warning, and leave\n"
	"      --strict                    that check fails at a warning too\n"
	"      --dump-config               print the configuration in force and leave\n"
	"      --version                   print the version and leave\n"
	"  -h, --help                      print this and leave\n"
	"\n"
	"See echo-logd(8) and echo-logd.conf(5).\n";

static bool refuse(int *ret_status)
{
	fputs("Try 'echo-logd --help'.\n", stderr);
	*ret_status = STATUS_USAGE;
	return false;
}

static bool refuse_because(const char *why, const char *what, int *ret_status)
{
	fprintf(stderr, "echo-logd: %s: %s\n", why, what);
	return refuse(ret_status);
}

static bool print_and_exit(const char *text, int *ret_status)
{
	fputs(text, stdout);
	*ret_status = fflush(stdout) == 0 && !ferror(stdout) ? STATUS_CLEAN : STATUS_CANNOT_START;
	return false;
}

static bool is_override(const char *text)
{
	const char *dot = strchr(text, '.'), *equals = strchr(text, '=');

	return dot && equals && dot > text && equals > dot + 1;
}

static bool set_action(struct options *options, enum action action, int *ret_status)
{
	if (options->action != ACTION_RUN && options->action != action)
		return refuse_because("only one", "--check-config, --dump-config", ret_status);
	options->action = action;
	return true;
}

static bool apply_option(int option, struct options *options, int *ret_status)
{
	switch (option) {
	case 'c':
		if (!*optarg)
			return refuse_because("empty name", "--config", ret_status);
		options->config_path = optarg;
		return true;
	case 'o':
		if (!is_override(optarg))
			return refuse_because("not section.key=value", optarg, ret_status);
		if (options->n_overrides == OPTIONS_MAX_OVERRIDES)
			return refuse_because("too many options", optarg, ret_status);
		options->overrides[options->n_overrides++] = optarg;
		return true;
	case OPT_CHECK_CONFIG:
		return set_action(options, ACTION_CHECK_CONFIG, ret_status);
	case OPT_DUMP_CONFIG:
		return set_action(options, ACTION_DUMP_CONFIG, ret_status);
	case OPT_STRICT:
		options->strict = true;
		return true;
	case OPT_VERSION:
		return print_and_exit("echo-logd " PACKAGE_VERSION "\n", ret_status);
	case 'h':
		return print_and_exit(help, ret_status);
	default:
		return refuse(ret_status);	/* getopt_long(3) has printed the error */
	}
}

bool options_parse(int argc, char *argv[], struct options *ret_options, int *ret_status)
{
	struct options options = {.action = ACTION_RUN, .config_path = ECHO_LOGD_CONFIG_FILE};
	int option;

	optind = 0;	/* glibc: 0 restarts getopt_long(3) for a second call */
	while ((option = getopt_long(argc, argv, "c:o:h", long_options, NULL)) != -1)
		if (!apply_option(option, &options, ret_status))
			return false;
	if (optind < argc)
		return refuse_because("unexpected argument", argv[optind], ret_status);
	if (options.strict && options.action != ACTION_CHECK_CONFIG)
		return refuse_because("only with --check-config", "--strict", ret_status);
	*ret_options = options;
	return true;
}
