/* SPDX-License-Identifier: MIT */
/*
 * The master's timers.  Called by the master only.
 *
 * Each timer is made once, while the service starts, and is only set later.
 * Making one may fail when memory or descriptors have run out, and that is
 * when the master needs a timer for a retry.
 */
#ifndef ECHO_LOGD_TIMER_H
#define ECHO_LOGD_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/*
 * Makes a timer, *RET, that is not set.  EVENT owns it.  When it expires,
 * HANDLER is called with USERDATA.  Returns 0 or -errno.
 */
int timer_make(sd_event *event, sd_event_source **ret, sd_event_time_handler_t handler,
	       void *userdata);

/* The timer expires once, USEC microseconds from now.  Replaces an earlier setting. */
void timer_set(sd_event_source *timer, uint64_t usec);

/* Whether the timer is set and its handler has not been called yet. */
bool timer_is_set(sd_event_source *timer);

#endif
