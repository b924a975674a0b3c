/* SPDX-License-Identifier: MIT */
#include "master/stdout_warning.h"

#include "base/journal.h"

void stdout_warning(const struct config *config, const struct config *running)
{
	if (!config_logs_to_stdout(config) || (running && config_logs_to_stdout(running)) ||
	    !journal_shares_stdout())
		return;
	journal_warning("stdout and stderr are the same file, so messages of the daemon are "
			"written into the log; redirect stderr elsewhere, in a unit with "
			"StandardError=journal");
}
