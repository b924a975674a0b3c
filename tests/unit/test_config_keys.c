/* SPDX-License-Identifier: MIT */
/* The table of keys, and whether the shipped echo-logd.conf and its manual page agree with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "config/config.h"
#include "config/config_keys.h"
#include "config/config_load.h"
#include "config/config_value.h"

static void load(const char *text, struct config *ret_config)
{
	char file[] = "/tmp/test_config_keys.XXXXXX";
	struct diagnostics diagnostics;
	int fd = mkstemp(file);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	if (config_load(file, NULL, 0, ret_config, &diagnostics) < 0)
		fail_msg("%s", diagnostics.text);
	unlink(file);
}

/* For each key: the ends of its range, values just outside, and text that is no value. */
static const struct {
	const char *key, *good[6], *bad[16];
} ranges[] = {
	{"server.port", {"1", "65535", "7777"},
	 {"0", "65536", "-1", "+7", "0x7", "7 7", "7.0", "7K", "seven", "07",
	  "99999999999999999999", "18446744073709551623"}},
	{"server.max_clients", {"1", "100000"}, {"0", "100001", "1s", "1K", "-0"}},
	{"server.idle_timeout", {"0", "100ms", "365d", "8760h", "5m", "90"},
	 {"99ms", "366d", "1y", "1.5h", "1 h", "-1s", "1h30m", "5M", "s", "8761h", "5us",
	  "213503982334602d"}},
	{"server.drain_timeout", {"0", "1ms", "1d", "86400"},
	 {"86401", "25h", "2d", "2 s", "never"}},
	{"server.clients_per_worker", {"0", "1", "1000000000"}, {"1000000001", "-1", "none"}},
	{"server.min_spare", {"1", "32"}, {"0", "100001"}},
	{"server.max_spare", {"4", "100000"}, {"0", "100001"}},
	{"log.message_limit", {"0", "1", "1000000000000000"},
	 {"1000000000000001", "-1", "10K", "18446744073709551616"}},
	{"log.keep_files", {"0", "1", "1000000"}, {"1000001", "all", "-1"}},
	{"log.message_size", {"1", "1M", "1048576", "64k", "1024K", "1m"},
	 {"0", "1048577", "2M", "1G", "64KB", "64KiB", "64 K", "0.5M", "K", "17592186044417M"}},
	{"log.mode", {"0640", "640", "600", "0664"},
	 {"0", "64", "00640", "0648", "0o640", "0440", "0220", "200", "0750", "0642", "0700",
	  "4640", "rw-r-----", "0x1a0", "641", "9"}},
	{"log.format", {"text", "json", "raw"}, {"Text", "JSON", "xml", "text,json", "0"}},
	{"log.framing", {"stream", "line"}, {"lines", "1"}},
	{"log.at_message_limit", {"rotate", "stop"}, {"drop", "ROTATE"}},
	{"log.path", {"/a", "/var/log/x y.log", "/tmp/\xc3\xa4.log", "/a;b#c", "/a = b", "/./a"},
	 {"a", "./a", "/", "/a/", "\"/a\"", "~/a", "/a/.", "/a/..", "*", "/a\n", ""}},
	{"log.echo_after", {"queued", "written", "synced"}, {"sync", "0"}},
	{"log.when_stalled", {"block", "drop", "close"}, {"wait", "Drop"}},
	{"log.stall_timeout", {"10ms", "1d"}, {"0", "9ms", "25h"}},
	{"log.keep_free", {"0", "1", "1048576G", "1%", "99%", "64M"},
	 {"0%", "100%", "5 %", "%", "5%%", "1.5%", "05%", "1048577G", "-1", "1T"}},
	{"log.logger_timeout", {"0", "1s", "1d"}, {"999ms", "25h"}},
	{"server.address",
	 {"*", "0.0.0.0", "::", "::1,127.0.0.1", "fe80::1%eth0", "10.0.0.1 , ::2"},
	 {"localhost", "127.0.0.1, 127.0.0.1", "::1, 0:0:0:0:0:0:0:1", "*, ::1", "::1, *", "1.2.3",
	  "127.0.0.01", "[::1]", "::1%eth0", "fe80::1", "fe80::1%", "::1,,::2", "::ffff:1.2.3.4",
	  "1.2.3.4:7"}},
};

static void assert_same(const struct config *a, const struct config *b)
{
	for (size_t i = 0; i < config_n_keys; i++) {
		char is[4096], should[4096];

		config_value_format(&config_keys[i], a, is, sizeof(is));
		config_value_format(&config_keys[i], b, should, sizeof(should));
		assert_string_equal(is, should);
	}
	assert_int_equal(a->addresses_are_default, b->addresses_are_default);
}

static void assert_round_trip(const struct config *config)
{
	struct config again;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	config_dump(config, f);
	assert_int_equal(fclose(f), 0);
	load(text, &again);
	assert_same(&again, config);
	free(text);
}

static void assert_allowed(const struct config_key *key, const char *value)
{
	struct config config;
	const char *hint;

	config_set_defaults(&config);
	if (config_value_set(key, &config, value, &hint) != 0)
		fail_msg("%s.%s = %s was refused", key->section, key->name, value);
	assert_round_trip(&config);
}

static void test_ranges(void **state)
{
	struct config config, before;
	const char *hint;

	(void)state;
	assert_int_equal(sizeof(ranges) / sizeof(ranges[0]), config_n_keys);
	for (size_t i = 0; i < config_n_keys; i++) {
		const char *name = strchr(ranges[i].key, '.') + 1;
		char section[20] = "";
		const struct config_key *key;

		memcpy(section, ranges[i].key, (size_t)(name - ranges[i].key) - 1);
		key = config_key_find(section, name);
		assert_non_null(key);
		for (size_t j = 0; j < 6 && ranges[i].good[j]; j++)
			assert_allowed(key, ranges[i].good[j]);
		config_set_defaults(&config);
		before = config;
		for (size_t j = 0; j < 16 && ranges[i].bad[j]; j++)
			if (config_value_set(key, &config, ranges[i].bad[j], &hint) != -EINVAL)
				fail_msg("%s = %s was accepted", ranges[i].key, ranges[i].bad[j]);
		assert_memory_equal(&config, &before, sizeof(config));
	}
	assert_round_trip(&before);
}

static void test_guesses(void **state)
{
	(void)state;
	assert_string_equal(config_key_guess("server", "prot")->name, "port");
	assert_string_equal(config_key_guess("server", "pot")->name, "port");
	assert_string_equal(config_key_guess("server", "maxclients")->name, "max_clients");
	assert_string_equal(config_key_guess("log", "messagelimit")->name, "message_limit");
	assert_string_equal(config_key_guess("server", "path")->section, "log");
	assert_null(config_key_guess("log", "compression"));
	assert_null(config_key_guess("log", "x"));
	assert_null(config_key_guess("log", ""));
	assert_null(config_key_guess("log", "compress_level"));
	assert_string_equal(config_section_guess("sever"), "server");
	assert_string_equal(config_section_guess("logs"), "log");
	assert_null(config_section_guess("tls"));
	for (size_t i = 0; i < config_n_keys; i++)
		assert_ptr_equal(config_key_guess(config_keys[i].section, config_keys[i].name),
				 &config_keys[i]);
}

/* Reads a file of the source tree and replaces the placeholders as `make` does. */
static char *read_source(const char *name)
{
	const char *top = getenv("ECHO_LOGD_SRCDIR"), mark[] = "@LOG_DIR@";
	char path[4096], *text = calloc(1, 100000), *at, *rest;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	f = fopen(path, "r");
	if (!f || !text)
		fail_msg("%s: %s; ECHO_LOGD_SRCDIR names the source tree", path, strerror(errno));
	assert_true(fread(text, 1, 90000, f) > 100);
	fclose(f);
	while ((at = strstr(text, mark))) {
		rest = strdup(at + strlen(mark));
		strcpy(stpcpy(at, ECHO_LOGD_LOG_DIR), rest);
		free(rest);
	}
	return text;
}

static unsigned count(const char *text, const char *needle)
{
	unsigned n = 0;

	for (; (text = strstr(text, needle)); text++)
		n++;
	return n;
}

/* Joins the lines of each wrapped comment. */
static void join_comments(char *text)
{
	bool in_comment = strncmp(text, "# ", 2) == 0;

	for (char *p = text; (p = strchr(p, '\n'));) {
		bool goes_on = strncmp(p, "\n# ", 3) == 0;

		if (in_comment && goes_on)
			memmove(p, p + 2, strlen(p + 2) + 1);
		else
			p++;
		in_comment = goes_on;
	}
}

static void test_shipped_file(void **state)
{
	char *text = read_source("conf/echo-logd.conf.in"), *joined = strdup(text), *p = joined;
	struct config config, defaults;
	const char *section = "";

	(void)state;
	config_set_defaults(&defaults);
	load(text, &config);
	assert_same(&config, &defaults);
	join_comments(joined);
	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		char line[500], once[80];

		if (strcmp(section, key->section) != 0) {
			section = key->section;
			snprintf(line, sizeof(line), "\n[%s]\n# %s\n#%s = %s\n", section, key->help,
				 key->name, key->by_default);
		} else {
			snprintf(line, sizeof(line), "\n# %s\n#%s = %s\n", key->help, key->name,
				 key->by_default);
		}
		p = strstr(p, line);
		if (!p)
			fail_msg("conf/echo-logd.conf.in lacks, or has in another order:%s", line);
		snprintf(once, sizeof(once), "\n#%s = ", key->name);
		assert_int_equal(count(text, once), 1);
	}
	/* With the comment signs removed, it sets each key to its default. */
	for (p = text; (p = strstr(p, "\n#")); p++)
		if (p[2] != ' ')
			memmove(p + 1, p + 2, strlen(p + 2) + 1);
	assert_int_equal(count(text, "\n#"), count(text, "\n# "));
	assert_int_equal(count(joined, "\n# "), config_n_keys);
	load(text, &config);
	assert_false(config.addresses_are_default);
	defaults.addresses_are_default = false;
	assert_same(&config, &defaults);
	free(joined);
	free(text);
}

static const char *const reloads[] = {
	[RELOAD_AT_ONCE] = "\nTakes effect: on reload.\n",
	[RELOAD_NEW_CLIENTS] = "\nTakes effect: on reload, for new clients.\n",
	[RELOAD_RESTART] = "\nTakes effect: on restart.\n",
};

/* Where the item of key I, which begins at ITEM, ends: at the next key or section. */
static const char *find_end(const char *item, size_t i)
{
	const char *end = strstr(item, "\n.Sh "), *next = NULL;
	char name[100];

	if (i + 1 < config_n_keys) {
		snprintf(name, sizeof(name), "\n.It Cm %s No = ", config_keys[i + 1].name);
		next = strstr(item, name);
	}
	return next && next < end ? next : end;
}

/* Each item of conf(5) has the default, the range, the meaning of 0, the words and the reload. */
static void test_manual(void **state)
{
	char *text = read_source("man/echo-logd.conf.5.in"), *p = text;

	(void)state;
	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		char item[100], needle[300], *item_text, *words;

		snprintf(item, sizeof(item), "\n.It Cm %s No = ", key->name);
		p = strstr(p, item);
		if (!p || count(text, item) != 1)
			fail_msg("conf(5) lacks, or has in another order: %s", key->name);
		item_text = p + strlen(item);
		words = strndup(item_text, (size_t)(find_end(item_text, i) - item_text) + 1);
		snprintf(needle, sizeof(needle), "Default:\n.Li %s", key->by_default);
		if (!strstr(words, needle) || !strstr(words, reloads[key->reload]))
			fail_msg("conf(5), %s: default %s or reload", key->name, key->by_default);
		if (key->max > 0) {
			char low[64], high[64];

			/* With the units that config_value_describe() uses. */
			config_value_describe(key, needle, sizeof(needle));
			assert_int_equal(sscanf(strstr(needle, "from "), "from %63s to %63[^, ]",
						low, high), 2);
			snprintf(needle, sizeof(needle), "%s to %s", low, high);
			if (!strstr(words, needle))
				fail_msg("conf(5), %s: not in the range: %s", key->name, needle);
		}
		snprintf(needle, sizeof(needle), "0 = %s", key->zero);
		if (key->zero && (!strstr(words, needle) || !strstr(key->help, needle)))
			fail_msg("conf(5), %s: what 0 means: %s", key->name, key->zero);
		for (size_t w = 0; key->words && key->words[w]; w++) {
			snprintf(needle, sizeof(needle), "\n.It Cm %s\n", key->words[w]);
			if (!strstr(words, needle))
				fail_msg("conf(5), %s: %s", key->name, key->words[w]);
		}
		free(words);
	}
	assert_int_equal(count(text, "\nTakes effect: "), config_n_keys);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_shipped_file),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
