/* SPDX-License-Identifier: MIT */
/*
 * The master's timers.  Each is made once, while the service starts, and
 * then only set: a timer that is made when it is needed may be refused for
 * want of memory or descriptors, just when something has to be tried again
 * for the same reason.
 */
#ifndef ECHO_LOGD_TIMER_H
#define ECHO_LOGD_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/* Makes a timer that is not set.  The loop owns it.  Returns 0 or -errno. */
int timer_make(sd_event *event, sd_event_source **ret, sd_event_time_handler_t handler,
	       void *userdata);

/* HANDLER is called once, in USEC from now, whatever the timer was set to before. */
void timer_set(sd_event_source *timer, uint64_t usec);

bool timer_is_set(sd_event_source *timer);

#endif
