/* SPDX-License-Identifier: MIT */
#include "worker/framing.h"

#include <string.h>

size_t framing_next(enum framing framing, const void *data, size_t len, size_t searched,
		    size_t max_bytes)
{
	size_t longest = len < max_bytes ? len : max_bytes;
	const char *start = data, *newline = NULL;

	if (framing == FRAMING_STREAM)
		return longest;
	if (searched < longest)
		newline = memchr(start + searched, '\n', longest - searched);
	if (newline)
		return (size_t)(newline - start) + 1;
	return len >= max_bytes ? max_bytes : 0;
}
