/* SPDX-License-Identifier: MIT */
/*
 * Exit statuses of the daemon, that is, of the master.  They are a stable
 * interface: echo-logd(8) lists them, and the unit uses some in
 * RestartPreventExitStatus=.  The statuses of the logger are in logger.h,
 * those of a worker in worker.h.
 */
#ifndef ECHO_LOGD_EXIT_STATUS_H
#define ECHO_LOGD_EXIT_STATUS_H

enum exit_status {
	STATUS_CLEAN = 0,		/* stopped; every record in the pipes was written */
	STATUS_CANNOT_START = 1,	/* port, log or memory is not available; see stderr */
	STATUS_USAGE = 2,		/* the command line is wrong */
	STATUS_CANNOT_GO_ON = 4,	/* a resource that it needs failed while it ran */
	STATUS_CONFIG = 6,		/* invalid configuration; stderr lists every mistake */
	STATUS_RECORDS_LOST = 150,	/* stopped; some records could not be saved */
};

#endif
