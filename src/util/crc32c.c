/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/crc32c.h"

#include <string.h>

#include "util/crc32c_table.h"

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
#if defined(__x86_64__)
    /* Reads what the loader has found out; cheap enough for each call. */
    if (__builtin_cpu_supports("sse4.2")) {
        return crc32c_by_instruction(crc, bytes, len);
    }
#endif
    return crc32c_by_table(crc, bytes, len);
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc32c_by_instruction(
    uint32_t crc, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint64_t state = ~crc;

    while (len >= sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, at, sizeof word);
        state = __builtin_ia32_crc32di(state, word);
        at += sizeof word;
        len -= sizeof word;
    }
    while (len > 0) {
        state = __builtin_ia32_crc32qi((uint32_t)state, *at);
        at++;
        len--;
    }
    return ~(uint32_t)state;
}
#endif

uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc = (crc >> 8) ^ crc32c_table[(crc ^ at[i]) & 0xff];
    }
    return ~crc;
}
