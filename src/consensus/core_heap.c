/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/core_heap.h"

#include <raft.h>
#include <stdlib.h>

#include "util/diag.h"
#include "util/mem.h"

static void *heap_malloc(void *data, size_t len)
{
    (void)data;
    return mem_must_alloc(len);
}

static void heap_free(void *data, void *memory)
{
    (void)data;
    free(memory);
}

static void *heap_calloc(void *data, size_t count, size_t item_len)
{
    (void)data;
    return mem_must_array(count, item_len);
}

static void *heap_realloc(void *data, void *memory, size_t len)
{
    (void)data;
    return mem_must_resize(memory, len);
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
