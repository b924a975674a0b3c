/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/logcheck.h"

/* Bytes of one read(2).  An incomplete last line is moved to the front before the next. */
#define READ_BYTES ((size_t)1024 * 1024)

/* A damaged log may have as many problems as records. */
#define PROBLEMS_SHOWN 100

struct verify {
	struct logcheck *check;
	char *buffer;
	uint64_t problems;
};

static void show(void *context, const struct finding *finding)
{
	struct verify *v = context;

	if (v->problems++ < PROBLEMS_SHOWN)
		finding_print(finding, stderr);
}

/* Fills the buffer behind its first LEN bytes.  Returns how many bytes it then has, or -errno. */
static ssize_t fill(struct verify *v, int fd, size_t len, bool *ret_is_last)
{
	ssize_t n = 1;

	while (len < READ_BYTES && n != 0) {
		n = read(fd, v->buffer + len, READ_BYTES - len);
		if (n > 0)
			len += (size_t)n;
		else if (n < 0 && errno != EINTR)
			return -errno;
	}
	*ret_is_last = n == 0;
	return (ssize_t)len;
}

static int read_lines(struct verify *v, int fd, const char *name)
{
	bool is_last = false, has_begun = false;
	size_t left = 0, taken;
	int r;

	while (!is_last) {
		ssize_t len = fill(v, fd, left, &is_last);
		enum log_format format;

		if (len < 0 || (len == 0 && !has_begun))
			return (int)len;
		if (!has_begun) {
			r = logcheck_find_format(v->buffer, (size_t)len, &format);
			if (r < 0)
				return r;
			logcheck_begin(v->check, name, format);
			has_begun = true;
		}
		r = logcheck_lines(v->check, v->buffer, (size_t)len, is_last, &taken);
		if (r < 0)
			return r;
		left = (size_t)len - taken;
		memmove(v->buffer, v->buffer + taken, left);
	}
	return 0;
}

static int read_file(struct verify *v, const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	if (fd < 0)
		return -errno;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	r = read_lines(v, fd, name);
	close(fd);
	return r;
}

static int read_files(struct verify *v, char *names[])
{
	for (char **name = names; *name; name++) {
		int r = read_file(v, *name);

		if (r == 0)
			continue;
		if (r == -ENOMSG)
			fprintf(stderr,
				"echo-logctl: %s holds no records in text or JSON: "
				"it cannot be verified\n", *name);
		else
			fprintf(stderr,
				"echo-logctl: cannot read %s: %s; verification aborted\n",
				*name, strerror(-r));
		return r;
	}
	return 0;
}

static void print_fact(const char *name, uint64_t value)
{
	printf("%-18s %" PRIu64 "\n", name, value);
}

static int sum_up(struct verify *v, unsigned n_files)
{
	struct connections_summary sum;
	uint64_t records = logcheck_finish(v->check, &sum);

	if (v->problems > PROBLEMS_SHOWN)
		fprintf(stderr, "... and %" PRIu64 " more\n", v->problems - PROBLEMS_SHOWN);
	print_fact("files", n_files);
	print_fact("records", records);
	print_fact("connections", sum.whole + sum.killed + sum.without_end + sum.wrong);
	print_fact("  whole", sum.whole);
	print_fact("  killed", sum.killed);
	print_fact("  without end", sum.without_end);
	print_fact("  with problems", sum.wrong);
	print_fact("messages", sum.messages);
	print_fact("payload bytes", sum.bytes);
	print_fact("dropped messages", sum.dropped_messages);
	print_fact("dropped bytes", sum.dropped_bytes);
	print_fact("problems", v->problems);
	return fflush(stdout) == 0 && v->problems == 0 ? CTL_WELL : CTL_FAILED;
}

int ctl_verify(int argc, char *argv[])
{
	struct verify v = { .buffer = malloc(READ_BYTES) };
	struct finding_sink sink = { show, &v };
	int status = CTL_USAGE;

	if (argc < 2 || argv[1][0] == '-') {
		fputs("Usage: echo-logctl verify FILE...\n", stderr);
	} else if (!v.buffer || logcheck_new(&sink, &v.check) < 0) {
		fputs("echo-logctl: out of memory\n", stderr);
	} else {
		if (read_files(&v, argv + 1) == 0)
			status = sum_up(&v, (unsigned)argc - 1);
		logcheck_free(v.check);
	}
	free(v.buffer);
	return status;
}
