/* SPDX-License-Identifier: MIT */
/*
 * The beginning of a record that was taken back from a log file.
 *
 * A logger that is stalled in the middle of a record has its beginning in the
 * file, and its rest in the stage pipe.  If that file is no longer the log, or
 * a reload names another, the record belongs to the next file, whole.  So the
 * master moves the beginning from the file to the scoreboard, and the next
 * logger writes it before the stage.
 *
 * At every instant the record is there exactly once, whichever process is
 * killed: `is_begun` says that the file in use has a part of the text, from
 * `offset_bytes` up to its file offset, which all processes share.  The text
 * is taken from the end of the file, so it is in the scoreboard while, by that
 * rule, all of it is still in the file.  Then the file offset is set back,
 * which by the same rule makes none of it be in the file.
 */
#ifndef ECHO_LOGD_HALF_RECORD_H
#define ECHO_LOGD_HALF_RECORD_H

#include <stddef.h>
#include <sys/types.h>

#include "ipc/scoreboard.h"

/*
 * Master, while no logger runs and the stage holds bytes: takes what follows
 * the last newline before the offset of LOG_FILE back, and ends the file
 * before it.  If a text was taken earlier, takes back what LOG_FILE has of it.
 * A file that may not be truncated keeps the beginning as a torn record.
 * Returns 0, or the -errno of pread(2).
 */
int half_record_take(struct scoreboard *board, int log_file);

/* How many bytes of the text must still be written to a file with the offset OFFSET_BYTES. */
size_t half_record_left(struct scoreboard *board, uint64_t offset_bytes);

/*
 * Logger: writes as much of the text to LOG_FILE as it can, at the file offset
 * OFFSET_BYTES.  Returns the number of bytes, or -1 with errno.  Call it until
 * half_record_left() returns 0, then half_record_drop(), and only then write
 * anything else.
 */
ssize_t half_record_write(struct scoreboard *board, int log_file, uint64_t offset_bytes);

/* Logger: LOG_FILE was truncated by another program, so it has nothing of the text any more. */
void half_record_restart(struct scoreboard *board);

/* If there is a text, all of it is written: forgets it. */
void half_record_drop(struct scoreboard *board);

#endif
