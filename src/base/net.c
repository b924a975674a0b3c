/* SPDX-License-Identifier: MIT */
#include "base/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static void format_in6(const struct sockaddr_in6 *in6, char ret_name[PEER_NAME_SIZE])
{
	char text[INET6_ADDRSTRLEN], scope[IF_NAMESIZE + 1] = "";

	inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	if (in6->sin6_scope_id != 0) {
		scope[0] = '%';
		/* If the interface was removed, its number still identifies it. */
		if (!if_indextoname(in6->sin6_scope_id, scope + 1))
			snprintf(scope + 1, sizeof(scope) - 1, "%u", in6->sin6_scope_id);
	}
	snprintf(ret_name, PEER_NAME_SIZE, "[%s%s]:%u", text, scope, ntohs(in6->sin6_port));
}

void net_format(const struct sockaddr_storage *address, char ret_name[PEER_NAME_SIZE])
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	char text[INET_ADDRSTRLEN];

	if (address->ss_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		snprintf(ret_name, PEER_NAME_SIZE, "%s:%u", text, ntohs(in->sin_port));
	} else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], text, sizeof(text));
		snprintf(ret_name, PEER_NAME_SIZE, "%s:%u", text, ntohs(in6->sin6_port));
	} else {
		format_in6(in6, ret_name);
	}
}

void net_format_peer(int fd, const struct sockaddr_storage *address, char ret_name[PEER_NAME_SIZE])
{
	struct ucred peer = {.pid = 0};
	socklen_t len = sizeof(peer);

	if (address->ss_family != AF_UNIX) {
		net_format(address, ret_name);
		return;
	}
	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	snprintf(ret_name, PEER_NAME_SIZE, "unix:%d", (int)peer.pid);
}

/* A decimal number up to MAX without a leading zero. */
static bool is_number(const char *text, uint64_t max)
{
	uint64_t value = 0;

	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		value = value * 10 + (uint64_t)(*p - '0');
		if (value > max)
			return false;
	}
	return text[0] && (text[0] != '0' || !text[1]);
}

/* TEXT is the address of FAMILY in the spelling of inet_ntop(3). */
static bool is_address(int family, const char *text)
{
	struct in6_addr address;	/* large enough for either */
	char again[INET6_ADDRSTRLEN];

	if (inet_pton(family, text, &address) != 1)
		return false;
	inet_ntop(family, &address, again, sizeof(again));
	return strcmp(text, again) == 0 &&
	       !(family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address));
}

bool net_is_peer_name(const char *name)
{
	char host[PEER_NAME_SIZE];
	char *port, *scope;
	size_t scope_len;

	if (strncmp(name, "unix:", 5) == 0)
		return is_number(name + 5, INT32_MAX);
	if (snprintf(host, sizeof(host), "%s", name) >= (int)sizeof(host))
		return false;
	port = strrchr(host, ':');
	if (!port || !is_number(port + 1, UINT16_MAX))
		return false;
	*port = '\0';
	if (host[0] != '[')
		return is_address(AF_INET, host);
	if (port[-1] != ']')
		return false;
	port[-1] = '\0';
	scope = strchr(host, '%');
	if (!scope)
		return is_address(AF_INET6, host + 1);
	*scope++ = '\0';
	scope_len = strlen(scope);
	return scope_len > 0 && scope_len < IF_NAMESIZE && !strpbrk(scope, "/:") &&
	       is_address(AF_INET6, host + 1);
}

int net_parse(const char *text, uint16_t port, struct sockaddr_storage *ret_address,
	      socklen_t *ret_len)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE];
	char *scope;

	*ret_address = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		memcpy(ret_address, &in, sizeof(in));
		*ret_len = sizeof(in);
		return 0;
	}
	if (snprintf(host, sizeof(host), "%s", text) >= (int)sizeof(host))
		return -EINVAL;
	scope = strchr(host, '%');
	if (scope)
		*scope++ = '\0';
	if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
		return -EINVAL;
	if (scope) {
		in6.sin6_scope_id = if_nametoindex(scope);
		if (in6.sin6_scope_id == 0)
			return -ENODEV;
	}
	memcpy(ret_address, &in6, sizeof(in6));
	*ret_len = sizeof(in6);
	return 0;
}
