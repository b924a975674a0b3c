/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

#define TEXT_SIZE 2048

/* Whether stderr is what $JOURNAL_STREAM names, systemd.exec(5): it may have been redirected since. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

static void say(int priority, const char *text)
{
	static int is_journal = -1;
	char line[TEXT_SIZE + 32];
	int len;

	if (is_journal < 0)
		is_journal = stderr_is_journal();
	if (is_journal)
		len = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
	else
		len = snprintf(line, sizeof(line), "echo-logd: %s\n", text);
	/* One write, so that lines of several processes do not mix.  Nobody is left to tell of a failure. */
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}

/* A bucket of JOURNAL_BURST messages that refills by JOURNAL_PER_SECOND. */
static bool may_speak(unsigned *ret_swallowed)
{
	static uint64_t full_at_usec;	/* when the bucket will be full again */
	static unsigned swallowed;
	const uint64_t cost_usec = 1000000 / JOURNAL_PER_SECOND;
	uint64_t now = clock_monotonic_usec();

	if (full_at_usec < now)
		full_at_usec = now;
	if (full_at_usec - now > (JOURNAL_BURST - 1) * cost_usec) {
		swallowed++;
		return false;
	}
	full_at_usec += cost_usec;
	*ret_swallowed = swallowed;
	swallowed = 0;
	return true;
}

static char last_error[TEXT_SIZE];

const char *journal_last_error(void)
{
	return last_error;
}

void journal(int priority, const char *format, ...)
{
	int saved_errno = errno;
	char text[TEXT_SIZE];
	unsigned swallowed;
	va_list args;

	va_start(args, format);
	if (priority == LOG_ERR)
		vsnprintf(last_error, sizeof(last_error), format, args);
	va_end(args);
	if (may_speak(&swallowed)) {
		if (swallowed > 0) {
			snprintf(text, sizeof(text), "%u messages of this process were swallowed: too many a second",
				 swallowed);
			say(LOG_WARNING, text);
		}
		va_start(args, format);
		vsnprintf(text, sizeof(text), format, args);
		va_end(args);
		say(priority, text);
	}
	errno = saved_errno;
}
