/* SPDX-License-Identifier: MIT */
#include "master/dontfork.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* libsystemd, inih, and the libraries that libsystemd uses. */
static const char *const master_only[] = {
	"libsystemd.so.", "libinih.so.", "libcap.so.", "libgcrypt.so.", "libgpg-error.so.",
	"liblz4.so.", "liblzma.so.", "libzstd.so.", NULL,
};

/* Every program has these. */
static const char *const needed_by_all[] = {"libc.so.", "ld-linux", "linux-vdso.so.", NULL};

static bool is_listed(const char *path, const char *const *names)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	while (*names && strncmp(name, *names, strlen(*names)) != 0)
		names++;
	return *names;
}

/* Whether the linker looks up all functions at the start, and none at its first call. */
static bool is_bound_at_start(void)
{
	for (const ElfW(Dyn) *d = _DYNAMIC; d->d_tag != DT_NULL; d++)
		if ((d->d_tag == DT_FLAGS && (d->d_un.d_val & DF_BIND_NOW)) ||
		    (d->d_tag == DT_FLAGS_1 && (d->d_un.d_val & DF_1_NOW)))
			return true;
	return false;
}

struct library_check {
	bool has_libc;		/* it came already */
	bool is_safe;
};

/*
 * Libraries come in the order in which the linker searches them, ld.so(8).
 * libc looks up some of its own functions at their first call, for example
 * malloc(3).  The linker must then find libc before a library that the child
 * lacks.  An unknown library, for example a preloaded one, may look up any
 * function, so with one nothing is safe.
 */
static int check_library(struct dl_phdr_info *info, size_t size, void *userdata)
{
	struct library_check *check = userdata;

	(void)size;
	if (!info->dlpi_name[0])	/* the program */
		return 0;
	if (is_listed(info->dlpi_name, needed_by_all))
		check->has_libc |= strstr(info->dlpi_name, "libc.so.") != NULL;
	else if (!check->has_libc || !is_listed(info->dlpi_name, master_only))
		check->is_safe = false;
	return 0;
}

static int dontfork(struct dl_phdr_info *info, size_t size, void *userdata)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = UINTPTR_MAX, end = 0;

	(void)size;
	(void)userdata;
	if (!is_listed(info->dlpi_name, master_only))
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
	/* With holes between the segments this fails, but still covers them all, madvise(2). */
	if (begin < end)
		(void)madvise((void *)begin, end - begin, MADV_DONTFORK);
	return 0;
}

void dontfork_libraries(void)
{
	struct library_check check = {.is_safe = is_bound_at_start()};

	dl_iterate_phdr(check_library, &check);
	if (check.is_safe)
		dl_iterate_phdr(dontfork, NULL);
}
