/* SPDX-License-Identifier: MIT */
/* Reads the configuration file as a whole.  Any process may call it. */
#ifndef ECHO_LOGD_CONFIG_FILE_H
#define ECHO_LOGD_CONFIG_FILE_H

#include <stddef.h>

/*
 * Reads the regular file at PATH to the SIZE bytes of BUF.  /dev/null is an
 * empty file.  Returns 0; or -EISDIR, -ENOTSUP if it is another kind of file,
 * -EFBIG if it does not leave a byte of BUF free, or the -errno of open(2) or
 * read(2).
 */
int config_file_read(const char *path, char *buf, size_t size, size_t *ret_len);

#endif
