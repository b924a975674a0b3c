/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli; RFC 3720, appendix B.4), as in the `close` record. */
#ifndef ECHO_LOGD_CRC32C_H
#define ECHO_LOGD_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * Extends CRC, the checksum of the bytes so far (0 for none), by DATA.
 * crc32c(0, "123456789", 9) is 0xe3069283.
 */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/*
 * The checksum of a text from those of its two parts: CRC_A of the first, CRC_B of the LEN_B bytes
 * that follow it.  Takes time by the logarithm of LEN_B.
 */
uint32_t crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b);

/* crc32c() without the processor's own instruction; for its test. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
