/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target as a plain test, with any compiler.
 *
 * replay_TARGET runs all inputs in ECHO_LOGD_SRCDIR/tests/fuzz/corpus/TARGET as
 * one test, and prints the name of each input before it runs it.
 * replay_TARGET FILE... runs these inputs.
 */
#include <dirent.h>
#include <errno.h>

#include "fuzz.h"

#define INPUT_MAX_BYTES (1 << 20)

static unsigned n_inputs;

static void replay(const char *path)
{
	uint8_t *data = malloc(INPUT_MAX_BYTES), *exact;
	FILE *file = fopen(path, "r");
	size_t len;

	if (!data || !file) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		exit(1);
	}
	printf("# %s\n", path);
	fflush(stdout);
	len = fread(data, 1, INPUT_MAX_BYTES, file);
	fclose(file);
	exact = exact_copy(data, len);
	free(data);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	n_inputs++;
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void replay_directory(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_input, alphasort);

	for (int i = 0; i < n; i++) {
		char file[4096];

		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		replay(file);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

int main(int argc, char *argv[])
{
	const char *target = strrchr(argv[0], '_'), *top = getenv("ECHO_LOGD_SRCDIR");
	char path[2048];

	puts("1..1");
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1 && target) {
		snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", top ? top : "../..",
			 target + 1);
		replay_directory(path);
	}
	/* Without inputs the test fails. */
	printf("%sok 1 - %s: %u inputs\n", n_inputs > 0 ? "" : "not ", target ? target + 1 : "?",
	       n_inputs);
	return n_inputs > 0 ? 0 : 1;
}
