/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* CRC-32C (Castagnoli, reflected 0x82F63B78; RFC 3720 appendix B.4), by the
 * SSE 4.2 instruction where the CPU has it, else by table. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Continues from @crc; start with 0. crc32c(0, "123456789", 9) = 0xE3069283. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);
