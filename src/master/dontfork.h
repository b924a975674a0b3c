/* SPDX-License-Identifier: MIT */
/*
 * Keeps the master's libraries out of its children.  A mapping that a child
 * never uses still costs time and memory: the kernel copies its description
 * and page tables at each fork(2), and keeps them for each worker
 * (doc/PERFORMANCE.md has the figures).  Called by the master only.
 */
#ifndef ECHO_LOGD_DONTFORK_H
#define ECHO_LOGD_DONTFORK_H

/*
 * Called once, before the first fork.  Afterwards a child must not call
 * libsystemd or inih.  It must be made by _Fork(3) and must leave by
 * _exit(2), because fork(3) and exit(3) run handlers of these libraries.
 *
 * Does nothing if the dynamic linker might look for a function in a library
 * that the child lacks: with preloaded libraries, sanitizers, or
 * --disable-hardening.  A library for which madvise(2) fails is inherited.
 */
void dontfork_libraries(void);

#endif
