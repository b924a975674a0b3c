/* SPDX-License-Identifier: MIT */
/*
 * textbook PORT FILE: the echo server that stores messages, as textbooks have it.  Forks
 * for each client, reads 30 bytes, writes them to a pipe and echoes them.  A logger child
 * reads the pipe and stores the bytes with stdio.  The original stops logging after ten
 * reads; this one continues, so that it can be measured.
 */
#include <signal.h>
#include <sys/prctl.h>

#include "server.h"

#define BUFFER 30

static void log_messages(int pipe_fd, const char *path)
{
	char buffer[BUFFER];
	FILE *file = fopen(path, "w");
	ssize_t n;

	if (!file)
		_exit(1);
	while ((n = read(pipe_fd, buffer, sizeof(buffer))) > 0)
		fwrite(buffer, 1, (size_t)n, file);
	fclose(file);
	_exit(0);
}

static void serve(int client_fd, int pipe_fd)
{
	char buffer[BUFFER];
	ssize_t n;

	while ((n = read(client_fd, buffer, sizeof(buffer))) > 0)
		if (!server_write(pipe_fd, buffer, (size_t)n) ||
		    !server_write(client_fd, buffer, (size_t)n))
			break;
	_exit(0);
}

static int fork_child(void)
{
	int pid = fork();

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

int main(int argc, char *argv[])
{
	int pipe_fds[2];

	if (argc != 3 || pipe(pipe_fds) < 0)
		return 2;
	int listen_fd = server_listen(argv[1], false, 0);

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (fork_child() == 0) {
		close(pipe_fds[1]);
		log_messages(pipe_fds[0], argv[2]);
	}
	for (;;) {
		int client_fd = accept(listen_fd, NULL, NULL);

		if (client_fd < 0)
			continue;
		if (fork_child() == 0)
			serve(client_fd, pipe_fds[1]);
		close(client_fd);
	}
}
