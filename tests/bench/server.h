/* SPDX-License-Identifier: MIT */
/* What the servers share that are compared with echo-logd. */
#ifndef ECHO_LOGD_TESTS_BENCH_SERVER_H
#define ECHO_LOGD_TESTS_BENCH_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Listens on PORT of 127.0.0.1; ends the program if that fails. */
static inline int server_listen(const char *port, bool nodelay, int flags)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | flags, 0);

	address.sin_port = htons((uint16_t)atoi(port));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (nodelay)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4096) < 0) {
		perror("listen");
		exit(1);
	}
	return fd;
}

/* Writes all DATA.  Returns false if the client is gone. */
static inline bool server_write(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

#endif
