/* SPDX-License-Identifier: MIT */
#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/net.h"
#include "ipc/shortage.h"
#include "ipc/spare_workers.h"
#include "worker/acceptor.h"
#include "worker/framing.h"
#include "worker/linger.h"
#include "worker/transcript.h"

/* One recv(2).  Measured: a larger size is not faster; a quarter takes twice the time. */
#define READ_BYTES ((size_t)64 * 1024)

/*
 * How long a client has to receive its echo after SIGTERM, and if it is disconnected for
 * another reason while it may still be sending.
 */
#define CLOSE_GRACE_USEC 1000000

struct worker {
	struct title title;
	volatile sig_atomic_t stop_requested, retire_requested;
	volatile sig_atomic_t client_fd;	/* 0: no client */
	uint64_t grace_end_usec;		/* of this client; 0: not begun */
	const struct config *config;
	const struct descriptors *fds;
	struct scoreboard *board;
	unsigned slot_index;
	struct slot *slot;
	struct acceptor acceptor;
	unsigned low;			/* ring the doorbell if fewer workers are idle */
	uint8_t *buffer;
	size_t buffer_bytes;
	struct transcript transcript;	/* last, since its last member is the large batch */
};

/*
 * Global only for the signal handlers; all other functions get a pointer.  It is zero in a
 * new process, and must not be cleared again: that would allocate every page of the batch.
 * Aligned to a page, so that a worker with small batches writes to one page only.
 */
static _Alignas(4096) struct worker self;

static void on_sigterm(int signo)
{
	int saved_errno = errno;

	(void)signo;
	self.stop_requested = 1;
	/* The flag is not enough: a recv(2) that is just beginning would still wait. */
	if (self.client_fd > 0)
		shutdown(self.client_fd, SHUT_RD);
	errno = saved_errno;
}

static void on_sighup(int signo)
{
	(void)signo;
	self.retire_requested = 1;
}

static void catch_signals(void)
{
	struct sigaction term = {.sa_handler = on_sigterm}, hup = {.sa_handler = on_sighup};

	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGHUP, &hup, NULL);
	/* A terminal sends these to all processes of the group; only the master acts on them. */
	signal(SIGINT, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
}

/* Unblocked while a client is served; otherwise only acceptor_wait() lets the signals in. */
static void set_signals_blocked(bool blocked)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void ring_master(const struct worker *w)
{
	/* Fails only if the counter is at its maximum, and then the bell is rung already. */
	(void)eventfd_write(w->fds->doorbell, 1);
}

/* A master that sleeps because nothing happens must know that something does. */
static void wake_master(const struct worker *w)
{
	/* What happened is stored before this look: the master dozes first, and looks then. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&w->board->master_dozes, memory_order_relaxed) &&
	    atomic_exchange(&w->board->master_dozes, 0))
		ring_master(w);
}

static void set_busy(struct worker *w)
{
	if (scoreboard_set_busy(w->board, w->slot_index, w->low))
		ring_master(w);
	else
		wake_master(w);
}

static void set_idle(struct worker *w)
{
	title_set_detail("(idle)");
	atomic_store_explicit(&w->board->states[w->slot_index], SLOT_IDLE, memory_order_relaxed);
	/* STATUS= has a client less, and there may be too many spare workers. */
	wake_master(w);
}

static enum close_reason reason_of(int error)
{
	switch (error) {
	case EAGAIN:		/* SO_RCVTIMEO or SO_SNDTIMEO has passed, socket(7) */
		return CLOSE_IDLE;
	case ECONNRESET:
	case EPIPE:
	case ETIMEDOUT:
		return CLOSE_RESET;
	default:
		return CLOSE_ERROR;
	}
}

/*
 * The functions that serve a client return this, the enum close_reason that ends the
 * connection, or the -errno of the log pipe.
 */
#define KEEP_SERVING INT_MAX

/* The grace begins when the worker first asks for its end. */
static uint64_t grace_end_usec(struct worker *w)
{
	if (w->grace_end_usec == 0)
		w->grace_end_usec = clock_monotonic_usec() + CLOSE_GRACE_USEC;
	return w->grace_end_usec;
}

static bool shutdown_grace_is_over(struct worker *w)
{
	return w->stop_requested && clock_monotonic_usec() >= grace_end_usec(w);
}

/* Returns KEEP_SERVING, or the close reason if not all bytes could be sent. */
static int echo(struct worker *w, int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
		} else if (errno != EINTR) {
			return (int)reason_of(errno);
		}
		if (len > 0 && shutdown_grace_is_over(w))
			return CLOSE_SHUTDOWN;
	}
	return KEEP_SERVING;
}

/*
 * Converts the result of a transcript function to KEEP_SERVING, a reason to disconnect the
 * client without its echo, or -errno.
 */
static int from_transcript(int r)
{
	if (r == -ETIMEDOUT)
		return CLOSE_STALLED;
	if (r == -ECANCELED)
		return CLOSE_SHUTDOWN;
	if (r == -EIO)
		return CLOSE_ERROR;
	return r < 0 ? r : KEEP_SERVING;
}

/*
 * Logs, then echoes, all complete messages in the first LEN bytes of the buffer; no message
 * ends in the first SEARCHED of them.  *RET_CONSUMED is the length of these messages.
 */
static int handle_messages(struct worker *w, int fd, uint64_t time_usec, size_t len,
			   size_t searched, size_t *ret_consumed)
{
	size_t done = 0, size;
	int r;

	while ((size = framing_next(w->config->framing, w->buffer + done, len - done, searched,
				    w->config->message_size)) > 0) {
		cell_add(&w->slot->received_messages, 1);
		r = transcript_message(&w->transcript, time_usec, w->buffer + done, size);
		if (r < 0) {
			/* The rest is not echoed, and is not an incomplete line. */
			*ret_consumed = len;
			return from_transcript(r);
		}
		done += size;
		searched = 0;
	}
	*ret_consumed = done;
	r = from_transcript(transcript_commit(&w->transcript));
	crash_point("worker-before-echo");
	return r == KEEP_SERVING ? echo(w, fd, w->buffer, done) : r;
}

/*
 * An incomplete line at the end of the connection is a message too.  Returns REASON, the
 * close reason of a failure to log it, or -errno.
 */
static int handle_incomplete_line(struct worker *w, int fd, size_t len, int reason)
{
	int r;

	if (len == 0 || reason == CLOSE_STALLED || reason == CLOSE_ERROR)
		return reason;
	cell_add(&w->slot->received_messages, 1);
	r = transcript_message(&w->transcript, clock_realtime_usec(), w->buffer, len);
	if (r == 0)
		r = transcript_commit(&w->transcript);
	if (r < 0)
		return from_transcript(r);
	if (reason != CLOSE_RESET)
		(void)echo(w, fd, w->buffer, len);
	return reason;
}

/*
 * Reads, logs and echoes until the connection ends.  Returns the close reason, or the -errno
 * of the log pipe.
 */
static int serve(struct worker *w, int fd)
{
	size_t held = 0;	/* bytes of an incomplete line at the start of the buffer */
	int end = KEEP_SERVING;

	while (end == KEEP_SERVING && !w->stop_requested) {
		size_t consumed = 0;
		ssize_t n = recv(fd, w->buffer + held, w->buffer_bytes - held, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			end = n < 0 ? (int)reason_of(errno) : CLOSE_EOF;
			break;
		}
		cell_add(&w->slot->received_bytes, (uint64_t)n);
		wake_master(w);
		end = handle_messages(w, fd, clock_realtime_usec(), held + (size_t)n, held,
				      &consumed);
		if (end < 0)
			return end;
		held += (size_t)n - consumed;
		if (held > 0 && consumed > 0)
			memmove(w->buffer, w->buffer + consumed, held);
	}
	if (w->stop_requested && end != CLOSE_STALLED && end != CLOSE_ERROR)
		end = CLOSE_SHUTDOWN;
	return handle_incomplete_line(w, fd, held, end);
}

/* Whether the service ends the connection: the client may still be sending. */
static bool is_ended_by_us(int end)
{
	return end == CLOSE_SHUTDOWN || end == CLOSE_STALLED || end == CLOSE_ERROR;
}

static void disconnect(struct worker *w, int fd, int end)
{
	if (is_ended_by_us(end))
		linger(fd, w->buffer, READ_BYTES, grace_end_usec(w));
	else
		shutdown(fd, SHUT_RDWR);
}

/* The client was disconnected before these bytes were logged. */
static void count_rest_as_dropped(const struct worker *w)
{
	const struct slot *slot = w->slot;
	uint64_t left = slot->received_bytes - slot->logged_bytes - slot->dropped_bytes -
			slot->unknown_bytes;

	if (left == 0)
		return;
	cell_add(&w->slot->dropped_messages, 1);
	cell_add(&w->slot->dropped_bytes, left);
}

/* Returns 0, or an -errno after which the worker must exit. */
static int handle_client(struct worker *w, int fd, const struct sockaddr_storage *peer)
{
	char name[PEER_NAME_SIZE];
	int end, r;

	acceptor_unwatch(&w->acceptor);
	w->client_fd = fd;
	w->grace_end_usec = 0;
	set_signals_blocked(false);
	net_format_peer(fd, peer, name);
	title_set_detail(name);
	cell_add(&w->slot->clients, 1);
	end = from_transcript(transcript_open(&w->transcript, clock_realtime_usec(), name));
	if (end == KEEP_SERVING)
		end = serve(w, fd);
	/*
	 * transcript_close() may wait for the log.  The client must not wait with it, unless
	 * when_stalled = block.
	 */
	if (w->config->when_stalled != STALL_BLOCK)
		disconnect(w, fd, end);
	r = end < 0 ? end
		    : transcript_close(&w->transcript, clock_realtime_usec(),
				       (enum close_reason)end);
	if (r == 0 && w->config->when_stalled == STALL_BLOCK && is_ended_by_us(end))
		disconnect(w, fd, end);
	count_rest_as_dropped(w);
	set_signals_blocked(true);
	w->client_fd = 0;
	close(fd);
	return r;
}

/* Returns 0, -ECANCELED if the worker must exit, or another -errno. */
static int close_killed(struct worker *w)
{
	int r;

	if (atomic_load(&w->slot->connection_id) == 0)
		return 0;
	r = transcript_close_killed(&w->transcript, clock_realtime_usec());
	if (r < 0)
		return r;
	/*
	 * A signal that came during the wait must not be found later than a client: by then the
	 * configuration may be another one.  No client woke this worker, so it need not look.
	 */
	set_signals_blocked(false);
	set_signals_blocked(true);
	if (w->stop_requested || w->retire_requested)
		return -ECANCELED;
	set_idle(w);
	return 0;
}

static int prepare(struct worker *w)
{
	int r;

	catch_signals();
	r = transcript_init(&w->transcript, w->config, w->board, w->slot, w->fds->log_write,
			    w->fds->logger_bell, &w->stop_requested);
	if (r == 0)
		r = close_killed(w);
	if (r < 0)
		return r;
	/* Room for one read, after an incomplete line from earlier reads. */
	w->buffer_bytes = READ_BYTES;
	if (w->config->framing == FRAMING_LINE)
		w->buffer_bytes += w->config->message_size;
	w->buffer = mmap(NULL, w->buffer_bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w->buffer == MAP_FAILED)
		return -errno;
	return acceptor_init(&w->acceptor, w->fds, w->board, &w->stop_requested,
			     &w->retire_requested);
}

static bool has_served_enough(const struct worker *w, unsigned served)
{
	return w->config->clients_per_worker > 0 && served >= w->config->clients_per_worker;
}

static int serve_clients(struct worker *w)
{
	struct sockaddr_storage peer;
	int fd, r;

	for (unsigned served = 0;; set_idle(w)) {
		r = acceptor_watch(&w->acceptor);
		if (r < 0)
			return r;
		fd = acceptor_wait(&w->acceptor, &peer);
		if (fd < 0)
			return fd == -ESHUTDOWN ? 0 : fd;
		set_busy(w);
		r = handle_client(w, fd, &peer);
		if (r < 0)
			return r;
		/* Exits even if clients wait: with a backlog, it would never exit otherwise. */
		if (has_served_enough(w, ++served) || w->retire_requested)
			return 0;
	}
}

struct title *worker_title(void)
{
	return &self.title;
}

int worker_run(const struct config *config, const struct descriptors *fds,
	       struct scoreboard *board, unsigned slot_index)
{
	struct worker *w = &self;
	int r;

	w->config = config;
	w->fds = fds;
	w->board = board;
	w->slot_index = slot_index;
	w->slot = scoreboard_slot(board, slot_index);
	title_set_detail("(idle)");
	w->low = spare_workers_limits(config).low;
	r = prepare(w);
	if (r == 0)
		r = serve_clients(w);
	if (r == -ECANCELED && w->stop_requested)
		return WORKER_STOPPED_IDLE;
	if (r == 0 || r == -ECANCELED)
		return 0;
	shortage_note(board, SHORTAGE_WORK, -r, fds->doorbell);
	return WORKER_CANNOT_GO_ON;
}
