/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share.  A target is one file with
 * LLVMFuzzerTestOneInput(): it accepts any bytes, and aborts if the code breaks
 * a promise of its header.  libFuzzer's main or tests/fuzz/replay.c calls it.
 */
#ifndef ECHO_LOGD_FUZZ_H
#define ECHO_LOGD_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The bytes of the input that were not used yet. */
struct input {
	const uint8_t *p;
	size_t left;
};

/* A little-endian number; missing bytes are 0. */
static inline uint64_t input_number(struct input *in, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes && in->left > 0; i++, in->left--)
		value |= (uint64_t)*in->p++ << 8 * i;
	return value;
}

/* A copy that ends where its memory ends, so that a sanitizer finds reads behind it.  Free it. */
static inline void *exact_copy(const void *data, size_t len)
{
	void *copy = calloc(1, len > 0 ? len : 1);

	CHECK(copy);
	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

/* The next bytes, up to a NUL or the end, as a string.  Free it. */
static inline char *input_string(struct input *in)
{
	size_t len = strnlen((const char *)in->p, in->left);
	char *copy = malloc(len + 1);

	CHECK(copy);
	memcpy(copy, in->p, len);
	copy[len] = '\0';
	in->p += len;
	in->left -= len;
	(void)input_number(in, 1);
	return copy;
}

#endif
