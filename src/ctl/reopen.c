/* SPDX-License-Identifier: MIT */
#include "ctl.h"

int ctl_reopen(int argc, char *argv[])
{
	(void)argc;
	(void)argv;
	return CTL_FAILED;
}
