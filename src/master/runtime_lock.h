/* SPDX-License-Identifier: MIT */
/*
 * Keeps a second daemon out of the runtime directory: it would replace the
 * scoreboard of the first, and echo-logctl would show, reload and reopen the
 * wrong one.  Called by the master only, before it makes the scoreboard.
 */
#ifndef ECHO_LOGD_RUNTIME_LOCK_H
#define ECHO_LOGD_RUNTIME_LOCK_H

/*
 * Locks DIRECTORY/lock, and makes that file if it is missing.  The scoreboard
 * itself cannot carry the lock: it is replaced, and systemd keeps it open when
 * the daemon is dead.  Waits up to two seconds for a daemon that is ending.
 *
 * Returns a descriptor, which holds the lock until the process ends, however
 * it ends; children must close it.  Or -EBUSY if another process holds the
 * lock, -ENAMETOOLONG, or the -errno of open(2) or fcntl(2).
 */
int runtime_lock(const char *directory);

#endif
