/* SPDX-License-Identifier: MIT */
/*
 * oracle: compares the message log with what clients saw.
 *
 *   oracle LEDGER LOG...
 *
 * LEDGER is what load wrote.  The logs are one set, in any order, in the text
 * format.  The oracle shares no code with the daemon, so that an error that the
 * daemon's writer and reader have in common is found.
 *
 * It checks each connection: record numbers have no gap and are not doubled, the
 * length of each record is right, and the payload is the stream from its first
 * byte, at least as long as what was echoed and at most as long as what was sent.
 * It prints "lost L doubled D torn T" with the numbers of connections, messages
 * and bytes, and the first findings to stderr.  It exits with 0 if all three are 0.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream.h"

struct line {
	uint64_t id, n, length;
	const char *data;	/* NULL: no `message` or `part` record */
	size_t data_len;
};

struct entry {
	uint64_t number, sent, echoed;
	bool seen;
};

static struct line *lines;
static size_t n_lines, lines_size;
static struct entry *entries;
static size_t n_entries, entries_size;
static uint64_t n_lost, n_doubled, n_torn, n_said, n_messages, n_connections, n_bytes;

static void say(uint64_t *counter, const char *what, uint64_t id, uint64_t n)
{
	++*counter;
	if (n_said++ < 20)
		fprintf(stderr, "oracle: %s: connection %013llx record %llu\n", what,
			(unsigned long long)id, (unsigned long long)n);
}

static void *grow(void *array, size_t n, size_t *size, size_t item)
{
	if (n < *size)
		return array;
	*size = *size ? *size * 2 : 65536;
	array = realloc(array, *size * item);
	if (!array)
		abort();
	return array;
}

static int by_number(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void read_ledger(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned long long number, sent, echoed;
	char end[16];

	if (!f) {
		perror(path);
		exit(2);
	}
	while (fscanf(f, "%llx %llu %llu %15s", &number, &sent, &echoed, end) == 4) {
		entries = grow(entries, n_entries, &entries_size, sizeof(*entries));
		entries[n_entries++] = (struct entry){number, sent, echoed, false};
	}
	fclose(f);
	qsort(entries, n_entries, sizeof(*entries), by_number);
}

/* The next field of the line at *P, which ends at END; false if there is none. */
static bool field(const char **p, const char *end, const char **ret, size_t *ret_len)
{
	const char *space = memchr(*p, ' ', (size_t)(end - *p));

	if (*p >= end)
		return false;
	*ret = *p;
	*ret_len = (size_t)((space ? space : end) - *p);
	*p = space ? space + 1 : end;
	return *ret_len > 0;
}

static bool is_word(const char *f, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(f, word, len) == 0;
}

static bool parse_time(const char *f, size_t len)
{
	static const char pattern[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";

	if (len != sizeof(pattern) - 1)
		return false;
	for (size_t i = 0; i < len; i++)
		if (pattern[i] == 'd' ? !isdigit((unsigned char)f[i]) : f[i] != pattern[i])
			return false;
	return true;
}

/* Returns false for a line that is not of the format. */
static bool parse(const char *p, const char *end, struct line *line, bool *ret_counts)
{
	const char *f, *dot;
	size_t len, line_len = (size_t)(end - p) + 1;
	bool is_message;

	*ret_counts = false;
	if (!field(&p, end, &f, &len) || !parse_time(f, len) || !field(&p, end, &f, &len))
		return false;
	if (len == 1 && *f == '-')
		return end - p > 4 && memcmp(p, "- ", 2) == 0;
	dot = memchr(f, '.', len);
	if (!dot || dot - f != 13)
		return false;
	line->id = strtoull(f, NULL, 16);
	if (dot[1] == '-')
		return memmem(p, (size_t)(end - p), " close killed", 13) != NULL;
	line->n = strtoull(dot + 1, NULL, 10);
	if (!field(&p, end, &f, &len) || !field(&p, end, &f, &len))
		return false;
	*ret_counts = true;
	is_message = is_word(f, len, "message");
	if (!is_message && !is_word(f, len, "part")) {
		line->data = NULL;
		return (is_word(f, len, "open") && p == end) ||
		       (is_word(f, len, "close") && end - p > 30) ||
		       (is_word(f, len, "dropped") && end - p > 18);
	}
	n_messages += is_message;
	if (!field(&p, end, &f, &len) || p >= end)
		return false;
	if (!is_message && line_len != 4096)
		return false;
	while (!is_message && end > p && end[-1] == ' ')
		end--;
	line->length = strtoull(f, NULL, 10);
	line->data = p;
	line->data_len = (size_t)(end - p);
	return true;
}

static void read_log(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	const char *p, *end, *newline;

	if (fd < 0 || fstat(fd, &st) < 0) {
		perror(path);
		exit(2);
	}
	if (st.st_size == 0)
		return;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		abort();
	for (end = p + st.st_size; p < end; p = newline + 1) {
		bool counts;

		newline = memchr(p, '\n', (size_t)(end - p));
		if (!newline) {
			say(&n_torn, "torn at the end of a file", 0, 0);
			break;
		}
		lines = grow(lines, n_lines, &lines_size, sizeof(*lines));
		if (!parse(p, newline, &lines[n_lines], &counts)) {
			say(&n_torn, "torn line", lines[n_lines].id, lines[n_lines].n);
			if (n_said < 20)
				fprintf(stderr, "  %.*s\n",
					(int)(newline - p > 150 ? 150 : newline - p), p);
		}
		else if (counts)
			n_lines++;
	}
	close(fd);
}

static int by_id(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->n < y->n ? -1 : x->n > y->n;
}

static int hex(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static size_t decode_escapes(const char *p, const char *end, uint8_t *out)
{
	size_t n = 0;

	for (; p < end; p++) {
		if (*p != '\\') {
			out[n++] = (uint8_t)*p;
			continue;
		}
		switch (*++p) {
		case 'n': out[n++] = '\n'; break;
		case 't': out[n++] = '\t'; break;
		case 'r': out[n++] = '\r'; break;
		case 'x': out[n++] = (uint8_t)(hex(p[1]) << 4 | hex(p[2])); p += 2; break;
		default: out[n++] = (uint8_t)*p;
		}
	}
	return n;
}

static size_t decode_base64(const char *p, const char *end, uint8_t *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static int8_t value[256];
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	for (int i = 0; i < 64; i++)
		value[(uint8_t)digits[i]] = (int8_t)i;
	for (; p < end && *p != '='; p++) {
		bits = bits << 6 | (uint32_t)value[(uint8_t)*p];
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	return n;
}

/* Returns the length of the payload, or 0 if the record states another one. */
static size_t decode(const struct line *line, uint8_t out[8192])
{
	const char *p = line->data, *end = p + line->data_len;
	size_t n;

	if (line->data_len > 4096)
		return 0;
	if (line->data_len >= 2 && *p == '"' && end[-1] == '"')
		n = decode_escapes(p + 1, end - 1, out);
	else if (line->data_len > 7 && memcmp(p, "base64:", 7) == 0)
		n = decode_base64(p + 7, end, out);
	else
		return 0;
	return n == line->length ? n : 0;
}

static void check_end(struct entry *entry, uint64_t id, uint64_t logged)
{
	n_connections++;
	n_bytes += logged;
	if (!entry)
		return;
	if (entry->seen)
		say(&n_doubled, "the same stream in two connections", id, 0);
	entry->seen = true;
	if (logged < entry->echoed)
		say(&n_lost, "less logged than echoed", id, logged);
	if (logged > entry->sent)
		say(&n_doubled, "more logged than sent", id, logged);
}

/* The records FIRST to LAST are those of one connection. */
static void check_connection(const struct line *first, const struct line *last)
{
	uint8_t got[8192], expected[8192];
	struct entry *entry = NULL;
	uint64_t logged = 0;

	for (const struct line *l = first; l <= last; l++) {
		size_t n;

		if (l > first && l->n == l[-1].n) {
			say(&n_doubled, "doubled", l->id, l->n);
			continue;
		}
		if (l->n != (l == first ? 0 : l[-1].n + 1))
			say(&n_lost, "records missing before", l->id, l->n);
		if (!l->data)
			continue;
		n = decode(l, got);
		if (n == 0) {
			say(&n_torn, "data is not what its length says", l->id, l->n);
			continue;
		}
		if (logged == 0 && n >= STREAM_HEADER) {
			char header[STREAM_HEADER];
			struct entry key;

			memcpy(header, got, STREAM_HEADER);
			header[STREAM_HEADER - 1] = '\0';
			key.number = strtoull(header, NULL, 16);
			entry = bsearch(&key, entries, n_entries, sizeof(key), by_number);
		}
		if (entry) {
			stream_fill(entry->number, logged, expected, n);
			if (memcmp(got, expected, n) != 0)
				say(&n_torn, "not what was sent", l->id, l->n);
		}
		logged += n;
	}
	check_end(entry, first->id, logged);
}

int main(int argc, char *argv[])
{
	if (argc < 3) {
		fprintf(stderr, "usage: oracle LEDGER LOG...\n");
		return 2;
	}
	read_ledger(argv[1]);
	for (int i = 2; i < argc; i++)
		read_log(argv[i]);
	qsort(lines, n_lines, sizeof(*lines), by_id);
	for (size_t i = 0, j; i < n_lines; i = j + 1) {
		for (j = i; j + 1 < n_lines && lines[j + 1].id == lines[i].id; j++)
			;
		check_connection(&lines[i], &lines[j]);
	}
	for (size_t i = 0; i < n_entries; i++)
		if (!entries[i].seen && entries[i].echoed > 0)
			say(&n_lost, "echoed and not in the log at all", entries[i].number, 0);
	printf("lost %llu doubled %llu torn %llu connections %llu messages %llu bytes %llu\n",
	       (unsigned long long)n_lost, (unsigned long long)n_doubled,
	       (unsigned long long)n_torn, (unsigned long long)n_connections,
	       (unsigned long long)n_messages, (unsigned long long)n_bytes);
	return n_lost || n_doubled || n_torn;
}
