/* SPDX-License-Identifier: MIT */
#include "master/listener_place.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/net.h"

int place_of_text(const char *text, uint16_t port, struct place *ret)
{
	ret->is_dual = strcmp(text, PLACE_ANY) == 0;
	return net_parse(ret->is_dual ? "::" : text, port, &ret->address, &ret->len);
}

int place_of_socket(int fd, struct place *ret)
{
	int v6_only = 1;
	socklen_t len = sizeof(v6_only);

	*ret = (struct place){.len = sizeof(ret->address)};
	if (getsockname(fd, (struct sockaddr *)&ret->address, &ret->len) < 0)
		return -errno;
	if (ret->address.ss_family == AF_INET6)
		(void)getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, &len);
	ret->is_dual = !v6_only;
	return 0;
}

static const struct sockaddr_in *in_of(const struct place *p)
{
	return (const struct sockaddr_in *)&p->address;
}

static const struct sockaddr_in6 *in6_of(const struct place *p)
{
	return (const struct sockaddr_in6 *)&p->address;
}

bool place_covers(const struct place *wide, const struct place *narrow)
{
	/* The port is at the same offset in both structures. */
	if (in_of(wide)->sin_port != in_of(narrow)->sin_port)
		return false;
	if (wide->is_dual)
		return true;
	if (narrow->is_dual || wide->address.ss_family != narrow->address.ss_family)
		return false;
	if (wide->address.ss_family == AF_INET)
		return in_of(wide)->sin_addr.s_addr == htonl(INADDR_ANY) ||
		       in_of(wide)->sin_addr.s_addr == in_of(narrow)->sin_addr.s_addr;
	return IN6_IS_ADDR_UNSPECIFIED(&in6_of(wide)->sin6_addr) ||
	       (IN6_ARE_ADDR_EQUAL(&in6_of(wide)->sin6_addr, &in6_of(narrow)->sin6_addr) &&
		in6_of(wide)->sin6_scope_id == in6_of(narrow)->sin6_scope_id);
}

bool place_overlaps(const struct place *a, const struct place *b)
{
	return place_covers(a, b) || place_covers(b, a);
}
