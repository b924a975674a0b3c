/* SPDX-License-Identifier: MIT */
/*
 * What the master uses and its children do not is not handed on to them.
 * A mapping that a child never looks at is not free: the kernel copies its
 * description and page tables at each fork(2), and keeps them for each
 * worker (doc/PERFORMANCE.md has the figures).
 */
#ifndef ECHO_LOGD_DONTFORK_H
#define ECHO_LOGD_DONTFORK_H

/*
 * Called by the master, once, before the first fork.  Afterwards a child
 * must not call libsystemd or inih, must be made by _Fork(3), which runs no
 * handler of theirs, and must leave by _exit(2), for the same reason.
 * Every library is handed on where a function could be looked for in what is not
 * there (preloaded libraries, sanitizers, --disable-hardening), or where the
 * kernel does not agree.
 */
void dontfork_libraries(void);

#endif
