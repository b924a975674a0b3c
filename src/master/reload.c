/* SPDX-License-Identifier: MIT */
#include "master/reload.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/crash_point.h"
#include "base/journal.h"
#include "base/plural.h"
#include "config/config_keys.h"
#include "config/config_reload.h"
#include "ipc/tickets.h"
#include "master/listener.h"
#include "master/listener_setup.h"
#include "master/logger_process.h"
#include "master/message_log.h"
#include "master/notify.h"
#include "master/stdout_warning.h"
#include "master/worker_pool.h"

/* What follows from an error. */
static const char refusal[] = "the running configuration stays";

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
	char kept[128], text[256];
	int r;

	r = config_load_for_reload(s->options->config_path, s->options->overrides,
				   s->options->n_overrides, &s->config, ret_fresh, kept,
				   sizeof(kept), &s->reload.diagnostics);
	if (r < 0) {
		reload_log_mistakes(s);
		return r;
	}
	if (kept[0]) {
		snprintf(text, sizeof(text),
			 "a change of %s needs a restart; the running value stays", kept);
		add_notice(s, text);
	}
	return 0;
}

static int refuse(const char *text)
{
	journal_event(JOURNAL_CONFIG_WRONG, LOG_ERR, "%s", text);
	return -EINVAL;
}

/*
 * Stdout cannot be synced.  Until the log has changed, which takes a round of the logger, the
 * records of old and new clients go to the old log.
 */
static int check_promises(const struct service *s, const struct config *fresh)
{
	bool from_stdout = config_logs_to_stdout(&s->config);
	bool to_stdout = config_logs_to_stdout(fresh);

	if (to_stdout && !from_stdout && worker_pool_promises_synced(s))
		return refuse("log.path = - is not possible while clients rely on "
			      "log.echo_after = synced: stdout cannot be synced; reload with "
			      "another log.echo_after first, or restart");
	if (from_stdout && !to_stdout && fresh->echo_after == ECHO_AFTER_SYNCED)
		return refuse("log.echo_after = synced is not possible while log.path = - is in "
			      "effect: stdout cannot be synced; reload with the new "
			      "log.path first");
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
	int r = listener_setup_open(fresh, &s->fds.listeners, refusal, ret_listeners);

	if (r == 0 && ret_listeners->are_passed && names_other_addresses(fresh, &s->config))
		add_notice(s, "server.address and server.port have no effect: systemd made "
			      "the sockets; change the socket unit");
	return r;
}

/*
 * Opens all that the new configuration needs.  After a failure, all is as before.  The renaming
 * of a foreign file comes last, because others can see it.
 */
static int open_all(struct service *s, const struct config *fresh,
		    struct listeners *ret_listeners)
{
	int r = message_log_open_next(s, fresh);

	if (r == 0)
		r = open_listeners(s, fresh, ret_listeners);
	if (r == 0) {
		r = message_log_take_next(s, fresh);
		if (r < 0)
			listeners_close(ret_listeners, &s->fds.listeners);
	}
	if (r < 0)
		message_log_forget_next(s, fresh);
	return r;
}

static bool keeps_fewer_files(const struct config *fresh, const struct config *old)
{
	return config_rotates_at_limit(fresh) && fresh->keep_files > 0 &&
	       (old->keep_files == 0 || fresh->keep_files < old->keep_files);
}

/* Nothing fails from here on. */
static void apply_config(struct service *s, const struct config *fresh,
			 const struct listeners *listeners)
{
	bool keep_fewer = keeps_fewer_files(fresh, &s->config);

	crash_point("master-reload");
	/* New clients may get receipts for records in the file of before. */
	if (fresh->echo_after == ECHO_AFTER_SYNCED && !atomic_load(&s->board->must_sync))
		message_log_sync_name(s);
	stdout_warning(fresh, &s->config);
	s->config = *fresh;
	listener_setup_switch(s, listeners);
	s->generation++;
	if (keep_fewer)
		message_log_prune(s);
	/* What is received from now on counts, also from the clients that are connected. */
	if (config_stops_at_limit(&s->config))
		tickets_begin_limit(s->board);
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
		r = check_promises(s, &fresh);
	if (r == 0)
		r = open_all(s, &fresh, &listeners);
	if (r == 0)
		apply_config(s, &fresh, &listeners);
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
