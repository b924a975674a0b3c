/* SPDX-License-Identifier: MIT */
#include "master/dontfork.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* libsystemd, inih, and what libsystemd brings along. */
static const char *const of_master_only[] = {
	"libsystemd.so.", "libinih.so.", "libcap.so.", "libgcrypt.so.", "libgpg-error.so.",
	"liblz4.so.", "liblzma.so.", "libzstd.so.", NULL,
};

/* What every program has. */
static const char *const handed_on[] = {"libc.so.", "ld-linux", "linux-vdso.so.", NULL};

static bool is_one_of(const char *path, const char *const *names)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	while (*names && strncmp(name, *names, strlen(*names)) != 0)
		names++;
	return *names;
}

/* What the program calls is not looked up at the first call. */
static bool is_bound_at_start(void)
{
	for (const ElfW(Dyn) *d = _DYNAMIC; d->d_tag != DT_NULL; d++)
		if ((d->d_tag == DT_FLAGS && (d->d_un.d_val & DF_BIND_NOW)) ||
		    (d->d_tag == DT_FLAGS_1 && (d->d_un.d_val & DF_1_NOW)))
			return true;
	return false;
}

struct survey {
	bool has_libc;		/* seen so far */
	bool is_safe;
};

/*
 * Libraries come in the order in which names are looked up in them, ld.so(8).
 * libc looks for some of its own at their first call, malloc(3) among them:
 * that must find libc before one that is not there any more.  And what is not
 * known, a preloaded library for example, may look for anything.
 */
static int look_at(struct dl_phdr_info *info, size_t size, void *userdata)
{
	struct survey *survey = userdata;

	(void)size;
	if (!info->dlpi_name[0])	/* the program */
		return 0;
	if (is_one_of(info->dlpi_name, handed_on))
		survey->has_libc |= strstr(info->dlpi_name, "libc.so.") != NULL;
	else if (!survey->has_libc || !is_one_of(info->dlpi_name, of_master_only))
		survey->is_safe = false;
	return 0;
}

static int dontfork(struct dl_phdr_info *info, size_t size, void *userdata)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = UINTPTR_MAX, end = 0;

	(void)size;
	(void)userdata;
	if (!is_one_of(info->dlpi_name, of_master_only))
		return 0;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t at = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type != PT_LOAD)
			continue;
		begin = at < begin ? at : begin;
		end = at + segment->p_memsz > end ? at + segment->p_memsz : end;
	}
	begin &= ~(page - 1);
	/* Holes between its segments make this fail, but not stop, madvise(2). */
	if (begin < end)
		(void)madvise((void *)begin, end - begin, MADV_DONTFORK);
	return 0;
}

void dontfork_libraries(void)
{
	struct survey survey = {.is_safe = is_bound_at_start()};

	dl_iterate_phdr(look_at, &survey);
	if (survey.is_safe)
		dl_iterate_phdr(dontfork, NULL);
}
