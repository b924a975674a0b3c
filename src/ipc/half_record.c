/* SPDX-License-Identifier: MIT */
#include "ipc/half_record.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crash_point.h"

/* Copies what follows the last newline before OFFSET to the scoreboard.  Returns 0 or -errno. */
static int copy_tail(struct half_record *half, int log_file, off_t offset)
{
	off_t start = offset > RECORD_MAX ? offset - RECORD_MAX : 0;
	char tail[RECORD_MAX];
	ssize_t len = pread(log_file, tail, (size_t)(offset - start), start);
	const char *newline, *text;
	size_t n;

	if (len < 0)
		return -errno;
	newline = memrchr(tail, '\n', (size_t)len);
	text = newline ? newline + 1 : tail;
	n = (size_t)(tail + len - text);
	memcpy(half->text, text, n);
	half->offset_bytes = (uint64_t)offset - n;
	atomic_store(&half->is_begun, 1);
	/* Last: from here on there is a text, all of which is in the file. */
	atomic_store(&half->bytes, (uint32_t)n);
	return 0;
}

int half_record_take(struct scoreboard *board, int log_file)
{
	struct half_record *half = &board->half_record;
	off_t offset = lseek(log_file, 0, SEEK_CUR);
	struct stat st;
	int r = 0;

	if (offset < 0 || fstat(log_file, &st) < 0)
		return 0;
	if (st.st_size < offset) {
		/* Another program truncated the file, so nothing of the record is left in it. */
		half_record_restart(board);
		return 0;
	}
	if (atomic_load(&half->bytes) == 0)
		r = copy_tail(half, log_file, offset);
	if (r < 0 || atomic_load(&half->bytes) == 0 || !atomic_load(&half->is_begun))
		return r;
	crash_point("half-record-copied");
	(void)lseek(log_file, (off_t)half->offset_bytes, SEEK_SET);
	crash_point("half-record-rewound");
	atomic_store(&half->is_begun, 0);
	/* A file that may not be changed keeps a torn record, which the next file has whole. */
	if (ftruncate(log_file, (off_t)half->offset_bytes) == 0)
		crash_point("half-record-taken");
	return 0;
}

size_t half_record_left(struct scoreboard *board, uint64_t offset_bytes)
{
	const struct half_record *half = &board->half_record;
	uint32_t bytes = atomic_load(&half->bytes);

	if (bytes == 0 || !atomic_load(&half->is_begun))
		return bytes;
	return bytes - (size_t)(offset_bytes - half->offset_bytes);
}

ssize_t half_record_write(struct scoreboard *board, int log_file, uint64_t offset_bytes)
{
	struct half_record *half = &board->half_record;
	size_t left;
	ssize_t n;

	if (!atomic_load(&half->is_begun)) {
		half->offset_bytes = offset_bytes;
		atomic_store(&half->is_begun, 1);
	}
	left = half_record_left(board, offset_bytes);
	n = write(log_file, half->text + atomic_load(&half->bytes) - left,
		  crash_point_split("half-record-half", left));
	if (n > 0)
		crash_point_if_split("half-record-half");
	return n;
}

void half_record_restart(struct scoreboard *board)
{
	atomic_store(&board->half_record.is_begun, 0);
}

void half_record_drop(struct scoreboard *board)
{
	if (atomic_load(&board->half_record.bytes) == 0)
		return;
	crash_point("half-record-written");
	atomic_store(&board->half_record.bytes, 0);
}
