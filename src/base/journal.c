/* SPDX-License-Identifier: MIT */
#include "base/journal.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/plural.h"
#include "base/stderr_line.h"

#define TEXT_SIZE 2048
#define FIELD_SIZE 1024
#define FIELDS_SIZE 4096

#define FLUSH_TRIES 1000
#define FLUSH_PAUSE_USEC 1000

/* systemd's JOURNAL_NATIVE_PROTOCOL: each datagram is a message, each of its lines a field. */
static const struct sockaddr_un address = {.sun_family = AF_UNIX,
					   .sun_path = "/run/systemd/journal/socket"};
static int socket_fd = -1;
static pid_t last_sender;	/* process that used socket_fd last */

static char fields[FIELDS_SIZE];	/* of the next message */
static size_t fields_len;
static char last_error[TEXT_SIZE];

bool journal_is(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

bool journal_is_stderr(void)
{
	static int is_journal = -1;

	if (is_journal < 0)
		is_journal = journal_is(STDERR_FILENO);
	return is_journal;
}

bool journal_shares_stdout(void)
{
	struct stat out, err;

	return !journal_is_stderr() && fstat(STDOUT_FILENO, &out) == 0 &&
	       fstat(STDERR_FILENO, &err) == 0 && !S_ISCHR(out.st_mode) &&
	       out.st_dev == err.st_dev && out.st_ino == err.st_ino;
}

void journal_open(void)
{
	stderr_line_open();
	if (journal_is_stderr())
		socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

int journal_fd(void)
{
	return socket_fd;
}

void journal_forget_fd(void)
{
	socket_fd = -1;
}

/* Never waits: if the journal does not read, the caller writes to stderr instead. */
static bool send_datagram(const char *data, size_t len)
{
	return sendto(socket_fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&address, sizeof(address)) == (ssize_t)len;
}

void journal_flush(void)
{
	int unread = 0;

	if (socket_fd < 0 || last_sender != getpid())
		return;
	/*
	 * The journal reads datagrams in order: once it has read this empty one, it has
	 * processed all earlier ones.
	 */
	if (!send_datagram("", 0))
		return;
	for (unsigned i = 0; i < FLUSH_TRIES; i++) {
		if (ioctl(socket_fd, SIOCOUTQ, &unread) < 0 || unread == 0)
			return;
		usleep(FLUSH_PAUSE_USEC);
	}
}

/* Omits a field that does not fit.  Newlines become spaces, as they would begin another field. */
static void add_field(const char *text)
{
	size_t len = strlen(text);

	if (len + 1 > sizeof(fields) - fields_len)
		return;
	for (size_t i = 0; i < len; i++)
		fields[fields_len++] = text[i] == '\n' ? ' ' : text[i];
	fields[fields_len++] = '\n';
}

void journal_field(const char *format, ...)
{
	int saved_errno = errno;
	char text[FIELD_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add_field(text);
	errno = saved_errno;
}

static bool send_to_journal(enum journal_event event, int priority, const char *text)
{
	char line[TEXT_SIZE + 16];

	if (socket_fd < 0)
		return false;
	last_sender = getpid();
	snprintf(line, sizeof(line), "MESSAGE=%s", text);
	add_field(line);
	journal_field("PRIORITY=%d", priority);
	add_field("SYSLOG_IDENTIFIER=echo-logd");
	if (event != JOURNAL_NONE)
		journal_field("MESSAGE_ID=%s", journal_event_id(event));
	return send_datagram(fields, fields_len);
}

/* Returns whether the line was written, or cannot be by any means. */
static bool write_to_stderr(int priority, const char *text)
{
	char line[TEXT_SIZE + 32];
	int len;

	if (journal_is_stderr())
		len = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
	else
		len = snprintf(line, sizeof(line), "echo-logd: %s\n", text);
	return stderr_line_write(line, (size_t)len);
}

/* Before the next message that somebody reads, the number of those that were lost. */
static void write_or_count(int priority, const char *text)
{
	static unsigned lost;
	char note[128];

	if (lost > 0) {
		snprintf(note, sizeof(note),
			 "%u message%s of this process %s lost: nobody read stderr", lost,
			 PLURAL(lost), lost == 1 ? "was" : "were");
		if (!write_to_stderr(LOG_WARNING, note)) {
			lost++;
			return;
		}
		lost = 0;
	}
	if (!write_to_stderr(priority, text))
		lost++;
}

static void send_message(enum journal_event event, int priority, const char *text)
{
	if (!send_to_journal(event, priority, text))
		write_or_count(priority, text);
	fields_len = 0;
}

/*
 * A token bucket of JOURNAL_BURST messages, refilled at JOURNAL_PER_SECOND.  Errors have a
 * second bucket.
 */
static bool is_within_rate(int priority)
{
	static uint64_t full_at_usec[2];	/* when each bucket is full again */
	uint64_t *full_at = &full_at_usec[priority <= LOG_ERR];
	const uint64_t cost_usec = 1000000 / JOURNAL_PER_SECOND;
	uint64_t now = clock_monotonic_usec();

	if (*full_at < now)
		*full_at = now;
	if (*full_at - now > (JOURNAL_BURST - 1) * cost_usec)
		return false;
	*full_at += cost_usec;
	return true;
}

const char *journal_last_error(void)
{
	return last_error;
}

/* Keeps the fields of the next message, which are set already. */
static void report_suppressed(unsigned n)
{
	char saved[FIELDS_SIZE], text[128];
	size_t len = fields_len;

	memcpy(saved, fields, len);
	fields_len = 0;
	snprintf(text, sizeof(text),
		 "suppressed %u message%s of this process: too many per second", n, PLURAL(n));
	journal_field("COUNT=%u", n);
	send_message(JOURNAL_SUPPRESSED, LOG_WARNING, text);
	memcpy(fields, saved, len);
	fields_len = len;
}

static void send_or_suppress(enum journal_event event, int priority, const char *text)
{
	static unsigned suppressed;

	if (priority <= LOG_ERR)
		snprintf(last_error, sizeof(last_error), "%s", text);
	if (is_within_rate(priority)) {
		if (suppressed > 0)
			report_suppressed(suppressed);
		suppressed = 0;
		send_message(event, priority, text);
	} else {
		suppressed++;
		fields_len = 0;
	}
}

void journal_event(enum journal_event event, int priority, const char *format, ...)
{
	int saved_errno = errno;
	char text[TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	send_or_suppress(event, priority, text);
	errno = saved_errno;
}

void journal_failure(enum journal_event event, int priority, int error, const char *format, ...)
{
	int saved_errno = errno;
	char text[TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	journal_field("ERRNO=%d", error);
	send_or_suppress(event, priority, text);
	errno = saved_errno;
}
