/* SPDX-License-Identifier: MIT */
#include "logger/logger_truncation.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/journal.h"
#include "ipc/half_record.h"

/* If the file, now of SIZE bytes, was cut within a record, ends that line.  Returns 0 or -errno. */
static int end_line(const struct logger *l, off_t size)
{
	char last = '\n';

	if (size > 0 && l->config->format != FORMAT_RAW &&
	    pread(l->fds->log_file, &last, 1, size - 1) == 1 && last != '\n' &&
	    pwrite(l->fds->log_file, "\n", 1, size) < 0)
		return -errno;
	return 0;
}

int logger_truncation_follow(struct logger *l)
{
	struct stat st;
	int r;

	if (l->is_stream || fstat(l->fds->log_file, &st) < 0 ||
	    (uint64_t)st.st_size >= l->offset_bytes)
		return 0;
	r = end_line(l, st.st_size);
	if (r < 0)
		return r;
	/* Before the offset: what is left of the text in the file does not count any more. */
	half_record_restart(l->board);
	l->offset_bytes = (uint64_t)lseek(l->fds->log_file, 0, SEEK_END);
	l->synced_bytes = 0;
	l->was_truncated = true;
	return 0;
}

/*
 * A file that is truncated in the very middle of a splice has a hole from
 * its new end to where that splice wrote, and so no newline before BEGIN,
 * the offset of the round.  Puts one at the end of the hole, so that the
 * record behind it begins a line.
 */
static void close_hole(const struct logger *l, uint64_t begin)
{
	static const char zeros[RECORD_MAX];
	char piece[RECORD_MAX];
	ssize_t n;

	while ((n = pread(l->fds->log_file, piece, sizeof(piece), (off_t)begin)) > 0 &&
	       memcmp(piece, zeros, (size_t)n) == 0)
		begin += (uint64_t)n;
	for (ssize_t i = 0; i < n && piece[i] == '\0'; i++)
		begin++;
	if (pwrite(l->fds->log_file, "\n", 1, (off_t)begin - 1) < 0)
		journal_warning("cannot end the hole that a truncation left in %s: %m; "
				"one record is on the same line as the hole",
				l->config->path);
}

bool logger_truncation_found(struct logger *l)
{
	uint64_t begin = atomic_load(&l->board->round_offset_bytes);
	char byte = '\n';

	if (l->was_truncated)
		return true;
	atomic_store(&l->board->round_offset_bytes, 0);
	if (begin == 0 || begin >= l->offset_bytes || l->config->format == FORMAT_RAW ||
	    pread(l->fds->log_file, &byte, 1, (off_t)begin - 1) != 1 || byte != '\0')
		return false;
	close_hole(l, begin);
	return true;
}
