/* SPDX-License-Identifier: MIT */
#include "master/listener_leave.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "master/listener.h"
#include "master/listener_place.h"

/*
 * Connections that are half open when a socket begins to leave get this time to be complete:
 * some round trips.
 */
#define HALF_OPEN_USEC 500000

/* The flags of a TCP segment, RFC 9293: the byte at this offset of the header. */
#define FLAGS_OFFSET 13
#define FLAG_SYN 0x02
#define FLAG_ACK 0x10

/*
 * Drops new connections, but no segment of those that have begun.  Dropped, and not refused:
 * the client repeats the request a second later.  Returns whether the kernel accepted it.
 */
static bool keep_clients_out(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_OFFSET),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, FLAG_SYN | FLAG_ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FLAG_SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

static void let_clients_in(int fd)
{
	const int unused = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
}

/* For a listening socket, tcpi_unacked is the length of the accept queue, tcp_get_info(). */
static bool has_waiting_clients(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_state == TCP_LISTEN && info.tcpi_unacked > 0;
}

static bool is_still_served(const struct listener *l, const struct listeners *fresh, unsigned n)
{
	struct place place, other;

	if (place_of_socket(l->fd, &place) < 0)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (place_of_socket(fresh->item[i].fd, &other) == 0 &&
		    place_overlaps(&place, &other))
			return true;
	return false;
}

void listeners_leave(struct listeners *running, struct listeners *fresh, uint64_t now_usec,
		     uint64_t timeout_usec)
{
	const unsigned n_staying = fresh->n;

	for (unsigned i = 0; i < n_staying; i++) {
		struct listener *l = &fresh->item[i];

		if (l->is_leaving)
			let_clients_in(l->fd);
		l->is_leaving = false;
	}
	for (unsigned i = 0; i < running->n && fresh->n < LISTENERS_MAX; i++) {
		struct listener *l = &running->item[i];

		if (listeners_hold(fresh, l->fd))
			continue;
		if (!l->is_leaving) {
			bool served = is_still_served(l, fresh, n_staying);

			if (!keep_clients_out(l->fd))
				continue;
			l->is_leaving = true;
			l->open_until_usec = served ? now_usec + HALF_OPEN_USEC : now_usec;
			l->close_at_usec = served ? UINT64_MAX : now_usec + timeout_usec;
		}
		fresh->item[fresh->n++] = *l;
	}
	listeners_close(running, fresh);
}

bool listeners_close_left(struct listeners *listeners, uint64_t now_usec)
{
	struct listeners old = *listeners, left = {.are_passed = old.are_passed};
	bool any = false;

	for (unsigned i = 0; i < old.n; i++) {
		const struct listener *l = &old.item[i];

		if (l->is_leaving && now_usec >= l->open_until_usec &&
		    (now_usec >= l->close_at_usec || !has_waiting_clients(l->fd)))
			continue;
		any |= l->is_leaving;
		left.item[left.n++] = *l;
	}
	listeners_close(&old, &left);
	*listeners = left;
	return any;
}
