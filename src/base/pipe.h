/* SPDX-License-Identifier: MIT */
/*
 * Creates kernel pipes, pipe(7), and reports their capacity and fill level.
 * Called by any process, with one exception for the stage pipe, see
 * pipe_bytes().
 */
#ifndef ECHO_LOGD_PIPE_H
#define ECHO_LOGD_PIPE_H

#include <stddef.h>

/*
 * Creates a close-on-exec pipe and requests a capacity of at least BYTES; 0
 * keeps the kernel's default.  If the kernel refuses the capacity, as it does
 * when a user has many pipes, the pipe is smaller, which only makes it
 * slower.  Returns 0 and both ends, which the caller must close, or the
 * -errno of pipe2(2), which leaves *RET_READ and *RET_WRITE unchanged.
 */
int pipe_open(size_t bytes, int *ret_read, int *ret_write);

/* The capacity of the pipe FD in bytes; 0 if FD is not a pipe. */
size_t pipe_capacity(int fd);

/*
 * The number of unread bytes in the pipe FD; 0 if the ioctl(2) fails.
 *
 * While a logger runs, only the logger may call this for the stage pipe: the
 * kernel locks the pipe during splice(2) to the file, so another caller
 * would wait for the disk.
 */
size_t pipe_bytes(int fd);

#endif
