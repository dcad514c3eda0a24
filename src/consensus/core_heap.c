/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Entries of the raft log live until a snapshot, and small things that live longer
 * are made between them: in one heap they would leave holes that the next entry
 * does not fit in, as large as the raft log and more. So long ones have blocks of
 * one size in a region of their own: what is not written of a block takes no
 * memory. Of freed ones some are used again as they are, as new ones cost a page
 * fault for each 4 KiB; the memory of the others goes back. (malloc() does not do
 * it: it maps a long block only when it has no hole that fits, and what was
 * written there before stays.)
 */
#include "consensus/core_heap.h"

#include <malloc.h>
#include <pthread.h>
#include <raft.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "util/diag.h"
#include "util/limits.h"
#include "util/mem.h"

/* An instrumented build would not see the use of a block after it was freed. */
#ifdef __SANITIZE_ADDRESS__
#define IS_INSTRUMENTED true
#elif defined(__has_feature)
#define IS_INSTRUMENTED __has_feature(address_sanitizer)
#else
#define IS_INSTRUMENTED false
#endif

#define REGION_BYTES ((size_t)RAFT_BLOCKS_MAX * RAFT_BLOCK_BYTES)

/* Entries are made on the loop and read on works. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *region; /* NULL: there is none, malloc() has to do */
static size_t blocks;   /* of the region that were ever used */
/* Freed ones: with their memory, */
static void *kept[RAFT_BLOCKS_KEPT];
static size_t kept_count;
/* and without. */
static void *bare[RAFT_BLOCKS_MAX];
static size_t bare_count;

static bool wants_block(size_t len)
{
    return len >= RAFT_BLOCK_MIN && len <= RAFT_BLOCK_BYTES;
}

static bool is_block(const void *memory)
{
    uintptr_t from = (uintptr_t)region;
    uintptr_t at = (uintptr_t)memory;

    return region != NULL && at >= from && at - from < REGION_BYTES;
}

static void region_map(void)
{
    void *memory;

    if (IS_INSTRUMENTED || region != NULL) {
        return;
    }
    memory = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    /* Where address space is short, too, a node has to run. */
    if (memory != MAP_FAILED) {
        (void)madvise(memory, REGION_BYTES, MADV_NOHUGEPAGE);
        region = memory;
    }
}

/* NULL when none is left. */
static void *block_alloc(void)
{
    void *block = NULL;

    (void)pthread_mutex_lock(&lock);
    if (kept_count > 0) {
        block = kept[--kept_count];
    } else if (bare_count > 0) {
        block = bare[--bare_count];
    } else if (region != NULL && blocks < RAFT_BLOCKS_MAX) {
        block = region + blocks * RAFT_BLOCK_BYTES;
        blocks++;
    }
    (void)pthread_mutex_unlock(&lock);
    return block;
}

static void block_free(void *block)
{
    bool keeps;

    (void)pthread_mutex_lock(&lock);
    keeps = kept_count < RAFT_BLOCKS_KEPT;
    if (keeps) {
        kept[kept_count++] = block;
    }
    (void)pthread_mutex_unlock(&lock);
    if (keeps) {
        return;
    }
    /* If it fails the block keeps its memory. */
    (void)madvise(block, RAFT_BLOCK_BYTES, MADV_DONTNEED);
    (void)pthread_mutex_lock(&lock);
    bare[bare_count++] = block;
    (void)pthread_mutex_unlock(&lock);
}

static void *heap_malloc(void *data, size_t len)
{
    void *block = wants_block(len) ? block_alloc() : NULL;

    (void)data;
    return block != NULL ? block : mem_must_alloc(len);
}

static void heap_free(void *data, void *memory)
{
    (void)data;
    if (is_block(memory)) {
        block_free(memory);
    } else {
        free(memory);
    }
}

static void *heap_calloc(void *data, size_t count, size_t item_len)
{
    (void)data;
    return mem_must_array(count, item_len);
}

/* A batch grows into a block and stays there when it is cut to its length. */
static void *heap_realloc(void *data, void *memory, size_t len)
{
    void *moved;
    size_t room;

    if (!wants_block(len) && !is_block(memory)) {
        return mem_must_resize(memory, len);
    }
    if (wants_block(len) && is_block(memory)) {
        return memory;
    }
    moved = heap_malloc(data, len);
    if (memory != NULL) {
        room = is_block(memory) ? RAFT_BLOCK_BYTES : malloc_usable_size(memory);
        memcpy(moved, memory, room < len ? room : len);
        heap_free(data, memory);
    }
    return moved;
}

static void *heap_aligned_alloc(void *data, size_t alignment, size_t len)
{
    void *memory = aligned_alloc(alignment, len);

    (void)data;
    if (memory == NULL) {
        diag_die(EXIT_FAILURE, "out of memory (%zu bytes)", len);
    }
    return memory;
}

static void heap_aligned_free(void *data, size_t alignment, void *memory)
{
    (void)data;
    (void)alignment;
    free(memory);
}

void core_heap_install(void)
{
    static struct raft_heap heap = {.malloc = heap_malloc,
                                    .free = heap_free,
                                    .calloc = heap_calloc,
                                    .realloc = heap_realloc,
                                    .aligned_alloc = heap_aligned_alloc,
                                    .aligned_free = heap_aligned_free};

    (void)pthread_mutex_lock(&lock);
    region_map();
    (void)pthread_mutex_unlock(&lock);
    raft_heap_set(&heap);
}
