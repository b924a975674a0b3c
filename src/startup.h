/* SPDX-License-Identifier: MIT */
/* From the command line to a service that is ready to run.  Master only. */
#ifndef ECHO_LOGD_STARTUP_H
#define ECHO_LOGD_STARTUP_H

/* All of the daemon.  Returns its exit status. */
int startup_main(int argc, char *argv[]);

#endif
