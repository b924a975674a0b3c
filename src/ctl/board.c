/* SPDX-License-Identifier: MIT */
#include "ctl/board.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The process name of the master, or of a test build, begins with this.  Workers and loggers
 * have other names.
 */
#define MASTER_COMM "echo-logd"

static int map(int fd, struct scoreboard **ret_board)
{
	struct scoreboard *board;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < sizeof(*board))
		return -EBADMSG;
	board = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (board == MAP_FAILED)
		return -errno;
	r = scoreboard_check(board, (uint64_t)st.st_size);
	if (r < 0)
		munmap(board, (size_t)st.st_size);
	else
		*ret_board = board;
	return r;
}

int board_open(const char *directory, struct scoreboard **ret_board)
{
	char path[PATH_MAX];
	int fd, r;

	if (snprintf(path, sizeof(path), "%s/scoreboard", directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	/* The path may be a FIFO, a device or a link: opening it must not wait or have effects. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = map(fd, ret_board);
	close(fd);
	return r;
}

/* Reads "PID (COMM) STATE ...", proc(5).  Returns false if it cannot be read. */
static bool read_stat(pid_t pid, char *text, size_t size)
{
	char path[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

bool board_master_lives(pid_t pid)
{
	char text[128];
	const char *name, *end;

	/* kill(2) sends to process groups, or to all processes, if the pid is not positive. */
	if (pid <= 0 || (kill(pid, 0) < 0 && errno != EPERM))
		return false;
	/* Not readable, as with hidepid, proc(5): only the PID could be checked. */
	if (!read_stat(pid, text, sizeof(text)))
		return true;
	name = strchr(text, '(');
	end = strrchr(text, ')');
	return name && end && strncmp(name + 1, MASTER_COMM, strlen(MASTER_COMM)) == 0 &&
	       strncmp(end, ") Z", 3) != 0 && strncmp(end, ") X", 3) != 0;
}
