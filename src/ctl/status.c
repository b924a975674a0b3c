/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/plural.h"
#include "ctl/board.h"
#include "ctl/ctl.h"
#include "ctl/problems.h"
#include "ctl/runtime.h"
#include "format/calendar.h"

enum state { STATE_RUNNING, STATE_STARTING, STATE_GONE };

static const char *const state_words[] = {
	[STATE_RUNNING] = "running",
	[STATE_STARTING] = "starting",
	[STATE_GONE] = "gone",
};

enum log_state { LOG_WRITABLE, LOG_STALLED, LOG_LIMIT };

static const char *const log_words[] = {
	[LOG_WRITABLE] = "can be written",
	[LOG_STALLED] = "stalled",
	[LOG_LIMIT] = "message limit reached",
};

/* The values to print, read from the scoreboard once. */
struct status {
	enum state state;
	pid_t master_pid, logger_pid;
	char started[CALENDAR_LEN + sizeof("Z")];
	uint32_t generation, max_clients;
	enum log_state log;
	int log_errno;			/* why it is stalled */
	uint64_t moved_bytes;
	uint32_t log_files;
	struct problems problems;
	struct totals totals;
};

static void read_log_state(struct scoreboard *board, struct status *st)
{
	st->log_errno = atomic_load(&board->no_logger_errno);
	if (st->log_errno == 0)
		st->log_errno = atomic_load(&board->stalled_errno);
	if (st->log_errno != 0)
		st->log = LOG_STALLED;
	else if (atomic_load(&board->limit_reached))
		st->log = LOG_LIMIT;
	st->moved_bytes = atomic_load(&board->moved_bytes);
	st->log_files = atomic_load(&board->reopens);
}

static void read_status(struct scoreboard *board, struct status *st)
{
	uint64_t started = atomic_load(&board->started_usec) / 1000000;

	*st = (struct status){
		.master_pid = atomic_load(&board->master_pid),
		.logger_pid = atomic_load(&board->logger_pid),
		.generation = atomic_load(&board->generation),
		.max_clients = board->n_slots,
	};
	/* Before the counters: if the daemon is dead now, the counters read later are final. */
	if (!board_master_lives(st->master_pid))
		st->state = STATE_GONE;
	else if (st->generation == 0)
		st->state = STATE_STARTING;
	calendar_write(st->started, started < CALENDAR_MAX_SECOND ? started : CALENDAR_MAX_SECOND);
	st->started[CALENDAR_LEN] = 'Z';
	read_log_state(board, st);
	if (st->state != STATE_GONE)
		problems_read(board, st->log_errno, &st->problems);
	scoreboard_totals(board, &st->totals);
}

static void print_life(const struct status *st)
{
	const struct totals *t = &st->totals;

	printf("processes      master %d, ", (int)st->master_pid);
	if (st->logger_pid > 0)
		printf("logger %d, ", (int)st->logger_pid);
	else
		printf("no logger, ");
	printf("%u worker%s, %u of them idle\n", t->idle + t->busy,
	       PLURAL(t->idle + t->busy), t->idle);
	printf("log            %s", log_words[st->log]);
	if (st->log == LOG_STALLED)
		printf(": %s\n", strerror(st->log_errno));
	else if (st->log == LOG_LIMIT)
		printf(": new messages are echoed but not saved\n");
	else
		printf("\n");
	problems_print(&st->problems, stdout);
}

static void print_text(const struct status *st)
{
	const struct totals *t = &st->totals;

	if (st->state == STATE_GONE)
		printf("echo-logd is not running; figures of the one started %s:\n", st->started);
	else
		printf("echo-logd is %s, started %s\n", state_words[st->state], st->started);
	printf("configuration  generation %" PRIu32 "\n", st->generation);
	if (st->state != STATE_GONE)
		print_life(st);
	printf("clients        %u now, %" PRIu32 " at most, %" PRIu64 " in total\n", t->busy,
	       st->max_clients, t->clients);
	printf("messages       %" PRIu64 " received, %" PRIu64 " dropped\n", t->received_messages,
	       t->dropped_messages);
	printf("bytes          received    %15" PRIu64 "\n", t->received_bytes);
	printf("               = logged    %15" PRIu64 "\n", t->logged_bytes);
	printf("               + dropped   %15" PRIu64 "\n", t->dropped_bytes);
	printf("               + in flight %15" PRIu64 "\n", t->in_flight_bytes);
	printf("               + unknown   %15" PRIu64 "\n", t->unknown_bytes);
}

static void print_json(const struct status *st)
{
	static const char *const log_names[] = {
		[LOG_WRITABLE] = "takes", [LOG_STALLED] = "stalled", [LOG_LIMIT] = "limit",
	};
	const struct totals *t = &st->totals;

	printf("{\"state\":\"%s\",\"master_pid\":%d,\"logger_pid\":%d,\"started\":\"%s\"",
	       state_words[st->state], (int)st->master_pid, (int)st->logger_pid, st->started);
	printf(",\"generation\":%" PRIu32 ",\"clients\":%u,\"max_clients\":%" PRIu32
	       ",\"clients_total\":%" PRIu64 ",\"workers_idle\":%u",
	       st->generation, t->busy, st->max_clients, t->clients, t->idle);
	printf(",\"log\":\"%s\",\"log_error\":\"%s\",\"log_files\":%" PRIu32
	       ",\"log_written_bytes\":%" PRIu64,
	       log_names[st->log], st->log_errno != 0 ? strerror(st->log_errno) : "",
	       st->log_files, st->moved_bytes);
	printf(",\"received_messages\":%" PRIu64 ",\"dropped_messages\":%" PRIu64,
	       t->received_messages, t->dropped_messages);
	printf(",\"received_bytes\":%" PRIu64 ",\"logged_bytes\":%" PRIu64
	       ",\"dropped_bytes\":%" PRIu64 ",\"in_flight_bytes\":%" PRIu64
	       ",\"unknown_bytes\":%" PRIu64 ",\"problems\":",
	       t->received_bytes, t->logged_bytes, t->dropped_bytes, t->in_flight_bytes,
	       t->unknown_bytes);
	problems_print_json(&st->problems, stdout);
	puts("}");
}

int ctl_status(const struct ctl_arguments *arguments)
{
	const char *directory = arguments->directory;
	struct scoreboard *board = runtime_open(directory);
	struct status st;

	if (!board)
		return CTL_FAILED;
	read_status(board, &st);
	if (arguments->json)
		print_json(&st);
	else
		print_text(&st);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("echo-logctl: stdout");
		return CTL_FAILED;
	}
	if (st.state != STATE_GONE)
		return st.problems.n > 0 ? CTL_UNWELL : CTL_WELL;
	runtime_report_dead(directory, st.master_pid);
	return CTL_FAILED;
}
