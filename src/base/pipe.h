/* SPDX-License-Identifier: MIT */
/*
 * A pipe of the kernel, pipe(7): making one, its size, what is in it.
 * Any process may call this, with one exception for the stage pipe, see
 * pipe_bytes().
 */
#ifndef ECHO_LOGD_PIPE_H
#define ECHO_LOGD_PIPE_H

#include <stddef.h>

/*
 * Makes a pipe, close-on-exec, that holds at least BYTES; 0 leaves it the
 * kernel's default.  The size is only a wish: a user who holds many pipes
 * may get the default or less, and a smaller pipe is slower, not wrong.
 * Returns 0 and both ends, which are the caller's to close; or the -errno
 * of pipe2(2), with *RET_READ and *RET_WRITE as they were.
 */
int pipe_open(size_t bytes, int *ret_read, int *ret_write);

/* How many bytes the pipe of FD holds when it is full; 0 if FD is no pipe. */
size_t pipe_capacity(int fd);

/*
 * How many bytes are in the pipe of FD; 0 if FD is no pipe.
 *
 * While a logger lives, nobody but that logger may ask this of the stage
 * pipe: the kernel holds the lock of the pipe during splice(2) to the file,
 * so the caller would wait for the disk.
 */
size_t pipe_bytes(int fd);

#endif
