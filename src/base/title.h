/* SPDX-License-Identifier: MIT */
/*
 * The title of a process: what ps(1) and `systemctl status` show as its
 * command line, such as "echo-logd: worker 192.0.2.7:53412".  The name of the
 * process (comm, prctl(2)) is another thing.  Called by any process.
 *
 * The kernel reads the title from the memory of the process.  The master tells
 * it once where the title is, and a child has its own copy at the same
 * address.  So a change is a copy of some bytes, and no system call.
 */
#ifndef ECHO_LOGD_TITLE_H
#define ECHO_LOGD_TITLE_H

#include "base/peer_name.h"

#define TITLE_NAME "echo-logd: "

struct title {
	/* NUL-terminated; the last byte is not NUL, see title_init(). */
	char text[sizeof(TITLE_NAME "worker ") + PEER_NAME_SIZE];
	unsigned role_len;	/* length of the part before the detail */
};

/*
 * Makes TITLE, which must outlive the process, the title of this process and
 * of those that it forks.  Returns 0, or -errno if the kernel refuses that
 * (PR_SET_MM_MAP needs CONFIG_CHECKPOINT_RESTORE) or /proc is missing.  Then
 * the command line stays, and the functions below have no effect.
 */
int title_init(struct title *title);

/* Sets the whole title: "echo-logd: " and ROLE. */
void title_set_role(const char *role);

/* Sets what follows the role. */
void title_set_detail(const char *detail);

#endif
