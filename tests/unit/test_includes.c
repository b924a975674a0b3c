/* SPDX-License-Identifier: MIT */
/*
 * The layers of src/: which folder may include from which.  An include
 * carries its folder and points downwards; no modules (a .c and its .h)
 * include each other in a circle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MODULES 256
#define NAME_SIZE 128

/* The lowest layer first.  src/main.c is in no folder. */
static const struct layer {
	const char *folder, *may_use;
} layers[] = {
	{"base", ""},
	{"format", " base "},
	{"config", " base format "},
	{"ipc", " base format config "},
	{"worker", " base format config ipc "},
	{"logger", " base format config ipc "},
	{"master", " base format config ipc worker logger "},
	{"ctl", " base format config ipc "},
	{"", " base format config ipc worker logger master "},
};

static char source_directory[512];
static char modules[MAX_MODULES][NAME_SIZE];	/* "ipc/scoreboard" */
static bool includes[MAX_MODULES][MAX_MODULES];
static unsigned n_modules, n_includes, n_wrong;

/* The index of the module of FILE: its name without the extension. */
static unsigned module_of(const char *file)
{
	size_t len = strcspn(file, ".");
	unsigned i;

	assert_true(len < NAME_SIZE);
	for (i = 0; i < n_modules; i++)
		if (strlen(modules[i]) == len && memcmp(modules[i], file, len) == 0)
			return i;
	assert_true(n_modules < MAX_MODULES);
	memcpy(modules[i], file, len);
	return n_modules++;
}

static void folder_of(const char *file, char ret_folder[NAME_SIZE])
{
	const char *slash = strrchr(file, '/');

	snprintf(ret_folder, NAME_SIZE, "%.*s", slash ? (int)(slash - file) : 0, file);
}

static const char *may_use(const char *folder)
{
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		if (strcmp(layers[i].folder, folder) == 0)
			return layers[i].may_use;
	return NULL;
}

static void check_include(const char *file, const char *included)
{
	char from[NAME_SIZE], to[NAME_SIZE], wanted[NAME_SIZE + 2], path[1024];
	const char *allowed;
	FILE *there;

	folder_of(file, from);
	folder_of(included, to);
	allowed = may_use(from);
	snprintf(wanted, sizeof(wanted), " %s ", to);
	snprintf(path, sizeof(path), "%s/%s", source_directory, included);
	there = fopen(path, "r");
	if (!allowed || !there || !to[0] || (strcmp(from, to) != 0 && !strstr(allowed, wanted))) {
		print_error("%s: #include \"%s\"; allowed: a header of its own folder or of%s\n",
			    file, included, allowed && allowed[0] ? allowed : " none");
		n_wrong++;
	}
	if (there)
		fclose(there);
	if (module_of(file) != module_of(included))
		includes[module_of(file)][module_of(included)] = true;
	n_includes++;
}

static int check_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *file = path + strlen(source_directory) + 1, *ending = strrchr(path, '.');
	char line[512], included[NAME_SIZE];
	FILE *source;

	(void)st;
	(void)ftw;
	if (type != FTW_F || !ending || (strcmp(ending, ".c") != 0 && strcmp(ending, ".h") != 0))
		return 0;
	source = fopen(path, "r");
	assert_non_null(source);
	/* build.h is made by configure. */
	while (fgets(line, sizeof(line), source))
		if (sscanf(line, "#include \"%127[^\"]\"", included) == 1 &&
		    strcmp(included, "build.h") != 0)
			check_include(file, included);
	fclose(source);
	return 0;
}

static int read_sources(void **state)
{
	const char *top = getenv("ECHO_LOGD_SRCDIR");

	(void)state;
	if (!top)
		return -1;
	snprintf(source_directory, sizeof(source_directory), "%s/src", top);
	return nftw(source_directory, check_file, 8, FTW_PHYS);
}

static void test_includes_point_downwards(void **state)
{
	(void)state;
	/* Otherwise the sources were not read. */
	assert_true(n_includes > 200);
	assert_int_equal(n_wrong, 0);
}

/* Whether M, directly or through others, includes a module that is on the way to M.  Prints it. */
static bool is_in_circle(unsigned m, bool on_way[], bool done[])
{
	if (done[m])
		return false;
	on_way[m] = true;
	for (unsigned to = 0; to < n_modules; to++)
		if (includes[m][to] && (on_way[to] || is_in_circle(to, on_way, done))) {
			print_error("circle: %s includes %s\n", modules[m], modules[to]);
			return true;
		}
	on_way[m] = false;
	done[m] = true;
	return false;
}

static void test_no_circle(void **state)
{
	bool on_way[MAX_MODULES] = {false}, done[MAX_MODULES] = {false};

	(void)state;
	for (unsigned m = 0; m < n_modules; m++)
		assert_false(is_in_circle(m, on_way, done));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_includes_point_downwards),
		cmocka_unit_test(test_no_circle),
	};

	return cmocka_run_group_tests_name("includes", tests, read_sources, NULL);
}
