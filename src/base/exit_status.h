/* SPDX-License-Identifier: MIT */
/*
 * Exit statuses of the daemon: API, named in echo-logd(8) and in the unit's
 * RestartPreventExitStatus=.  The logger's own statuses are in logger.h.
 */
#ifndef ECHO_LOGD_EXIT_STATUS_H
#define ECHO_LOGD_EXIT_STATUS_H

enum exit_status {
	STATUS_CLEAN = 0,		/* stopped, and the pipes were drained */
	STATUS_CANNOT_START = 1,	/* stderr names what is missing: port, log, memory */
	STATUS_USAGE = 2,		/* the command line is wrong */
	STATUS_CANNOT_GO_ON = 4,	/* ran, then lost something it cannot work without */
	STATUS_CONFIG = 6,		/* the configuration is wrong; every mistake is on stderr */
	STATUS_RECORDS_LOST = 150,	/* stopped with records that could not be stored */
};

#endif
