/* SPDX-License-Identifier: MIT */
/*
 * echo-logd(8): reads the options, prepares the service and runs the master's
 * loop, which forks the workers and the logger.
 */
#include <stdio.h>

#include "base/exit_status.h"
#include "base/journal.h"
#include "config/config.h"
#include "config/config_host.h"
#include "config/config_keys.h"
#include "config/config_load.h"
#include "config/options.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/recover.h"
#include "master/service.h"
#include "master/startup.h"

/* --check-config and --dump-config: prints, and starts nothing.  Returns the exit status. */
static int show_config(const struct options *options)
{
	static struct diagnostics diagnostics;
	static struct config config;

	if (config_load(options->config_path, options->overrides, options->n_overrides, &config,
			&diagnostics) < 0) {
		config_print_mistakes(&diagnostics, stderr);
		return STATUS_CONFIG;
	}
	if (options->action == ACTION_DUMP_CONFIG)
		config_dump(&config, stdout);
	else if (config_host_check(options->config_path, &config, options->strict, stderr) > 0 &&
		 options->strict)
		return STATUS_CONFIG;
	return fflush(stdout) == 0 ? STATUS_CLEAN : STATUS_CANNOT_GO_ON;
}

/* Each step returns STATUS_CLEAN, or logs why the service cannot continue. */
static int run_service(struct service *s)
{
	int status = startup_open_process();

	if (status == STATUS_CLEAN)
		status = recover_previous_run(s);
	if (status == STATUS_CLEAN)
		status = startup_load_config(s);
	if (status == STATUS_CLEAN)
		status = startup_prepare(s);
	if (status == STATUS_CLEAN)
		status = master_run(s);
	/* systemd drops what it stored for a unit that fails to start: save the records first. */
	if (status == STATUS_CANNOT_START || status == STATUS_CONFIG)
		status = recover_spill(s, status);
	if (status != STATUS_CLEAN)
		notify_failed(s, status);
	journal_flush();
	return status;
}

int main(int argc, char *argv[])
{
	static struct options options;
	static struct service service = SERVICE_INIT;
	int status;

	if (!options_parse(argc, argv, &options, &status))
		return status;
	if (options.action != ACTION_RUN)
		return show_config(&options);
	service.options = &options;
	return run_service(&service);
}
