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
#include <unistd.h>

#include "config/config_keys.h"
#include "config/config_load.h"
#include "config/config_reload.h"

static char path[64];
static struct config running, fresh;
static struct diagnostics diagnostics;
static char kept[64];

static int set_up(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/test_config_reload.XXXXXX");
	fd = mkstemp(path);
	config_set_defaults(&running);
	memset(&fresh, 0xa5, sizeof(fresh));
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static int reload(const char *text, const char *override)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
	return config_load_for_reload(path, &override, override ? 1 : 0, &running, &fresh, kept,
				      sizeof(kept), &diagnostics);
}

static void check_mistake(const char *after_file)
{
	size_t len = strlen(path);

	assert_memory_equal(diagnostics.text, path, len);
	assert_memory_equal(diagnostics.text + len, after_file, strlen(after_file));
	/* It is a single line. */
	assert_ptr_equal(strchr(diagnostics.text, '\n'), diagnostics.text + diagnostics.len - 1);
}

static void test_kept(void **state)
{
	(void)state;
	assert_int_equal(reload("[server]\nport = 7007\n", NULL), 0);
	assert_string_equal(kept, "");
	assert_int_equal(fresh.port, 7007);
	assert_int_equal(reload("[server]\nmax_clients = 9\n[log]\nformat = json\n", NULL), 0);
	assert_string_equal(kept, "server.max_clients, log.format");
	assert_int_equal(fresh.max_clients, running.max_clients);
	assert_int_equal(fresh.format, FORMAT_TEXT);
}

/* Either of two keys may break the rule with the format that stays. */
static void test_rule_with_the_running_value(void **state)
{
	(void)state;
	running.format = FORMAT_RAW;
	assert_int_equal(reload("[log]\n\nformat = text\nmessage_limit = 5\n", NULL), -EINVAL);
	check_mistake(":4: log.message_limit = 5 is not possible while log.format = raw is in "
		      "effect until a restart: ");
	/* Written nowhere else. */
	assert_int_equal(fresh.port, 0xa5a5);

	running.message_limit = 5;
	running.at_message_limit = LIMIT_STOP;
	assert_int_equal(reload("[log]\nat_message_limit = rotate\nmessage_limit = 5\n", NULL),
			 -EINVAL);
	check_mistake(":2: log.at_message_limit = rotate is not possible while log.format = raw ");
	/* Both have changed: the last is named. */
	assert_int_equal(reload("[log]\nat_message_limit = rotate\nmessage_limit = 6\n", NULL),
			 -EINVAL);
	check_mistake(":3: log.message_limit = 6 is not possible");
	/* The value by default has no line, nor has one of the command line. */
	assert_int_equal(reload("[log]\nmessage_limit = 5\n", NULL), -EINVAL);
	check_mistake(": log.at_message_limit = rotate is not possible");
	assert_int_equal(reload("[log]\nat_message_limit = stop\n", "log.at_message_limit=rotate"),
			 0);
	assert_int_equal(reload("[log]\nmessage_limit = 5\n", "log.at_message_limit=stop"), 0);
	assert_int_equal(fresh.format, FORMAT_RAW);
	assert_string_equal(kept, "log.format");
}

/* The file must be right by itself: a restart will read it. */
static void test_the_file_alone(void **state)
{
	(void)state;
	assert_int_equal(reload("[log]\nformat = raw\nmessage_limit = 5\n", NULL), -EINVAL);
	assert_non_null(strstr(diagnostics.text, "a raw log has no records"));
	assert_null(strstr(diagnostics.text, "until a restart"));
	assert_int_equal(reload("[log]\nformat = nonsense\n", NULL), -EINVAL);
	unlink(path);
	assert_int_equal(config_load_for_reload(path, NULL, 0, &running, &fresh, kept,
						sizeof(kept), &diagnostics),
			 -ENOENT);
	assert_int_equal(reload("", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rule_with_the_running_value, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_the_file_alone, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("config_reload", tests, NULL, NULL);
}
