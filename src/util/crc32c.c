/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The instruction takes three cycles and one can begin in each, so long runs are
 * summed as three streams side by side and put together by a carry-less
 * multiplication: V. Gopal et al., "Fast CRC Computation for iSCSI Polynomial
 * Using CRC32 Instruction", Intel, 2011.
 */
#include "util/crc32c.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "util/crc32c_table.h"

#define STREAM_LEN (CRC32C_STREAMS_LEN / 3u)
#define BEHIND_ONE 0x170076fau /* stream, see behind_zeros() */
#define BEHIND_TWO 0xa51b6135u

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
#if defined(__x86_64__)
    /* Reads what the loader has found out; cheap enough for each call. */
    if (len >= CRC32C_STREAMS_LEN && __builtin_cpu_supports("sse4.2") &&
        __builtin_cpu_supports("pclmul")) {
        return crc32c_by_streams(crc, bytes, len);
    }
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

/* The state @crc behind so many zeros as @factor says: x^(8 * zeros - 33) modulo
 * the polynomial, reflected. The product is shifted by one and the instruction by
 * 32, which makes the 33. */
__attribute__((target("sse4.2,pclmul"))) static uint32_t behind_zeros(
    uint64_t crc, uint64_t factor)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc),
                             _mm_cvtsi64_si128((long long)factor), 0);

    return (uint32_t)_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

__attribute__((target("sse4.2,pclmul"))) uint32_t crc32c_by_streams(
    uint32_t crc, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    crc = ~crc;
    while (len >= CRC32C_STREAMS_LEN) {
        uint64_t states[3] = {crc, 0, 0};

        for (size_t i = 0; i < STREAM_LEN; i += sizeof(uint64_t)) {
            uint64_t words[3];

            memcpy(&words[0], at + i, sizeof words[0]);
            memcpy(&words[1], at + STREAM_LEN + i, sizeof words[1]);
            memcpy(&words[2], at + 2 * STREAM_LEN + i, sizeof words[2]);
            states[0] = _mm_crc32_u64(states[0], words[0]);
            states[1] = _mm_crc32_u64(states[1], words[1]);
            states[2] = _mm_crc32_u64(states[2], words[2]);
        }
        crc = behind_zeros(states[0], BEHIND_TWO) ^
              behind_zeros(states[1], BEHIND_ONE) ^ (uint32_t)states[2];
        at += CRC32C_STREAMS_LEN;
        len -= CRC32C_STREAMS_LEN;
    }
    return crc32c_by_instruction(~crc, at, len);
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
