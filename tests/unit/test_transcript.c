/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "format/crc32c.h"
#include "transcript_pipe.h"

static void test_connection(enum log_format format)
{
	static unsigned char said[PIPE_BYTES / 2], *p = said;
	const size_t sizes[] = {1, 2, 4000, 4096, 4097, 3, 60000, 5, 5, 100000, 1};
	uint64_t messages = 0, total = 0;
	const struct record *last;

	start(format, 0);
	p = said;
	assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), 0);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		random_fill((enum random_kind)(i % RANDOM_KINDS), p, sizes[i]);
		assert_int_equal(transcript_message(&transcript, TIME + i, p, sizes[i]), 0);
		p += sizes[i];
		total += sizes[i];
		if (i % 3 == 0)
			flush();
		drain();
	}
	assert_int_equal(transcript_close(&transcript, TIME + 99, CLOSE_EOF), 0);
	drain();
	check_numbers(TIME);
	assert_int_equal(got.record[0].event, EVENT_OPEN);
	assert_int_equal(got.record[0].head.time_usec, TIME);
	for (unsigned i = 0; i < got.n_records; i++)
		messages += got.record[i].event == EVENT_MESSAGE;
	assert_int_equal(messages, sizeof(sizes) / sizeof(sizes[0]));
	assert_int_equal(got.payload_len, total);
	assert_memory_equal(got.payload, said, total);
	last = &got.record[got.n_records - 1];
	assert_int_equal(last->event, EVENT_CLOSE);
	assert_int_equal(last->head.time_usec, TIME + 99);
	assert_int_equal(last->reason, CLOSE_EOF);
	assert_int_equal(last->messages, messages);
	assert_int_equal(last->bytes, total);
	assert_int_equal(last->crc, crc32c_portable(0, said, total));
	assert_int_equal(slot->logged_bytes, total);
	end();
}

static void test_connection_text(void **state)
{
	(void)state;
	test_connection(FORMAT_TEXT);
}

static void test_connection_json(void **state)
{
	(void)state;
	test_connection(FORMAT_JSON);
}

/* Each connection begins anew, also with its record numbers. */
static void test_two_connections(void **state)
{
	(void)state;
	start(FORMAT_TEXT, 0);
	for (unsigned i = 0; i < 2; i++) {
		got.n_records = 0;
		assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), 0);
		drain();
		/* The slot names the connection before its first record is in the pipe. */
		assert_int_equal(slot->connection_id, TIME + i);
		assert_string_equal(slot->peer, "192.0.2.9:4711");
		say("hello");
		assert_int_equal(transcript_close(&transcript, TIME, CLOSE_RESET), 0);
		assert_int_equal(slot->connection_id, 0);
		drain();
		check_numbers(TIME + i);
		assert_int_equal(got.n_records, 3);
		assert_int_equal(got.record[2].reason, CLOSE_RESET);
		assert_int_equal(got.record[2].messages, 1);
		assert_int_equal(got.record[2].bytes, 5);
		assert_int_equal(got.record[2].crc, crc32c_portable(0, "hello", 5));
	}
	assert_int_equal(slot->logged_bytes, 10);
	end();
}

static void test_short_messages_share_a_write(void **state)
{
	(void)state;
	start(FORMAT_TEXT, 0);
	assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), 0);
	drain();
	assert_int_equal(got.n_writes, 1);
	for (unsigned i = 0; i < 20; i++)
		say("0123456789");
	drain();
	assert_int_equal(got.n_writes, 1);
	assert_int_equal(slot->logged_bytes, 0);
	flush();
	drain();
	assert_int_equal(got.n_writes, 2);
	assert_int_equal(got.n_records, 21);
	assert_int_equal(slot->logged_bytes, 200);
	/* A second commit writes nothing. */
	flush();
	drain();
	assert_int_equal(got.n_writes, 2);

	/* More than fit in one write: as few writes as possible. */
	for (unsigned i = 0; i < 500; i++)
		say("0123456789");
	flush();
	drain();
	assert_int_equal(got.n_records, 521);
	for (unsigned i = 2; i < got.n_writes - 1; i++)
		assert_true(got.write_len[i] > RECORD_MAX - 200);
	check_numbers(TIME);
	end();
}

static void test_close_killed(void **state)
{
	(void)state;
	start(FORMAT_TEXT, 0);
	/* No worker was killed. */
	assert_int_equal(transcript_close_killed(&transcript, TIME), 0);
	drain();
	assert_int_equal(got.n_writes, 0);

	assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), 0);
	say("never written");
	drain();
	/* The next worker gets this slot. */
	memset(&transcript, 0xa5, sizeof(transcript));
	assert_int_equal(transcript_init(&transcript, &config, board, slot, fds[1], -1,
					 &must_stop), 0);
	assert_int_equal(transcript_close_killed(&transcript, TIME + 5), 0);
	assert_int_equal(slot->connection_id, 0);
	assert_int_equal(transcript_close_killed(&transcript, TIME + 6), 0);
	drain();
	assert_int_equal(got.n_records, 2);
	assert_int_equal(got.record[1].event, EVENT_CLOSE);
	assert_int_equal(got.record[1].reason, CLOSE_KILLED);
	assert_int_equal(got.record[1].head.id, TIME);
	assert_int_equal(got.record[1].head.n, RECORD_NO_NUMBER);
	assert_int_equal(got.record[1].head.time_usec, TIME + 5);
	assert_string_equal(got.record[1].peer, "192.0.2.9:4711");
	assert_int_equal(slot->logged_bytes, 0);
	/* It can serve a client. */
	got.n_records = 0;
	assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), 0);
	drain();
	check_numbers(TIME + 1);
	end();
}

static void test_raw(void **state)
{
	static unsigned char said[30000];

	(void)state;
	start(FORMAT_RAW, 4);
	random_fill(RANDOM_BINARY, said, sizeof(said));
	assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), 0);
	drain();
	assert_int_equal(got.n_writes, 0);
	assert_int_equal(slot->connection_id, TIME);
	assert_int_equal(transcript_message(&transcript, TIME, said, 10), 0);
	assert_int_equal(transcript_message(&transcript, TIME, said + 10, 20), 0);
	flush();
	drain();
	assert_int_equal(got.n_writes, 1);
	assert_int_equal(transcript_message(&transcript, TIME, said + 30, 9970), 0);
	assert_int_equal(transcript_message(&transcript, TIME, said + 10000, 20000), 0);
	say("dropped");
	assert_int_equal(transcript_close(&transcript, TIME, CLOSE_EOF), 0);
	drain();
	assert_int_equal(got.payload_len, sizeof(said));
	assert_memory_equal(got.payload, said, sizeof(said));
	assert_int_equal(slot->logged_bytes, sizeof(said));
	assert_int_equal(slot->dropped_bytes, 7);
	assert_int_equal(slot->connection_id, 0);
	/* There is no `close killed` either. */
	slot->connection_id = 99;
	assert_int_equal(transcript_close_killed(&transcript, TIME), 0);
	drain();
	assert_int_equal(got.payload_len, sizeof(said));
	assert_int_equal(slot->connection_id, 0);
	end();
}

static void on_alarm(int signo)
{
	(void)signo;
	board->generation++;
}

/* A signal while the pipe is full neither loses a record nor writes it twice. */
static void test_signals_while_the_pipe_is_full(void **state)
{
	const struct sigaction act = {.sa_handler = on_alarm}, none = {.sa_handler = SIG_DFL};
	const struct itimerval each_ms = {{0, 1000}, {0, 1000}}, stop = {0};
	static char filling[RECORD_MAX];
	unsigned n = 0;
	int status;
	pid_t pid;

	(void)state;
	start(FORMAT_TEXT, 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK | O_DIRECT);
	while (write(fds[1], filling, sizeof(filling)) > 0)
		n++;
	fcntl(fds[1], F_SETFL, O_DIRECT);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (board->generation < 3)
			usleep(100);
		while (n-- > 0)
			if (read(fds[0], filling, sizeof(filling)) != sizeof(filling))
				_exit(1);
		_exit(0);
	}
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &each_ms, NULL);
	assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), 0);
	setitimer(ITIMER_REAL, &stop, NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	sigaction(SIGALRM, &none, NULL);
	assert_int_equal(status, 0);
	drain();
	assert_int_equal(got.n_records, 1);
	end();
}

static void test_nobody_reads(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	start(FORMAT_TEXT, 0);
	close(fds[0]);
	assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), -EPIPE);
	/* It stays in the slot, for `close killed`. */
	assert_int_equal(slot->connection_id, TIME);
	assert_int_equal(transcript_close_killed(&transcript, TIME), -EPIPE);
	assert_int_equal(slot->connection_id, TIME);
	assert_int_equal(transcript_close(&transcript, TIME, CLOSE_EOF), -EPIPE);
	assert_int_equal(slot->connection_id, TIME);
	signal(SIGPIPE, SIG_DFL);
	close(fds[1]);
	munmap(board, board->size_bytes);
}

/* After a failed write, no bytes of a killed worker are unknown. */
static void test_a_failed_write_leaves_nothing_in_doubt(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	start(FORMAT_TEXT, 0);
	assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), 0);
	say("logged");
	flush();
	close(fds[0]);
	assert_int_equal(transcript_message(&transcript, TIME, (const uint8_t *)"lost", 4), 0);
	assert_int_equal(transcript_commit(&transcript), -EPIPE);
	assert_int_equal(slot->logged_bytes, 6);
	assert_int_equal(slot->intended_bytes, 6);
	fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connection_text),
		cmocka_unit_test(test_connection_json),
		cmocka_unit_test(test_two_connections),
		cmocka_unit_test(test_short_messages_share_a_write),
		cmocka_unit_test(test_close_killed),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_a_failed_write_leaves_nothing_in_doubt),
		cmocka_unit_test(test_signals_while_the_pipe_is_full),
		cmocka_unit_test(test_nobody_reads),
	};

	random_seed();
	return cmocka_run_group_tests_name("transcript", tests, NULL, NULL);
}
