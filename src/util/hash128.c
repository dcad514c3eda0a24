/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/hash128.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Inlined: keeps the streaming state on the stack and short hashes fast. So
 * nothing links libxxhash. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "util/buf.h"

/* So many bytes of runs are put together first: that is less work than a streaming
 * state, which has to be made, filled and finished. */
#define JOINED_MAX 512u

struct hash128_stream {
    XXH3_state_t state; /* first: it wants 64-byte alignment */
};

_Static_assert(sizeof(XXH128_canonical_t) == HASH128_LEN, "XXH3-128 is 16");

static void hash_store(XXH128_hash_t hash, uint8_t ret_hash[HASH128_LEN])
{
    XXH128_canonical_t canonical;

    XXH128_canonicalFromHash(&canonical, hash);
    memcpy(ret_hash, canonical.digest, HASH128_LEN);
}

void hash128(const void *bytes, size_t len, uint8_t ret_hash[HASH128_LEN])
{
    hash_store(XXH3_128bits(bytes, len), ret_hash);
}

static bool join(const struct bytes *runs, size_t count,
                 uint8_t joined[JOINED_MAX], size_t *ret_len)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        if (runs[i].len > JOINED_MAX - len) {
            return false;
        }
        if (runs[i].len > 0) {
            memcpy(joined + len, runs[i].data, runs[i].len);
        }
        len += runs[i].len;
    }
    *ret_len = len;
    return true;
}

void hash128_runs(const struct bytes *runs, size_t count,
                  uint8_t ret_hash[HASH128_LEN])
{
    uint8_t joined[JOINED_MAX];
    XXH3_state_t state;
    size_t len;

    if (join(runs, count, joined, &len)) {
        hash128(joined, len, ret_hash);
        return;
    }
    XXH3_INITSTATE(&state);
    (void)XXH3_128bits_reset(&state);
    for (size_t i = 0; i < count; i++) {
        if (runs[i].len > 0) {
            (void)XXH3_128bits_update(&state, runs[i].data, runs[i].len);
        }
    }
    hash_store(XXH3_128bits_digest(&state), ret_hash);
}

struct hash128_stream *hash128_stream_new(void)
{
    struct hash128_stream *stream =
        aligned_alloc(_Alignof(struct hash128_stream), sizeof(*stream));

    if (stream != NULL) {
        XXH3_INITSTATE(&stream->state);
        (void)XXH3_128bits_reset(&stream->state);
    }
    return stream;
}

void hash128_stream_add(struct hash128_stream *stream, const void *bytes,
                        size_t len)
{
    (void)XXH3_128bits_update(&stream->state, bytes, len);
}

void hash128_stream_end(struct hash128_stream *stream,
                        uint8_t ret_hash[HASH128_LEN])
{
    hash_store(XXH3_128bits_digest(&stream->state), ret_hash);
    free(stream);
}

uint64_t hash64(const void *bytes, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, len, seed);
}
