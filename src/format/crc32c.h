/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C (Castagnoli; RFC 3720, appendix B.4), the checksum in the `close`
 * record.  Pure; any process may call it.
 */
#ifndef ECHO_LOGD_CRC32C_H
#define ECHO_LOGD_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * Returns the checksum of some bytes followed by DATA.  CRC is the checksum
 * of those bytes, 0 if there are none.  crc32c(0, "123456789", 9) is
 * 0xe3069283.
 */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/*
 * Returns the checksum of A followed by B from the checksums of both; B has
 * LEN_B bytes.  Takes time by the logarithm of LEN_B.
 */
uint32_t crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b);

/* The same for processors without the instructions that crc32c() uses; declared for its test. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
