/* SPDX-License-Identifier: MIT */
/* A transcript under at_message_limit = stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "format/crc32c.h"
#include "transcript_pipe.h"

static unsigned find_event(enum event event)
{
	unsigned i = 0;

	while (i < got.n_records && got.record[i].event != event)
		i++;
	assert_true(i < got.n_records);
	return i;
}

static void test_dropped_comes_before_the_next_record(void **state)
{
	unsigned i;

	(void)state;
	start(FORMAT_TEXT, 2);
	assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), 0);
	say("one");
	say("two");
	say("three");
	flush();
	say("four!");
	flush();
	drain();
	assert_int_equal(got.n_records, 3);
	assert_int_equal(slot->dropped_messages, 2);
	assert_int_equal(slot->dropped_bytes, 10);

	/* A new file has a ticket. */
	tickets_issue(board, 0, 1);
	say("five");
	flush();
	drain();
	i = find_event(EVENT_DROPPED);
	assert_int_equal(i, 3);
	assert_int_equal(got.record[i].messages, 2);
	assert_int_equal(got.record[i].bytes, 10);
	assert_int_equal(got.record[i + 1].event, EVENT_MESSAGE);
	assert_int_equal(got.record[i].head.time_usec, TIME + 1);

	/* A `dropped` also comes before `close`.  It counts what was dropped since the last. */
	say("six");
	got.record[i].event = EVENT_OTHER;
	assert_int_equal(transcript_close(&transcript, TIME + 2, CLOSE_IDLE), 0);
	drain();
	i = find_event(EVENT_DROPPED);
	assert_int_equal(i, got.n_records - 2);
	assert_int_equal(got.record[i].messages, 1);
	assert_int_equal(got.record[i].bytes, 3);
	check_numbers(TIME);
	/* The totals count what is in the log. */
	assert_int_equal(got.record[i + 1].messages, 3);
	assert_int_equal(got.record[i + 1].bytes, 10);
	assert_int_equal(got.record[i + 1].crc, crc32c_portable(0, "onetwofive", 10));
	assert_int_equal(slot->logged_bytes, 10);
	assert_int_equal(slot->dropped_messages, 3);
	assert_int_equal(slot->dropped_bytes, 13);
	end();
}

/* `dropped` and `close` do not make a batch that is nearly full longer than PIPE_BUF. */
static void test_events_in_a_full_batch(void **state)
{
	static char text[4096];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t len = 3300; len < 4096; len += 7) {
		start(FORMAT_JSON, 1);
		assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), 0);
		assert_int_equal(transcript_message(&transcript, TIME, text, len), 0);
		say("dropped");
		assert_int_equal(transcript_close(&transcript, TIME, CLOSE_EOF), 0);
		drain();
		assert_int_equal(got.record[got.n_records - 2].event, EVENT_DROPPED);
		check_numbers(TIME);
		end();
	}
}

static void test_holds_until_written(void **state)
{
	(void)state;
	start(FORMAT_TEXT, 10);
	assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), 0);
	assert_true(tickets_none_held(board));
	say("one");
	assert_false(tickets_none_held(board));
	/* A batch that is written because it is full is not the last one. */
	for (unsigned i = 0; i < 8; i++) {
		static const char long_text[1500] = "x";

		assert_int_equal(transcript_message(&transcript, TIME, long_text,
						    sizeof(long_text)), 0);
		assert_false(tickets_none_held(board));
	}
	flush();
	assert_true(tickets_none_held(board));
	assert_int_equal(tickets_used(board), 9);
	say("ten");
	assert_int_equal(transcript_close(&transcript, TIME, CLOSE_EOF), 0);
	assert_true(tickets_none_held(board));
	/*
	 * Without a limit, as with rotation, every message has a ticket, and the configuration
	 * that the worker began with does not matter.  A limit that comes waits for the write.
	 */
	assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), 0);
	say("beyond the limit");
	flush();
	assert_int_equal(slot->dropped_messages, 1);
	tickets_end_limit(board);
	say("free");
	assert_false(tickets_none_held(board));
	flush();
	assert_true(tickets_none_held(board));
	assert_int_equal(slot->dropped_messages, 1);
	end();
}

/* As the logger: opens the counter when all messages with a ticket are in the pipe. */
static void settle(void)
{
	int n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!tickets_none_held(board))
		usleep(100);
	ioctl(fds[0], FIONREAD, &n);
	board->torn_bytes = (uint64_t)n;
	tickets_issue(board, 0, 1);
	_exit(0);
}

static void test_closed_in_the_middle_of_a_batch(void **state)
{
	size_t before;
	int status;
	pid_t pid;

	(void)state;
	start(FORMAT_TEXT, 10);
	assert_int_equal(transcript_open(&transcript, TIME, "192.0.2.9:4711"), 0);
	drain();
	before = got.len;
	say("for the old file");
	tickets_close(board);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		settle();
	say("for the new file");
	say("for neither");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	flush();
	drain();
	assert_int_equal(got.n_records, 3);
	assert_int_equal(got.n_writes, 3);
	/* When the file was changed, only the first message had been written. */
	assert_int_equal(board->torn_bytes, got.write_len[1]);
	assert_int_equal(got.len - before, got.write_len[1] + got.write_len[2]);
	assert_int_equal(slot->dropped_messages, 1);
	assert_int_equal(tickets_used(board), 1);
	check_numbers(TIME);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dropped_comes_before_the_next_record),
		cmocka_unit_test(test_events_in_a_full_batch),
		cmocka_unit_test(test_holds_until_written),
		cmocka_unit_test(test_closed_in_the_middle_of_a_batch),
	};

	return cmocka_run_group_tests_name("transcript_tickets", tests, NULL, NULL);
}
