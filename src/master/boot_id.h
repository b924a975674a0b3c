/* SPDX-License-Identifier: MIT */
/* Which boot of the machine this is.  Called by the master. */
#ifndef ECHO_LOGD_BOOT_ID_H
#define ECHO_LOGD_BOOT_ID_H

#include <systemd/sd-id128.h>

/*
 * Writes 32 hex digits: $ECHO_LOGD_BOOT_ID, which the unit sets since it
 * hides /proc/sys, or what the kernel says there; "" where neither is.
 */
void boot_id_get(char ret_text[SD_ID128_STRING_MAX]);

#endif
