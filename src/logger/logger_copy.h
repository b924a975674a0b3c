/* SPDX-License-Identifier: MIT */
/*
 * From the stage to a log that does not support splice(2), for example a
 * file that was opened for appending: copied through the memory of the
 * logger.  Called by the logger only.
 *
 * Bytes leave the stage after they were written.  So a logger that is killed
 * meanwhile loses nothing, but its successor writes them again: some records
 * may be there twice, and one may be torn.
 */
#ifndef ECHO_LOGD_LOGGER_COPY_H
#define ECHO_LOGD_LOGGER_COPY_H

#include "logger/logger_state.h"

/* splice(2) was refused: from now on records are copied.  Warns of it once for each log. */
void logger_copy_begin(struct logger *l);

/*
 * Copies up to LEFT bytes of the stage to the log.  Returns how many, 0, or
 * -1 with errno, as splice(2) would.
 */
ssize_t logger_copy(struct logger *l, size_t left);

#endif
