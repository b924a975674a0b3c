/* SPDX-License-Identifier: MIT */
#include "config/config_reload.h"

#include <errno.h>
#include <string.h>

#include "config/config_keys.h"
#include "config/config_load.h"
#include "config/config_rules.h"
#include "config/config_value.h"
#include "format/escape.h"

static bool differs(const struct config_key *key, const struct config *a, const struct config *b)
{
	return memcmp((const char *)a + key->offset, (const char *)b + key->offset, key->size) != 0;
}

/*
 * Of the keys of a broken rule: the changed one that is set last, and the one whose running
 * value stays.  Both exist, as the file and the running configuration keep the rule.
 */
static void find_blamed(const struct config_rule *rule, const struct config *fresh,
			const struct config *running, const struct diagnostics *d,
			const struct config_key **ret_changed, const struct config_key **ret_kept)
{
	*ret_changed = *ret_kept = config_key_find(rule->section, rule->names[0]);
	for (const char *const *name = rule->names; *name; name++) {
		const struct config_key *key = config_key_find(rule->section, *name);

		if (key->reload == RELOAD_RESTART)
			*ret_kept = key;
		else if (differs(key, fresh, running) &&
			 (!differs(*ret_changed, fresh, running) ||
			  d->lines[key - config_keys] > d->lines[*ret_changed - config_keys]))
			*ret_changed = key;
	}
}

static void refuse(struct diagnostics *d, const char *path, const struct config_rule *rule,
		   const struct config *fresh, const struct config *running, const char *wrong)
{
	const struct config_key *changed, *kept;
	char new_value[64], kept_value[64], what[512], file[1024], line[24] = "";
	size_t room = sizeof(d->text) - d->len, taken, len;
	bool invalid;
	int n;

	find_blamed(rule, fresh, running, d, &changed, &kept);
	config_value_format(changed, fresh, new_value, sizeof(new_value));
	config_value_format(kept, running, kept_value, sizeof(kept_value));
	len = escape(ESCAPE_C, file, sizeof(file) - 1, path, strlen(path), &taken, &invalid);
	file[len] = '\0';
	if (d->lines[changed - config_keys] > 0)
		snprintf(line, sizeof(line), ":%u", d->lines[changed - config_keys]);
	snprintf(what, sizeof(what),
		 "%s.%s = %s is not possible while %s.%s = %s is in effect until a restart: %s",
		 changed->section, changed->name, new_value, kept->section, kept->name, kept_value,
		 wrong);
	n = snprintf(d->text + d->len, room, "%s%s: %s\n", file, line, what);
	if (n > 0 && (size_t)n < room) {
		d->len += (size_t)n;
	} else {
		d->text[d->len] = '\0';
		d->omitted++;
	}
}

int config_load_for_reload(const char *path, const char *const *overrides, size_t n_overrides,
			   const struct config *running, struct config *ret_config,
			   char *ret_kept, size_t size, struct diagnostics *diagnostics)
{
	struct config fresh;
	char wrong[256];
	int r = config_load(path, overrides, n_overrides, &fresh, diagnostics);

	if (r < 0)
		return r;
	(void)config_keep_until_restart(&fresh, running, ret_kept, size);
	for (size_t i = 0; i < config_n_rules; i++) {
		if (!config_rules[i].is_broken(&fresh, wrong, sizeof(wrong)))
			continue;
		refuse(diagnostics, path, &config_rules[i], &fresh, running, wrong);
		r = -EINVAL;
	}
	if (r == 0)
		*ret_config = fresh;
	return r;
}
