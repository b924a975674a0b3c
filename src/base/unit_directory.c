/* SPDX-License-Identifier: MIT */
#include "base/unit_directory.h"

#include <stdlib.h>
#include <string.h>

bool unit_directory(const char *variable, char *buf, size_t size)
{
	const char *list = getenv(variable);
	size_t len = list ? strcspn(list, ":") : 0;

	buf[0] = '\0';
	if (len == 0 || list[0] != '/' || len >= size)
		return false;
	memcpy(buf, list, len);
	buf[len] = '\0';
	return true;
}
