/* SPDX-License-Identifier: MIT */
/*
 * The directories that systemd makes for a unit, which it names in the
 * environment: RUNTIME_DIRECTORY, STATE_DIRECTORY, LOGS_DIRECTORY,
 * systemd.exec(5).  Any process may call it.
 */
#ifndef ECHO_LOGD_UNIT_DIRECTORY_H
#define ECHO_LOGD_UNIT_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Copies the first directory in the environment variable VARIABLE, a list with colons, to BUF.
 * Returns false if the variable is unset, or if its first entry is not an absolute path that
 * fits in SIZE bytes; BUF is then "".
 */
bool unit_directory(const char *variable, char *buf, size_t size);

#endif
