/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/spare.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/limits.h"
#include "util/mem.h"

/* An instrumented build sees no use of a block that is kept here as one after it
 * was freed: so it keeps none. */
#ifdef __SANITIZE_ADDRESS__
#define BLOCKS_MAX 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCKS_MAX 0
#endif
#endif
#ifndef BLOCKS_MAX
#define BLOCKS_MAX SPARE_BLOCKS_MAX
#endif

#define ROUND ((size_t)64 * KIB)

struct spare {
    void *block;
    size_t room;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct spare spares[SPARE_BLOCKS_MAX]; /* the oldest first */
static size_t spares_count;
static size_t spares_bytes;

static void *take(size_t len);
static void keep(void *block, size_t room);
static void *remove_at(size_t index);

void *spare_alloc(size_t len)
{
    void *block;

    if (len < SPARE_BLOCK_MIN) {
        return mem_must_alloc(len);
    }
    /* Chunks differ by a little: so that one fits where another was. */
    len += ROUND - 1 - (len - 1) % ROUND;
    (void)pthread_mutex_lock(&lock);
    block = take(len);
    (void)pthread_mutex_unlock(&lock);
    return block != NULL ? block : mem_must_alloc(len);
}

void spare_free(void *block)
{
    size_t room = block == NULL ? 0 : malloc_usable_size(block);

    if (BLOCKS_MAX == 0 || room < SPARE_BLOCK_MIN || room > SPARE_BLOCK_MAX) {
        free(block);
        return;
    }
    (void)pthread_mutex_lock(&lock);
    keep(block, room);
    (void)pthread_mutex_unlock(&lock);
}

void spare_buf_reserve(struct buf *buf, size_t more)
{
    size_t needed = buf->len + more;
    uint8_t *data;

    if (needed <= buf->room) {
        return;
    }
    data = spare_alloc(needed);
    if (buf->len > 0) {
        memcpy(data, buf->data, buf->len);
    }
    free(buf->data);
    buf->data = data;
    buf->room = malloc_usable_size(data);
}

void spare_buf_close(struct buf *buf)
{
    spare_free(buf->data);
    buf_init(buf);
}

size_t spare_bytes(void)
{
    size_t bytes;

    (void)pthread_mutex_lock(&lock);
    bytes = spares_bytes;
    (void)pthread_mutex_unlock(&lock);
    return bytes;
}

void spare_drop_all(void)
{
    (void)pthread_mutex_lock(&lock);
    while (spares_count > 0) {
        free(remove_at(0));
    }
    (void)pthread_mutex_unlock(&lock);
}

/* The smallest that will do, but none that is much larger. */
static void *take(size_t len)
{
    size_t best = spares_count;
    size_t i;

    for (i = 0; i < spares_count; i++) {
        if (spares[i].room >= len && spares[i].room / 2 <= len &&
            (best == spares_count || spares[i].room < spares[best].room)) {
            best = i;
        }
    }
    return best == spares_count ? NULL : remove_at(best);
}

/* The oldest make room: their sizes were not asked for. */
static void keep(void *block, size_t room)
{
    while (spares_count == SPARE_BLOCKS_MAX ||
           spares_bytes + room > SPARE_BYTES_MAX) {
        free(remove_at(0));
    }
    spares[spares_count++] = (struct spare){block, room};
    spares_bytes += room;
}

static void *remove_at(size_t index)
{
    void *block = spares[index].block;

    spares_bytes -= spares[index].room;
    spares_count--;
    memmove(&spares[index], &spares[index + 1],
            (spares_count - index) * sizeof(spares[0]));
    return block;
}
