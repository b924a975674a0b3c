/* SPDX-License-Identifier: MIT */
/* The id of the running boot of this machine.  Called by the master only. */
#ifndef ECHO_LOGD_BOOT_ID_H
#define ECHO_LOGD_BOOT_ID_H

#include <systemd/sd-id128.h>

/*
 * Writes the boot id as 32 hex digits: $ECHO_LOGD_BOOT_ID if it is a valid id,
 * else the id that the kernel names in /proc/sys, or "" without either.  The
 * unit sets the variable because its sandbox hides /proc/sys.
 */
void boot_id_get(char ret_text[SD_ID128_STRING_MAX]);

#endif
