/* SPDX-License-Identifier: MIT */
#include "master/backoff.h"

#define FIRST_WAIT_USEC 20000

uint64_t backoff_usec(unsigned failures, unsigned free, uint64_t longest_usec)
{
	uint64_t wait_usec = FIRST_WAIT_USEC;

	if (failures <= free)
		return 0;
	for (unsigned i = free + 1; i < failures && wait_usec < longest_usec; i++)
		wait_usec *= 2;
	return wait_usec < longest_usec ? wait_usec : longest_usec;
}
