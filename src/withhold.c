/* SPDX-License-Identifier: MIT */
#include "withhold.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * libsystemd, inih, and what libsystemd brings along.  Named, not guessed:
 * what is not known, a preloaded library for example, a child may need.
 */
static const char *const names[] = {
	"libsystemd.so.", "libinih.so.", "libcap.so.", "libgcrypt.so.", "libgpg-error.so.",
	"liblz4.so.", "liblzma.so.", "libzstd.so.",
};

/* To look up a function is to look into each library, ld.so(8). */
static bool is_bound_at_start(void)
{
	for (const ElfW(Dyn) *d = _DYNAMIC; d->d_tag != DT_NULL; d++)
		if ((d->d_tag == DT_FLAGS && (d->d_un.d_val & DF_BIND_NOW)) ||
		    (d->d_tag == DT_FLAGS_1 && (d->d_un.d_val & DF_1_NOW)))
			return true;
	return false;
}

static bool is_named(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static int withhold(struct dl_phdr_info *info, size_t size, void *userdata)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = UINTPTR_MAX, end = 0;

	(void)size;
	(void)userdata;
	if (!is_named(info->dlpi_name))
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

void withhold_libraries(void)
{
	if (is_bound_at_start())
		dl_iterate_phdr(withhold, NULL);
}
