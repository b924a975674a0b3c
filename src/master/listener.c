/* SPDX-License-Identifier: MIT */
#include "master/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/net.h"

/* The kernel lowers it to net.core.somaxconn. */
#define BACKLOG 65535

static bool kernel_lacks(int r)
{
	return r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL;
}

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int listen_on(const struct sockaddr_storage *address, socklen_t len, bool dual_stack)
{
	int fd, r;

	fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r == 0 && address->ss_family == AF_INET6)
		r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual_stack);
	if (r == 0 && bind(fd, (const struct sockaddr *)address, len) < 0)
		r = -errno;
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static void name_listener(const char *text, uint16_t port, char ret_name[PEER_NAME_SIZE])
{
	bool is_ipv6 = strchr(text, ':');

	snprintf(ret_name, PEER_NAME_SIZE, "%s%s%s:%u", is_ipv6 ? "[" : "", text,
		 is_ipv6 ? "]" : "", port);
}

/* TEXT is an address or "*": every IPv4 address, and every IPv6 one if the kernel has IPv6. */
static int open_one(const char *text, uint16_t port)
{
	bool any = strcmp(text, "*") == 0;
	struct sockaddr_storage address;
	socklen_t len;
	int fd, r;

	r = net_parse(any ? "::" : text, port, &address, &len);
	if (r < 0)
		return r;
	fd = listen_on(&address, len, any);
	if (any && kernel_lacks(fd)) {
		r = net_parse("0.0.0.0", port, &address, &len);
		if (r < 0)
			return r;
		fd = listen_on(&address, len, false);
	}
	return fd;
}

static const struct listener *find(const struct listeners *listeners, const char *name)
{
	for (unsigned i = 0; listeners && i < listeners->n; i++)
		if (strcmp(listeners->item[i].name, name) == 0)
			return &listeners->item[i];
	return NULL;
}

static void close_new(struct listeners *opened, const struct listeners *running)
{
	for (unsigned i = 0; i < opened->n; i++)
		if (!find(running, opened->item[i].name))
			close(opened->item[i].fd);
}

/*
 * Opens or reuses a socket for each address of CONFIG.  Returns 0 or -errno; *OPENED holds
 * the open sockets in both cases.
 */
static int open_all(const struct config *config, const struct listeners *running,
		    struct listeners *opened, char *skipped, size_t skipped_size)
{
	size_t len = 0;

	opened->n = 0;
	skipped[0] = '\0';
	for (unsigned i = 0; i < config->n_addresses; i++) {
		struct listener *l = &opened->item[opened->n];
		const struct listener *kept;

		name_listener(config->addresses[i], config->port, l->name);
		kept = find(running, l->name);
		l->fd = kept ? kept->fd : open_one(config->addresses[i], config->port);
		if (l->fd >= 0) {
			opened->n++;
		} else if (config->addresses_are_default && kernel_lacks(l->fd)) {
			len += (size_t)snprintf(skipped + len, skipped_size - len, "%s%s",
						len ? ", " : "", l->name);
			if (len >= skipped_size)
				len = skipped_size - 1;
		} else {
			return l->fd;
		}
	}
	return opened->n == 0 ? -EADDRNOTAVAIL : 0;
}

static bool is_named(const struct config *config, const char *name)
{
	char wanted[PEER_NAME_SIZE];

	for (unsigned i = 0; i < config->n_addresses; i++) {
		name_listener(config->addresses[i], config->port, wanted);
		if (strcmp(wanted, name) == 0)
			return true;
	}
	return false;
}

/*
 * While a socket listens on an address, "*" cannot be bound to the same port,
 * and the other way round.  So the sockets of RUNNING that CONFIG does not
 * name stop listening.  They stay bound, so resume_others() can undo this.
 */
static void pause_others(const struct listeners *running, const struct config *config)
{
	for (unsigned i = 0; i < running->n; i++)
		if (!is_named(config, running->item[i].name))
			(void)shutdown(running->item[i].fd, SHUT_RD);
}

static void resume_others(const struct listeners *running, const struct config *config)
{
	for (unsigned i = 0; i < running->n; i++)
		if (!is_named(config, running->item[i].name))
			(void)listen(running->item[i].fd, BACKLOG);
}

int listeners_open(const struct config *config, const struct listeners *running,
		   struct listeners *ret_listeners, char ret_failed[PEER_NAME_SIZE],
		   char *ret_skipped, size_t skipped_size)
{
	struct listeners opened = {.n = 0};
	int r;

	if (running && running->are_passed) {
		*ret_listeners = *running;
		ret_skipped[0] = '\0';
		return 0;
	}
	r = open_all(config, running, &opened, ret_skipped, skipped_size);
	if (r == -EADDRINUSE && running) {
		close_new(&opened, running);
		pause_others(running, config);
		r = open_all(config, running, &opened, ret_skipped, skipped_size);
		if (r < 0)
			resume_others(running, config);
	}
	if (r < 0) {
		memcpy(ret_failed, opened.item[opened.n].name, PEER_NAME_SIZE);
		close_new(&opened, running);
		return r;
	}
	*ret_listeners = opened;
	return 0;
}

/* Returns 0, or the -errno of listeners_adopt(). */
static int check_passed(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return -errno;
	if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, -1) <= 0)
		return -EPROTOTYPE;
	if (address.ss_family != AF_INET && address.ss_family != AF_INET6 &&
	    address.ss_family != AF_UNIX)
		return -EAFNOSUPPORT;
	return sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0 ? 0 : -EINVAL;
}

static void name_passed(struct listener *l)
{
	struct sockaddr_un un = {0};
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);
	bool is_abstract;

	(void)getsockname(l->fd, (struct sockaddr *)&address, &len);
	if (address.ss_family != AF_UNIX) {
		net_format(&address, l->name);
		return;
	}
	memcpy(&un, &address, sizeof(un));
	/* unix(7): an abstract name begins with a zero byte. */
	is_abstract = un.sun_path[0] == '\0';
	snprintf(l->name, sizeof(l->name), "unix:%s%.*s", is_abstract ? "@" : "",
		 (int)sizeof(un.sun_path) - is_abstract, un.sun_path + is_abstract);
}

int listeners_adopt(struct listeners *listeners, int fd)
{
	struct listener *l = &listeners->item[listeners->n];
	int flags = fcntl(fd, F_GETFL), r = check_passed(fd);

	if (r == 0 && listeners->n == LISTENERS_MAX)
		r = -E2BIG;
	/* Several workers may wake for one client; accept(2) must not block those who lose. */
	if (r == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	l->fd = fd;
	name_passed(l);
	listeners->n++;
	listeners->are_passed = true;
	return 0;
}

void listeners_configure(const struct listeners *listeners, const struct config *config)
{
	struct timeval idle = {
		.tv_sec = (time_t)(config->idle_timeout_usec / 1000000),
		.tv_usec = (suseconds_t)(config->idle_timeout_usec % 1000000),
	};

	for (unsigned i = 0; i < listeners->n; i++) {
		int fd = listeners->item[i].fd;

		/* None fails on a TCP socket; only TCP_NODELAY fails, rightly, on others. */
		(void)set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		/* An urgent byte (MSG_OOB) is then read in its place, as any other. */
		(void)set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle));
	}
}

void listeners_close(struct listeners *old, const struct listeners *new)
{
	for (unsigned i = 0; i < old->n; i++) {
		if (find(new, old->item[i].name))
			continue;
		if (!old->are_passed)
			(void)shutdown(old->item[i].fd, SHUT_RD);
		close(old->item[i].fd);
	}
	old->n = 0;
}
