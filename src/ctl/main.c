/* SPDX-License-Identifier: MIT */
#include "ctl/arguments.h"

int main(int argc, char *argv[])
{
	struct ctl_arguments arguments;
	int status;
	ctl_command *run = arguments_parse(argc, argv, &arguments, &status);

	return run ? run(&arguments) : status;
}
