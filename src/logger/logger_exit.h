/* SPDX-License-Identifier: MIT */
/*
 * The exit statuses of the logger: why it left, and with it what the master
 * does before it forks the next one.  The logger repairs nothing itself.
 */
#ifndef ECHO_LOGD_LOGGER_EXIT_H
#define ECHO_LOGD_LOGGER_EXIT_H

enum logger_exit {
	LOGGER_FINISHED = 0,	/* no writer is left, the pipes are empty, the file is synced */
	LOGGER_CANNOT_GO_ON = 4,	/* nor could the next one: the service ends */
	LOGGER_REOPEN = 10,	/* the master ordered it, to open log.path again */
	LOGGER_MOVED = 11,	/* log.path leads to another file now, or to none */
	LOGGER_TRUNCATED = 12,	/* another program truncated the file */
	LOGGER_FULL = 13,	/* at_message_limit = rotate: the file has its messages */
	LOGGER_SYNC_FAILED = 14,	/* the file cannot be trusted any more: set it aside */
	LOGGER_NO_MEMORY = 15,	/* to look into a batch; the next one may have more luck */
};

#endif
