/* SPDX-License-Identifier: MIT */
#include "base/user_name.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

void user_name(char *text, size_t size)
{
	const struct passwd *user = getpwuid(geteuid());

	if (user)
		snprintf(text, size, "%s", user->pw_name);
	else
		snprintf(text, size, "%u", geteuid());
}
