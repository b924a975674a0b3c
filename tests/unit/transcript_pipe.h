/* SPDX-License-Identifier: MIT */
/* A transcript that writes to a pipe, and the records read from it.  Include cmocka.h first. */
#ifndef ECHO_LOGD_TEST_TRANSCRIPT_PIPE_H
#define ECHO_LOGD_TEST_TRANSCRIPT_PIPE_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/parse.h"
#include "ipc/tickets.h"
#include "random.h"
#include "worker/transcript.h"

#define TIME UINT64_C(1795381445000000)
#define PIPE_BYTES (1024 * 1024)
#define MAX_WRITES 400
#define MAX_RECORDS 4000

static struct config config;
static struct scoreboard *board;
static struct slot *slot;
static struct transcript transcript;
static int fds[2];
static volatile sig_atomic_t must_stop;

/* What was read from the pipe: in packet mode each read(2) returns one write(2). */
static struct {
	char bytes[PIPE_BYTES];
	size_t len;
	size_t write_len[MAX_WRITES];
	unsigned n_writes;
	struct record record[MAX_RECORDS];
	unsigned n_records;
	unsigned char payload[PIPE_BYTES];
	size_t payload_len;
} got;

static inline void start(enum log_format format, uint64_t limit)
{
	int fd = scoreboard_create(NULL, 2, &board);

	config = (struct config){.format = format, .message_limit = limit,
				 .at_message_limit = LIMIT_STOP};
	assert_true(fd >= 0 && close(fd) == 0);
	slot = scoreboard_slot(board, 1);
	must_stop = 0;
	if (limit > 0)
		tickets_issue(board, 0, limit);
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_DIRECT), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES) >= PIPE_BYTES);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK | O_DIRECT), 0);
	memset(&got, 0, sizeof(got));
	memset(&transcript, 0xa5, sizeof(transcript));
	assert_int_equal(transcript_init(&transcript, &config, board, slot, fds[1], -1,
					 &must_stop), 0);
}

static inline void end(void)
{
	close(fds[0]);
	close(fds[1]);
	munmap(board, board->size_bytes);
}

/* Parses one write, which must be whole records. */
static inline void parse_write(char *data, size_t len)
{
	while (len > 0) {
		struct record *record = &got.record[got.n_records];
		char *newline = memchr(data, '\n', len);
		ssize_t n;

		assert_non_null(newline);
		assert_true(got.n_records < MAX_RECORDS);
		assert_int_equal(parse_record(config.format, data, (size_t)(newline - data),
					      record), 0);
		got.n_records++;
		if (record->event == EVENT_MESSAGE || record->event == EVENT_PART) {
			n = parse_payload(config.format, record, got.payload + got.payload_len);
			assert_true(n > 0);
			got.payload_len += (size_t)n;
		}
		len -= (size_t)(newline + 1 - data);
		data = newline + 1;
	}
}

/* Reads all that is in the pipe. */
static inline void drain(void)
{
	ssize_t n;

	while ((n = read(fds[0], got.bytes + got.len, 65536)) > 0) {
		assert_true(got.n_writes < MAX_WRITES);
		assert_true(n <= RECORD_MAX);
		got.write_len[got.n_writes++] = (size_t)n;
		if (config.format == FORMAT_RAW) {
			memcpy(got.payload + got.payload_len, got.bytes + got.len, (size_t)n);
			got.payload_len += (size_t)n;
		} else {
			parse_write(got.bytes + got.len, (size_t)n);
		}
		got.len += (size_t)n;
	}
	assert_int_equal(n, -1);
	assert_int_equal(errno, EAGAIN);
}

static inline void say(const char *text)
{
	assert_int_equal(transcript_message(&transcript, TIME + 1, text, strlen(text)), 0);
}

static inline void flush(void)
{
	assert_int_equal(transcript_commit(&transcript), 0);
}

static inline void check_numbers(uint64_t id)
{
	for (unsigned i = 0; i < got.n_records; i++) {
		assert_int_equal(got.record[i].head.id, id);
		assert_int_equal(got.record[i].head.n, i);
		assert_string_equal(got.record[i].peer, "192.0.2.9:4711");
	}
}

#endif
