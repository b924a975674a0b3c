/* SPDX-License-Identifier: MIT */
/*
 * A library for LD_PRELOAD: CLOCK_REALTIME is ahead by the seconds in the file STORM_CLOCK, which
 * a test writes in place, as one signed 64-bit number.  All other clocks tell the true time.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int (*next_clock_gettime)(clockid_t, struct timespec *);
static const volatile int64_t *offset;

__attribute__((constructor)) static void find_offset(void)
{
	const char *path = getenv("STORM_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map;

	next_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT,
									  "clock_gettime");
	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(*offset), PROT_READ, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		offset = map;
	close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int r = next_clock_gettime(clock, ret);

	if (r == 0 && clock == CLOCK_REALTIME && offset)
		ret->tv_sec += (time_t)*offset;
	return r;
}
