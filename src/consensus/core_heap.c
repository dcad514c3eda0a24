/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Entries of the raft log live until a snapshot, and small things that live longer
 * are made between them: in one heap they would leave holes that the next entry
 * does not fit in, as large as the raft log and more. So long ones have blocks of
 * one size, which malloc() maps one by one (daemon/heap.c): what is not written of
 * a block takes no memory. Freed ones are used again, as new ones cost a page fault
 * for each 4 KiB.
 */
#include "consensus/core_heap.h"

#include <malloc.h>
#include <pthread.h>
#include <raft.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

/* Entries are made on the loop and read on works. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *kept[RAFT_BLOCKS_KEPT];
static size_t kept_count;

static bool wants_block(size_t len)
{
    return len >= RAFT_BLOCK_MIN && len <= RAFT_BLOCK_BYTES;
}

/* Or as good as one: which it is does not matter. */
static bool is_block(void *memory)
{
    size_t room = memory == NULL ? 0 : malloc_usable_size(memory);

    return room >= RAFT_BLOCK_BYTES && room < RAFT_BLOCK_BYTES + RAFT_BLOCK_MIN;
}

static void *block_alloc(void)
{
    void *block = NULL;

    (void)pthread_mutex_lock(&lock);
    if (kept_count > 0) {
        kept_count--;
        block = kept[kept_count];
    }
    (void)pthread_mutex_unlock(&lock);
    return block != NULL ? block : mem_must_alloc(RAFT_BLOCK_BYTES);
}

static void block_free(void *block)
{
    (void)pthread_mutex_lock(&lock);
    if (!IS_INSTRUMENTED && kept_count < RAFT_BLOCKS_KEPT) {
        kept[kept_count] = block;
        kept_count++;
        block = NULL;
    }
    (void)pthread_mutex_unlock(&lock);
    free(block);
}

static void *heap_malloc(void *data, size_t len)
{
    (void)data;
    return wants_block(len) ? block_alloc() : mem_must_alloc(len);
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
        room = malloc_usable_size(memory);
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

    raft_heap_set(&heap);
}
