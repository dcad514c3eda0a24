/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The ways of crc32c(), apart so that tests compare them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

extern const uint32_t crc32c_table[256];

uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t len);
#if defined(__x86_64__)
/* Only where the CPU has SSE 4.2. */
uint32_t crc32c_by_instruction(uint32_t crc, const void *bytes, size_t len);
/* Only where it has PCLMULQDQ too. Faster from so many bytes on. */
#define CRC32C_STREAMS_LEN 3072u
uint32_t crc32c_by_streams(uint32_t crc, const void *bytes, size_t len);
#endif
