/* SPDX-License-Identifier: MIT */
#include "ctl.h"

int ctl_verify(int argc, char *argv[])
{
	(void)argc;
	(void)argv;
	return CTL_FAILED;
}
