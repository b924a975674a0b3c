/* SPDX-License-Identifier: MIT */
/*
 * Base64 with padding (RFC 4648, section 4): data of records that escapes
 * would make longer, or that JSON strings cannot hold.  echo-logd-log(5)
 * says when which is used; record_message.c decides it.
 *
 * Pure; nothing here allocates.  Any process may call it.
 */
#ifndef ECHO_LOGD_BASE64_H
#define ECHO_LOGD_BASE64_H

#include <stddef.h>
#include <sys/types.h>

/* Characters that IN_LEN bytes become. */
#define base64_size(in_len) (((in_len) + 2) / 3 * 4)

/*
 * Encodes all of IN to OUT, which needs base64_size(IN_LEN) bytes.  Returns
 * the number of characters written, which is base64_size(IN_LEN); no NUL.
 */
size_t base64_encode(char *out, const void *in, size_t in_len);

/*
 * Decodes all of IN to OUT, which needs IN_LEN / 4 * 3 bytes.  Returns the
 * number of bytes written, or -EBADMSG for text that base64_encode() would
 * not have written; OUT may be overwritten then.
 */
ssize_t base64_decode(void *out, const char *in, size_t in_len);

#endif
