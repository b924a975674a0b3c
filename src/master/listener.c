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
#include "master/listener_place.h"

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

/* IP_FREEBIND, ip(7): an address that this host does not have yet. */
static int bind_to_absent(int fd, const struct place *place)
{
	int r = place->address.ss_family == AF_INET6
			? set_option(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1)
			: set_option(fd, IPPROTO_IP, IP_FREEBIND, 1);

	if (r == 0 && bind(fd, (const struct sockaddr *)&place->address, place->len) < 0)
		r = -errno;
	return r;
}

/* How to open a socket, and what was found. */
struct opening {
	bool may_be_absent;	/* listen although this host lacks the address */
	bool shares_port;	/* with running sockets that have SO_REUSEPORT too */
	bool is_absent;		/* result */
};

static int bind_and_listen(int fd, const struct place *place, struct opening *o)
{
	int r = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (r == 0 && o->shares_port)
		r = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0 && place->address.ss_family == AF_INET6)
		r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !place->is_dual);
	if (r == 0 && bind(fd, (const struct sockaddr *)&place->address, place->len) < 0)
		r = -errno;
	o->is_absent = r == -EADDRNOTAVAIL && o->may_be_absent;
	if (o->is_absent)
		r = bind_to_absent(fd, place);
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r == 0 && o->shares_port)
		r = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 0);
	return r;
}

static int listen_on(const struct place *place, struct opening *o)
{
	int fd, r;

	fd = socket(place->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = bind_and_listen(fd, place, o);
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

/* A place of both families is IPv4 only if the kernel lacks IPv6. */
static int open_place(const struct place *place, uint16_t port, struct opening *o)
{
	struct place ipv4;
	int fd = listen_on(place, o);

	if (!place->is_dual || !kernel_lacks(fd))
		return fd;
	fd = place_of_text("0.0.0.0", port, &ipv4);
	return fd < 0 ? fd : listen_on(&ipv4, o);
}

static bool overlaps(const struct listener *l, const struct place *place)
{
	struct place own;

	return place_of_socket(l->fd, &own) == 0 && place_overlaps(&own, place);
}

/* Returns whether one of RUNNING overlaps with PLACE. */
static bool share_port(const struct listeners *running, const struct place *place, int on)
{
	bool any = false;

	for (unsigned i = 0; running && i < running->n; i++) {
		if (!overlaps(&running->item[i], place))
			continue;
		any = true;
		(void)set_option(running->item[i].fd, SOL_SOCKET, SO_REUSEPORT, on);
	}
	return any;
}

/*
 * While a socket listens, no other can be bound to an overlapping place.  If those in the way
 * are our own, all of them share the port for a moment, socket(7), SO_REUSEPORT.
 */
static int open_one(const char *text, uint16_t port, const struct listeners *running,
		    struct opening *o)
{
	struct place place;
	int fd = place_of_text(text, port, &place);

	if (fd < 0)
		return fd;
	fd = open_place(&place, port, o);
	if (fd == -EADDRINUSE && share_port(running, &place, 1)) {
		o->shares_port = true;
		fd = open_place(&place, port, o);
		(void)share_port(running, &place, 0);
	}
	return fd;
}

static bool is_listening(int fd)
{
	int listens = 0;
	socklen_t len = sizeof(listens);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens;
}

/* Returns the socket that listens under NAME, or NULL. */
static const struct listener *find(const struct listeners *listeners, const char *name)
{
	for (unsigned i = 0; listeners && i < listeners->n; i++)
		if (strcmp(listeners->item[i].name, name) == 0 &&
		    is_listening(listeners->item[i].fd))
			return &listeners->item[i];
	return NULL;
}

bool listeners_hold(const struct listeners *listeners, int fd)
{
	for (unsigned i = 0; listeners && i < listeners->n; i++)
		if (listeners->item[i].fd == fd)
			return true;
	return false;
}

static void close_new(struct listeners *opened, const struct listeners *running)
{
	for (unsigned i = 0; i < opened->n; i++)
		if (!listeners_hold(running, opened->item[i].fd))
			close(opened->item[i].fd);
}

/* Adds NAME to the list in TEXT, which is cut at its end. */
static void add_name(char *text, size_t size, const char *name)
{
	size_t len = strlen(text);

	snprintf(text + len, size - len, "%s%s", len > 0 ? ", " : "", name);
}

/*
 * Opens or reuses a socket for each address of CONFIG.  Returns 0 or -errno; *OPENED holds
 * the open sockets in both cases.
 */
static int open_all(const struct config *config, const struct listeners *running,
		    struct listeners *opened, struct listen_report *report)
{
	for (unsigned i = 0; i < config->n_addresses; i++) {
		struct opening o = {.may_be_absent = !config->addresses_are_default};
		struct listener *l = &opened->item[opened->n];
		const struct listener *kept;

		*l = (struct listener){.fd = -1};
		name_listener(config->addresses[i], config->port, l->name);
		kept = find(running, l->name);
		if (kept)
			*l = *kept;
		else
			l->fd = open_one(config->addresses[i], config->port, running, &o);
		if (l->fd >= 0) {
			opened->n++;
		} else if (config->addresses_are_default && kernel_lacks(l->fd)) {
			add_name(report->skipped, sizeof(report->skipped), l->name);
		} else {
			memcpy(report->failed, l->name, sizeof(report->failed));
			return l->fd;
		}
		if (o.is_absent)
			add_name(report->absent, sizeof(report->absent), l->name);
	}
	if (opened->n > 0)
		return 0;
	memcpy(report->failed, opened->item[0].name, sizeof(report->failed));
	return -EADDRNOTAVAIL;
}

static bool is_covered(const struct listener *l, const struct config *config)
{
	struct place own, wanted;

	if (!is_listening(l->fd) || place_of_socket(l->fd, &own) < 0)
		return false;
	for (unsigned i = 0; i < config->n_addresses; i++)
		if (place_of_text(config->addresses[i], config->port, &wanted) == 0 &&
		    place_covers(&wanted, &own))
			return true;
	return false;
}

/*
 * At most CONFIG_MAX_ADDRESSES of each family: to get others, a reload has to name them, and
 * so no wider place.
 */
static void keep_covered(const struct config *config, const struct listeners *running,
			 struct listeners *opened)
{
	for (unsigned i = 0; running && i < running->n && opened->n < LISTENERS_MAX; i++) {
		const struct listener *l = &running->item[i];

		if (!listeners_hold(opened, l->fd) && is_covered(l, config))
			opened->item[opened->n++] = *l;
	}
}

int listeners_open(const struct config *config, const struct listeners *running,
		   struct listeners *ret_listeners, struct listen_report *ret_report)
{
	struct listeners opened = {.n = 0};
	int r;

	*ret_report = (struct listen_report){0};
	if (running && running->are_passed) {
		*ret_listeners = *running;
		return 0;
	}
	r = open_all(config, running, &opened, ret_report);
	if (r < 0) {
		close_new(&opened, running);
		return r;
	}
	keep_covered(config, running, &opened);
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
	return is_listening(fd) ? 0 : -EINVAL;
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
	*l = (struct listener){.fd = fd};
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

bool listeners_remove_dead(struct listeners *listeners, char ret_name[LISTENER_NAME_SIZE])
{
	for (unsigned i = 0; i < listeners->n; i++) {
		struct listener *l = &listeners->item[i];

		if (is_listening(l->fd))
			continue;
		memcpy(ret_name, l->name, LISTENER_NAME_SIZE);
		close(l->fd);
		listeners->n--;
		memmove(l, l + 1, (listeners->n - i) * sizeof(*l));
		return true;
	}
	return false;
}

void listeners_close(struct listeners *old, const struct listeners *new)
{
	for (unsigned i = 0; i < old->n; i++) {
		if (listeners_hold(new, old->item[i].fd))
			continue;
		if (!old->are_passed)
			(void)shutdown(old->item[i].fd, SHUT_RD);
		close(old->item[i].fd);
	}
	old->n = 0;
}
