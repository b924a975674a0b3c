/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build.h"
#include "config/config.h"
#include "config/config_keys.h"
#include "config/config_load.h"

static char dir[] = "/tmp/test_config.XXXXXX";
static char file[64];
static struct config config;
static struct diagnostics diagnostics;

static void write_bytes(const char *text, size_t len)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* Loads TEXT into `config`, which is filled with a byte that no valid configuration has. */
static int load_bytes(const char *text, size_t len)
{
	write_bytes(text, len);
	memset(&config, 0xa5, sizeof(config));
	memset(&diagnostics, 0xa5, sizeof(diagnostics));
	return config_load(file, NULL, 0, &config, &diagnostics);
}

static int load(const char *text)
{
	return load_bytes(text, strlen(text));
}

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static void assert_good(const char *text)
{
	int r = load(text);

	if (r != 0)
		print_message("refused: %s\n%s", text, diagnostics.text);
	assert_int_equal(r, 0);
	assert_int_equal(diagnostics.len, 0);
	assert_string_equal(diagnostics.text, "");
}

static void assert_untouched(void)
{
	for (size_t i = 0; i < sizeof(config); i++)
		assert_int_equal(((unsigned char *)&config)[i], 0xa5);
}

/* Asserts that there is one mistake, in LINE, whose message contains NEEDLE. */
static void assert_bad_bytes(const char *text, size_t len, unsigned line, const char *needle)
{
	char prefix[80];
	int r = load_bytes(text, len);

	if (r == 0)
		print_message("accepted: %s\n", text);
	assert_int_equal(r, -EINVAL);
	assert_untouched();
	snprintf(prefix, sizeof(prefix), "%s:%u: ", file, line);
	if (strncmp(diagnostics.text, prefix, strlen(prefix)) != 0 ||
	    !strstr(diagnostics.text, needle) || count_lines(diagnostics.text) != 1) {
		print_message("not as expected (%s, %s): %s", prefix, needle, diagnostics.text);
		fail();
	}
	assert_int_equal(diagnostics.len, strlen(diagnostics.text));
	assert_int_equal(diagnostics.omitted, 0);
}

static void assert_bad(const char *text, unsigned line, const char *needle)
{
	assert_bad_bytes(text, strlen(text), line, needle);
}

static int load_overrides(const char *text, const char *const *overrides, size_t n)
{
	write_bytes(text, strlen(text));
	memset(&config, 0xa5, sizeof(config));
	return config_load(file, overrides, n, &config, &diagnostics);
}

static void test_defaults(void **state)
{
	(void)state;
	assert_good("");
	assert_int_equal(config.n_addresses, 2);
	assert_string_equal(config.addresses[0], "127.0.0.1");
	assert_string_equal(config.addresses[1], "::1");
	assert_true(config.addresses_are_default);
	assert_int_equal(config.port, 7);
	assert_int_equal(config.max_clients, 1000);
	assert_int_equal(config.idle_timeout_usec, UINT64_C(3600000000));
	assert_int_equal(config.drain_timeout_usec, 2000000);
	assert_int_equal(config.clients_per_worker, 0);
	assert_int_equal(config.min_spare, 4);
	assert_int_equal(config.max_spare, 32);
	assert_string_equal(config.path, ECHO_LOGD_LOG_DIR "/messages.log");
	assert_int_equal(config.format, FORMAT_TEXT);
	assert_int_equal(config.framing, FRAMING_STREAM);
	assert_int_equal(config.mode, 0640);
	assert_int_equal(config.message_limit, 0);
	assert_int_equal(config.at_message_limit, LIMIT_ROTATE);
	assert_int_equal(config.keep_files, 0);
	assert_int_equal(config.message_size, 65536);
	assert_good("[server]\naddress = 127.0.0.1, ::1\n");
	assert_false(config.addresses_are_default);
}

/* systemd names the directory that it made for an instance. */
static void test_default_path(void **state)
{
	static const struct {
		const char *directories, *path;
	} cases[] = {
		{"/srv/a", "/srv/a/messages.log"},
		{"/srv/a:/srv/b", "/srv/a/messages.log"},
		{"", ECHO_LOGD_LOG_DIR "/messages.log"},
		{":/srv/b", ECHO_LOGD_LOG_DIR "/messages.log"},
		{"a", ECHO_LOGD_LOG_DIR "/messages.log"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setenv("LOGS_DIRECTORY", cases[i].directories, 1);
		assert_good("");
		assert_string_equal(config.path, cases[i].path);
		assert_good("[log]\npath = /else/where\n");
		assert_string_equal(config.path, "/else/where");
	}
	unsetenv("LOGS_DIRECTORY");
}

static void test_values(void **state)
{
	(void)state;
	assert_good("[server]\nidle_timeout = 90\ndrain_timeout = 1500ms\n"
		    "address=0:0:0:0:0:0:0:2 ,fe80:0::1%eth0\n"
		    "[log]\nmode = 600\nmessage_size = 2K\nat_message_limit = stop\n");
	assert_int_equal(config.idle_timeout_usec, 90000000);
	assert_int_equal(config.drain_timeout_usec, 1500000);
	assert_int_equal(config.n_addresses, 2);
	assert_string_equal(config.addresses[0], "::2");
	assert_string_equal(config.addresses[1], "fe80::1%eth0");
	assert_int_equal(config.mode, 0600);
	assert_int_equal(config.message_size, 2048);
	assert_int_equal(config.at_message_limit, LIMIT_STOP);
}

static void test_accepted_lines(void **state)
{
	(void)state;
	assert_good("\xef\xbb\xbf[server]\r\nport = 70\r\n\r\n[log]\r\nformat = json");
	assert_int_equal(config.port, 70);
	assert_int_equal(config.format, FORMAT_JSON);
	assert_good("# c\n; c\n  # indented ;c\n \t \n[server]\t \nport\t=\t70 \t\n[log]\n"
		    "[server]\nmax_spare=9\n");
	assert_int_equal(config.port, 70);
	assert_int_equal(config.max_spare, 9);
	assert_good("[log]\npath = /a\xff\xfe\n# \xff\xc2\x9b\n");
	assert_string_equal(config.path, "/a\xff\xfe");
}

static void test_traps(void **state)
{
	(void)state;
	assert_bad("[server]\n port = 70\n", 2, "server.port");
	assert_bad("[server]\nmin_spare = 3\n\tport = 70\n", 3, "server.port");
	assert_bad(" [server]\nport = 70\n", 1, "first column");
	assert_bad("[log]\npath = /a ;b\n", 2, "log.path");
	assert_bad("[log]\npath = /a\t;b\n", 2, "log.path");
	assert_bad("[log]\npath = /a #b\n", 2, "log.path");
	assert_bad("[log]\npath = ;/a\n", 2, "log.path");
	assert_bad("port = 70\n", 1, "port");
	assert_bad("[server]\nport = 70\nport = 70\n", 3, "line 2");
	assert_bad("[server]\nport = 70\n[log]\n[server]\nport = 71\n", 5, "server.port");
	assert_bad("[server]\nport 70\n", 2, "server.port");
	assert_bad("[server]\nport: 70\n", 2, "=");
	assert_bad("[server]\nport: = 70\n", 2, "=");
	assert_bad("[server]\naddress ::1\n", 2, "=");
	assert_bad("[server]\n= 70\n", 2, "no key");
	assert_bad("[server]\nport =\n", 2, "server.port");
	assert_bad("[server]\nport = \t \n", 2, "server.port");
	assert_bad("[server\nport = 70\n", 1, "]");
	assert_bad("[server] port = 70\n", 1, "after");
	assert_bad("[server] # comment\n", 1, "after");
	assert_bad("[server]]\n", 1, "after");
	assert_bad("[]\n", 1, "unknown section");
	assert_bad("[ server ]\n", 1, "did you mean [server]");
	assert_bad("[Server]\nport = 0\n", 1, "did you mean [server]");
	assert_bad("[network]\nport = 0\n", 1, "unknown section [network]");
	assert_bad("[logloglogloglogloglogloglogloglogloglogloglogloglogloglog]\n", 1,
		   "unknown section");
	assert_bad("[server]\nPort = 70\n", 2, "server.port");
	assert_bad("[server]\n\xef\xbb\xbfport = 70\n", 2, "unknown key");
	assert_bad("[server]\rport = 70\n", 1, "control");
	assert_bad("[server]\nport = 70\r\r\n", 2, "server.port");
	assert_bad("[log]\npath = /a\x1b[31m\n", 2, "log.path");
	assert_bad("[log]\npath = /a\x7f\n", 2, "log.path");
	assert_bad_bytes("[server]\n#\0\nport = 70\n", 22, 2, "control");
	assert_bad_bytes("[server]\nport = 70\0evil\n", 24, 2, "server.port");
	assert_bad_bytes("\0", 1, 1, "control");
}

/* inih gets the longest allowed line whole.  One byte more is refused. */
static void test_line_limit(void **state)
{
	static const char key[] = "[log]\npath = ";
	char text[600], name[400];

	(void)state;
	for (size_t n = 150; n < 400; n++) {
		size_t file_len = n - strlen("path = /0123456789/");

		memset(name, 'x', file_len);
		name[file_len] = '\0';
		snprintf(text, sizeof(text), "%s/0123456789/%s\n", key, name);
		if (n <= 198) {
			assert_good(text);
			assert_int_equal(strlen(config.path), n - strlen("path = "));
		} else {
			assert_bad(text, 2, "log.path: the line is too long");
		}
		memset(text, '#', n);
		strcpy(text + n - strlen("evil = 7"), "evil = 7\n");
		if (n <= 198)
			assert_good(text);
		else
			assert_bad(text, 1, "too long");
	}
	/* The last part of the path, because rotated files get longer names. */
	memset(name, 'x', 190);
	name[190] = '\0';
	snprintf(text, sizeof(text), "[log]\npath=/%s\n", name);
	assert_good(text);
	snprintf(text, sizeof(text), "[log]\npath=/x%s\n", name);
	assert_bad(text, 2, "log.path: bad value");
}

static void test_file_limit(void **state)
{
	char *text = malloc(65537 + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', 65537);
	text[65537] = '\0';
	memcpy(text + 65536 - 19, "[server]\nport = 70\n", 19);
	assert_int_equal(load_bytes(text, 65536), 0);
	assert_int_equal(config.port, 70);
	assert_int_equal(load_bytes(text, 65537), -EFBIG);
	assert_non_null(strstr(diagnostics.text, file));
	assert_untouched();
	free(text);
}

static void assert_unreadable(const char *path, int error)
{
	memset(&config, 0xa5, sizeof(config));
	assert_int_equal(config_load(path, NULL, 0, &config, &diagnostics), error);
	assert_untouched();
	assert_int_equal(strncmp(diagnostics.text, path, strlen(path)), 0);
	assert_int_equal(count_lines(diagnostics.text), 1);
}

static void test_not_a_file(void **state)
{
	char path[80];

	(void)state;
	alarm(10);	/* reading a FIFO or /dev/full never ends */
	assert_unreadable(dir, -EISDIR);
	assert_unreadable("/dev/full", -ENOTSUP);
	assert_unreadable("/dev/zero", -ENOTSUP);
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_unreadable(path, -ENOTSUP);
	assert_int_equal(unlink(path), 0);
	assert_unreadable(path, -ENOENT);
	alarm(0);
}

static void test_rules_that_span_keys(void **state)
{
	static const char *const raw[] = {"log.format=raw"};

	(void)state;
	assert_bad("[server]\nmin_spare = 33\n", 2, "server.min_spare");
	assert_bad("[server]\nmax_spare = 3\n", 2, "server.max_spare");
	assert_bad("[server]\nmax_spare = 5\nmin_spare = 6\n", 3, "server.min_spare");
	assert_good("[server]\nmax_spare = 5\nmin_spare = 5\nmax_clients = 1\n");
	assert_bad("[log]\nmessage_limit = 10\nformat = raw\n", 3, "log.format");
	assert_bad("[log]\nformat = raw\nmessage_limit = 10\n", 3, "log.message_limit");
	assert_bad("[log]\nformat = raw\nmessage_limit = 10\nat_message_limit = rotate\n", 4,
		   "log.at_message_limit");
	assert_good("[log]\nformat = raw\nmessage_limit = 10\nat_message_limit = stop\n");
	assert_good("[log]\nformat = raw\n");
	/* A bad value is one mistake.  Its default is not checked against other keys. */
	assert_bad("[server]\nmax_spare = x\nmin_spare = 60\n", 2, "server.max_spare");
	assert_int_equal(load_overrides("[log]\nmessage_limit = 10\n", raw, 1), -EINVAL);
	assert_int_equal(strncmp(diagnostics.text, "-o log.format=raw: ", 19), 0);
}

static void test_overrides(void **state)
{
	static const char *const good[] = {"server.port=70", "log.path= /a=b.c ", "server.port=71"};
	static const char *const bad[] = {
		"server.port=x", "server.prot=1", "serve.port=1", "port=1", "server.port", "=",
		"server.=1", ".port=1", "log.path=/a ;b", "log.path=/a\nport=1", "log.mode=", "",
		"a=server.port",
	};
	const size_t n_bad = sizeof(bad) / sizeof(bad[0]);
	char long_path[300] = "log.path=/d/", spread[400] = "server.address=";
	const char *too_long[] = {long_path, spread};
	const char *line = diagnostics.text;

	(void)state;
	assert_int_equal(load_overrides("[server]\nport = 69\n", good, 3), 0);
	assert_int_equal(config.port, 71);
	assert_string_equal(config.path, "/a=b.c");

	assert_int_equal(load_overrides("[server]\nport = y\n", bad, n_bad), -EINVAL);
	assert_untouched();
	assert_int_equal(count_lines(diagnostics.text), n_bad + 1);
	assert_non_null(strstr(diagnostics.text,
			       "-o server.prot=1: unknown key; did you mean server.port"));
	assert_non_null(strstr(diagnostics.text, "-o log.path=/a\\nport=1: "));
	for (; (line = strchr(line, '\n')) && line[1]; line++)
		assert_int_equal(strncmp(line + 1, "-o ", 3), 0);

	/* A line of a file cannot be so long, so a dump of these could not be read back. */
	memset(long_path + strlen(long_path), 'd', 100);
	strcat(long_path, "/");
	memset(long_path + strlen(long_path), 'f', 100);
	for (int i = 0; i < 10; i++)
		sprintf(spread + strlen(spread), "%s2001:db8:1111:2222::%d", i ? "," : "", i);
	assert_int_equal(load_overrides("", too_long, 2), -EINVAL);
	assert_int_equal(count_lines(diagnostics.text), 2);
}

/* Bytes of the file are escaped, and if there are too many mistakes the rest is only counted. */
static void test_diagnostics(void **state)
{
	char text[60000], *p = text;
	unsigned n = 0, last = 0, line;

	(void)state;
	assert_bad("[log]\nmode = \xc2\x9b\"\\\n", 2, "\\xc2\\x9b\\\"\\\\");
	assert_bad("[\xc2\x9b]\n", 1, "[\\xc2\\x9b]");
	assert_bad("[log]\n\x1b[2J = 1\n", 2, "log.\\x1b[2J");
	assert_int_equal(load("[\xc2\x9b]\na\x1b=1\n"), -EINVAL);
	for (const char *c = diagnostics.text; *c; c++)
		assert_true(*c == '\n' || (*c >= ' ' && *c < 0x7f));

	assert_int_equal(load("[server]\nmax_spare = 2\nport = x\n[lgo]\n"), -EINVAL);
	for (p = diagnostics.text; *p; p = strchr(p, '\n') + 1, last = line) {
		line = (unsigned)atoi(p + strlen(file) + 1);
		assert_true(line > last);
	}
	assert_int_equal(last, 4);

	p = stpcpy(text, "[server]\nmax_spare = 2\n");
	for (; p < text + sizeof(text) - 200; n++)
		p += sprintf(p, "%0150u\n", n);
	assert_int_equal(load(text), -EINVAL);
	assert_true(diagnostics.omitted > 0);
	assert_int_equal(diagnostics.len, strlen(diagnostics.text));
	assert_int_equal(diagnostics.text[diagnostics.len - 1], '\n');
	assert_int_equal(count_lines(diagnostics.text) + diagnostics.omitted, n + 1);
	for (p = text, n = 0; n < 20000; n++)
		p = stpcpy(p, "x\n");
	assert_int_equal(load(text), -EINVAL);
	assert_int_equal(count_lines(diagnostics.text) + diagnostics.omitted, 20000);
}

static void test_reload(void **state)
{
	struct config running, fresh;
	char names[100], cut[16];

	(void)state;
	assert_good("[log]\nformat = json\n");
	running = config;
	assert_good("[server]\nport = 70\nmax_clients = 5\n[log]\nformat = raw\nmode = 600\n");
	fresh = config;
	assert_int_equal(config_keep_until_restart(&fresh, &running, names, sizeof(names)), 2);
	assert_string_equal(names, "server.max_clients, log.format");
	assert_int_equal(fresh.max_clients, 1000);
	assert_int_equal(fresh.format, FORMAT_JSON);
	assert_int_equal(fresh.port, 70);
	assert_int_equal(fresh.mode, 0600);
	assert_int_equal(config_keep_until_restart(&fresh, &running, names, sizeof(names)), 0);
	assert_string_equal(names, "");
	fresh = config;
	assert_int_equal(config_keep_until_restart(&fresh, &running, cut, sizeof(cut)), 2);
	assert_string_equal(cut, "server.max_clie");
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/conf", dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_default_path),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_accepted_lines),
		cmocka_unit_test(test_traps),
		cmocka_unit_test(test_line_limit),
		cmocka_unit_test(test_file_limit),
		cmocka_unit_test(test_not_a_file),
		cmocka_unit_test(test_rules_that_span_keys),
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_diagnostics),
		cmocka_unit_test(test_reload),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
