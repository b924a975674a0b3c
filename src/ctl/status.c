/* SPDX-License-Identifier: MIT */
#include "ctl.h"

int ctl_status(int argc, char *argv[])
{
	(void)argc;
	(void)argv;
	return CTL_FAILED;
}
