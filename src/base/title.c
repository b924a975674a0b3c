/* SPDX-License-Identifier: MIT */
#include "base/title.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* NULL: this process keeps its command line. */
static struct title *shown;

/*
 * Fills in the fields of *MAP from /proc/self/stat, proc_pid_stat(5).  Returns 0 or -errno.
 * The kernel takes all fields at once, so the others must have their present values.
 */
static int read_map(struct prctl_mm_map *map)
{
	char text[1024];
	const char *fields;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t len;
	/* start_data to env_end are the fields 45 to 51; 3 is the first after the name. */
	unsigned long long v[3], w[7];

	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len < 0)
		return -errno;
	text[len] = '\0';
	fields = strrchr(text, ')');
	if (!fields ||
	    sscanf(fields + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
		   "%*u %*u %*d %*u %llu %llu %llu %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %*d "
		   "%*u %*u %*u %*u %*d %llu %llu %llu %llu %llu %llu %llu",
		   &v[0], &v[1], &v[2], &w[0], &w[1], &w[2], &w[3], &w[4], &w[5], &w[6]) != 10)
		return -EPROTO;
	*map = (struct prctl_mm_map){
		.start_code = v[0], .end_code = v[1], .start_stack = v[2],
		.start_data = w[0], .end_data = w[1], .start_brk = w[2],
		.arg_start = w[3], .arg_end = w[4], .env_start = w[5], .env_end = w[6],
		.brk = (uintptr_t)sbrk(0), .exe_fd = UINT32_MAX,
	};
	return 0;
}

int title_init(struct title *title)
{
	struct prctl_mm_map map;
	int r = read_map(&map);

	if (r < 0)
		return r;
	map.arg_start = (uintptr_t)title->text;
	map.arg_end = map.arg_start + sizeof(title->text);
	/* The kernel shows the text up to its NUL only if the last byte is not NUL. */
	title->text[sizeof(title->text) - 1] = '.';
	if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0) < 0)
		return -errno;
	shown = title;
	return 0;
}

void title_set_role(const char *role)
{
	if (!shown)
		return;
	shown->role_len = (unsigned)snprintf(shown->text, sizeof(shown->text) - 1, "%s%s",
					     TITLE_NAME, role);
}

void title_set_detail(const char *detail)
{
	size_t len = strlen(detail) + 1;

	if (shown && shown->role_len + len < sizeof(shown->text))
		memcpy(shown->text + shown->role_len, detail, len);
}
