/* SPDX-License-Identifier: MIT */
#include "master/boot_id.h"

#include <stdlib.h>

void boot_id_get(char ret_text[SD_ID128_STRING_MAX])
{
	const char *given = getenv("ECHO_LOGD_BOOT_ID");
	sd_id128_t id;

	ret_text[0] = '\0';
	if ((given && sd_id128_from_string(given, &id) >= 0) || sd_id128_get_boot(&id) >= 0)
		sd_id128_to_string(id, ret_text);
}
