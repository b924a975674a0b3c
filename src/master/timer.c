/* SPDX-License-Identifier: MIT */
#include "master/timer.h"

#include <time.h>

/* The default of sd-event may delay a timer by a quarter of a second, to save wake-ups. */
#define ACCURACY_USEC 10000

int timer_make(sd_event *event, sd_event_source **ret, sd_event_time_handler_t handler,
	       void *userdata)
{
	int r = sd_event_add_time(event, ret, CLOCK_MONOTONIC, 0, ACCURACY_USEC, handler, userdata);

	if (r >= 0)
		r = sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
	return r < 0 ? r : 0;
}

void timer_set(sd_event_source *timer, uint64_t usec)
{
	/* Neither allocates memory, so neither fails. */
	(void)sd_event_source_set_time_relative(timer, usec);
	(void)sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

bool timer_is_set(sd_event_source *timer)
{
	return sd_event_source_get_enabled(timer, NULL) > 0;
}
