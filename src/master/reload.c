/* SPDX-License-Identifier: MIT */
#include "master/reload.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/crash_point.h"
#include "base/journal.h"
#include "base/plural.h"
#include "config/config_keys.h"
#include "master/listener.h"
#include "master/listener_setup.h"
#include "master/logger_process.h"
#include "master/message_log.h"
#include "master/notify.h"
#include "master/worker_pool.h"

void reload_log_mistakes(const struct service *s)
{
	const char *line = s->reload.diagnostics.text, *newline;

	for (; (newline = strchr(line, '\n')); line = newline + 1) {
		journal_field("CONFIG_FILE=%s", s->options->config_path);
		journal_event(JOURNAL_CONFIG_WRONG, LOG_ERR, "%.*s", (int)(newline - line), line);
	}
	if (s->reload.diagnostics.omitted > 0)
		journal_error("... and %u more mistake%s", s->reload.diagnostics.omitted,
			      PLURAL(s->reload.diagnostics.omitted));
}

/* A part of the new configuration has no effect: logs it, and adds it to the reload's result. */
static void add_notice(struct service *s, const char *text)
{
	size_t len = strlen(s->reload.words);

	journal_event(JOURNAL_NEEDS_MORE, LOG_NOTICE, "%s", text);
	snprintf(s->reload.words + len, sizeof(s->reload.words) - len, "%s%s", len > 0 ? "; " : "",
		 text);
}

static int load(struct service *s, struct config *ret_fresh)
{
	char names[128], text[256];
	int r;

	r = config_load(s->options->config_path, s->options->overrides, s->options->n_overrides,
			ret_fresh, &s->reload.diagnostics);
	if (r < 0) {
		reload_log_mistakes(s);
		return r;
	}
	if (config_keep_until_restart(ret_fresh, &s->config, names, sizeof(names)) > 0) {
		snprintf(text, sizeof(text),
			 "a change of %s needs a restart; the running value stays", names);
		add_notice(s, text);
	}
	return 0;
}

static bool names_other_addresses(const struct config *fresh, const struct config *running)
{
	bool differ = fresh->port != running->port || fresh->n_addresses != running->n_addresses;

	for (unsigned i = 0; i < fresh->n_addresses && !differ; i++)
		differ = strcmp(fresh->addresses[i], running->addresses[i]) != 0;
	return differ;
}

static int open_listeners(struct service *s, const struct config *fresh,
			  struct listeners *ret_listeners)
{
	int r = listener_setup_open(fresh, &s->fds.listeners, "the running configuration stays",
			       ret_listeners);

	if (r == 0 && ret_listeners->are_passed && names_other_addresses(fresh, &s->config))
		add_notice(s, "server.address and server.port have no effect: systemd made "
			      "the sockets; change the socket unit");
	return r;
}

/* Nothing fails from here on. */
static void apply_config(struct service *s, const struct config *fresh,
			 const struct listeners *listeners)
{
	struct listeners old = s->fds.listeners;

	crash_point("master-reload");
	s->config = *fresh;
	s->fds.listeners = *listeners;
	listeners_configure(&s->fds.listeners, &s->config);
	listeners_close(&old, listeners);
	s->generation++;
	worker_pool_signal(s, SIGHUP);
	worker_pool_fill(s);
	logger_process_order(s, ORDER_REOPEN);
}

static int reload(struct service *s)
{
	struct listeners listeners;
	struct config fresh;
	int r = load(s, &fresh);

	if (r == 0)
		r = message_log_open_next(s, &fresh);
	if (r == 0)
		r = open_listeners(s, &fresh, &listeners);
	if (r == 0)
		apply_config(s, &fresh, &listeners);
	else
		message_log_forget_next(s);
	return r;
}

/* Puts the result in the scoreboard for echo-logctl reload. */
static void end_reload(struct service *s, bool refused, const char *text)
{
	snprintf(s->board->reload_words, sizeof(s->board->reload_words), "%s", text);
	atomic_store(&s->board->reload_refused, refused);
	atomic_store(&s->board->reloads_done, s->reload.answers);
}

void reload_request(struct service *s)
{
	if (s->phase >= PHASE_DRAINING) {
		s->reload.answers = atomic_load(&s->board->reloads_asked);
		end_reload(s, true, "the service is stopping");
		return;
	}
	if (s->reload.is_under_way || s->phase == PHASE_STARTING) {
		s->reload.is_wanted = true;
		return;
	}
	notify_reloading();
	s->reload.answers = atomic_load(&s->board->reloads_asked);
	s->reload.words[0] = '\0';
	s->reload.has_failed = reload(s) < 0;
	if (s->reload.has_failed) {
		end_reload(s, true, journal_last_error());
		journal_field("CONFIG_FILE=%s", s->options->config_path);
		journal_event(JOURNAL_RELOAD_FAILED, LOG_ERR,
			      "reload failed; the running configuration stays");
		notify_ready(s);
		return;
	}
	s->reload.is_under_way = true;
}

void reload_continue(struct service *s)
{
	if (s->reload.is_under_way && atomic_load(&s->board->logger_order) == ORDER_NONE) {
		s->reload.is_under_way = false;
		atomic_store(&s->board->generation, s->generation);
		end_reload(s, false, s->reload.words);
		journal_field("GENERATION=%u", s->generation);
		journal_event(JOURNAL_RELOADED, LOG_INFO, "configuration reloaded: generation %u",
			      s->generation);
		notify_ready(s);
	}
	if (s->reload.is_wanted && !s->reload.is_under_way) {
		s->reload.is_wanted = false;
		reload_request(s);
	}
}
