/* SPDX-License-Identifier: MIT */
/*
 * floor PORT: the least work that a server with a process for each client can do.
 * Forks for each client, echoes what it reads, and logs nothing.  The other servers
 * are compared with it.
 */
#include <signal.h>
#include <sys/prctl.h>

#include "server.h"

static char buffer[64 * 1024];

static void serve(int client_fd)
{
	ssize_t n;

	while ((n = read(client_fd, buffer, sizeof(buffer))) > 0)
		if (!server_write(client_fd, buffer, (size_t)n))
			return;
}

int main(int argc, char *argv[])
{
	if (argc != 2)
		return 2;
	int listen_fd = server_listen(argv[1], true, 0);

	signal(SIGCHLD, SIG_IGN);	/* no zombies */
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int client_fd = accept(listen_fd, NULL, NULL);

		if (client_fd < 0)
			continue;
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listen_fd);
			serve(client_fd);
			_exit(0);
		}
		close(client_fd);
	}
}
