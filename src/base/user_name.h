/* SPDX-License-Identifier: MIT */
/* The name of a user, for messages.  Asks getpwuid(3): master and tools only. */
#ifndef ECHO_LOGD_USER_NAME_H
#define ECHO_LOGD_USER_NAME_H

#include <stddef.h>

/* The effective user of this process, by name or else by number, as chown(1) takes it. */
void user_name(char *text, size_t size);

#endif
