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

/* How a compressed file begins, and what decompresses it. */
static const struct compression {
	const char *magic, *name, *program;
} compressions[] = {
	{"\x1f\x8b", "gzip", "zcat"},
	{"BZh", "bzip2", "bzcat"},
	{"\xfd" "7zXZ", "xz", "xzcat"},
	{"\x28\xb5\x2f\xfd", "zstd", "zstdcat"},
};
#define N_COMPRESSIONS (sizeof(compressions) / sizeof(compressions[0]))

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

/*
 * Fills the buffer with the beginning of a file, but not with the zeros that
 * are before it; *RET_ZEROS is their number.  Returns the bytes, or -errno.
 */
static ssize_t fill_first(struct verify *v, int fd, uint64_t *ret_zeros, bool *ret_is_last)
{
	size_t left = 0;
	ssize_t len;

	*ret_zeros = 0;
	for (;;) {
		size_t zeros = 0;

		len = fill(v, fd, left, ret_is_last);
		while (len > 0 && zeros < (size_t)len && v->buffer[zeros] == '\0')
			zeros++;
		if (zeros == 0)
			return len;
		left = (size_t)len - zeros;
		memmove(v->buffer, v->buffer + zeros, left);
		*ret_zeros += zeros;
	}
}

/* Begins a file that begins with the LEN bytes of the buffer, behind ZEROS. */
static int begin_file(struct verify *v, const char *name, size_t len, uint64_t zeros)
{
	enum log_format format = FORMAT_TEXT;
	int r = logcheck_find_format(v->buffer, len, &format);

	/* A file of zeros alone has no format. */
	if (r < 0 && len > 0)
		return r;
	logcheck_begin(v->check, name, format);
	logcheck_zeros(v->check, zeros);
	return 0;
}

static int read_lines(struct verify *v, int fd, const char *name)
{
	bool is_last;
	uint64_t zeros;
	ssize_t len = fill_first(v, fd, &zeros, &is_last);
	int r;

	if (len < 0 || (len == 0 && zeros == 0))
		return (int)len;
	r = begin_file(v, name, (size_t)len, zeros);
	while (r == 0) {
		size_t taken, left;

		r = logcheck_lines(v->check, v->buffer, (size_t)len, is_last, &taken);
		if (r < 0 || is_last)
			break;
		left = (size_t)len - taken;
		memmove(v->buffer, v->buffer + taken, left);
		len = fill(v, fd, left, &is_last);
		if (len < 0)
			r = (int)len;
	}
	return r;
}

static bool is_stdin(const char *name)
{
	return strcmp(name, "-") == 0;
}

static const char *name_in_messages(const char *name)
{
	return is_stdin(name) ? "stdin" : name;
}

static int read_file(struct verify *v, const char *name)
{
	int fd, r;

	if (is_stdin(name))
		return read_lines(v, STDIN_FILENO, name_in_messages(name));
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	r = read_lines(v, fd, name);
	close(fd);
	return r;
}

/* The buffer has the beginning of the file NAME, which holds no records. */
static void report_no_records(const struct verify *v, const char *name)
{
	const struct compression *c = compressions, *end = compressions + N_COMPRESSIONS;

	while (c < end && strncmp(v->buffer, c->magic, strlen(c->magic)) != 0)
		c++;
	if (c == end)
		fprintf(stderr,
			"echo-logctl: %s holds no records in text or JSON: it cannot be verified\n",
			name_in_messages(name));
	else if (is_stdin(name))
		fprintf(stderr,
			"echo-logctl: stdin is compressed with %s; decompress it first: "
			"%s FILE... | echo-logctl verify -\n", c->name, c->program);
	else
		fprintf(stderr,
			"echo-logctl: %s is compressed with %s; decompress it first: "
			"%s %s | echo-logctl verify -\n", name, c->name, c->program, name);
}

static int read_files(struct verify *v, char *const names[])
{
	for (char *const *name = names; *name; name++) {
		int r = read_file(v, *name);

		if (r == 0)
			continue;
		if (r == -ENOMSG)
			report_no_records(v, *name);
		else
			fprintf(stderr,
				"echo-logctl: cannot read %s: %s; verification aborted\n",
				name_in_messages(*name), strerror(-r));
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

int ctl_verify(const struct ctl_arguments *arguments)
{
	struct verify v = { .buffer = malloc(READ_BYTES) };
	struct finding_sink sink = { show, &v };
	int status = CTL_USAGE;

	if (!v.buffer || logcheck_new(&sink, &v.check) < 0) {
		fputs("echo-logctl: out of memory\n", stderr);
	} else {
		if (read_files(&v, arguments->files) == 0)
			status = sum_up(&v, arguments->n_files);
		logcheck_free(v.check);
	}
	free(v.buffer);
	return status;
}
