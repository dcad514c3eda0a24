/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "server/output.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/must.h"
#include "machine/spare.h"
#include "util/limits.h"
#include "util/mem.h"

/* A message above this has a block to itself. */
#define COPIED_BYTES_MAX (OUTPUT_BLOCK_BYTES / 2)

struct output_block {
    struct list link;
    struct buf bytes;
    bool is_shared; /* of messages that are copied: it is the pool's */
};

static void add_own(struct output *output, struct buf *message);
static struct output_block *block_with_room(struct output *output, size_t len);
static struct output_block *block_new(struct output_pool *pool);
static void block_free(struct output_pool *pool, struct output_block *block);
static void blocks_free(struct output *output, struct list *blocks);

void output_pool_init(struct output_pool *pool)
{
    list_init(&pool->spare);
    pool->count = 0;
}

void output_pool_close(struct output_pool *pool)
{
    while (!list_empty(&pool->spare)) {
        struct output_block *block =
            LIST_ITEM(pool->spare.next, struct output_block, link);

        list_remove(&block->link);
        buf_close(&block->bytes);
        free(block);
    }
    pool->count = 0;
}

void output_init(struct output *output, struct output_pool *pool)
{
    *output = (struct output){.pool = pool};
    list_init(&output->waiting);
    list_init(&output->writing);
}

void output_close(struct output *output)
{
    blocks_free(output, &output->waiting);
    blocks_free(output, &output->writing);
}

void output_add(struct output *output, struct buf *message)
{
    struct output_block *block;

    output->bytes += message->len;
    if (message->len > COPIED_BYTES_MAX) {
        add_own(output, message);
        return;
    }
    block = block_with_room(output, message->len);
    must_have_memory(buf_add(&block->bytes, message->data, message->len));
    message->len = 0;
}

size_t output_take(struct output *output, struct bytes *ret_runs,
                   size_t count_max)
{
    size_t count = 0;
    size_t bytes = 0;

    assert(list_empty(&output->writing));
    while (!list_empty(&output->waiting) && count < count_max &&
           bytes < OUTPUT_WRITE_BYTES) {
        struct output_block *block =
            LIST_ITEM(output->waiting.next, struct output_block, link);

        list_remove(&block->link);
        list_push_back(&output->writing, &block->link);
        ret_runs[count].data = block->bytes.data;
        ret_runs[count].len = block->bytes.len;
        bytes += block->bytes.len;
        count++;
    }
    return count;
}

void output_taken(struct output *output)
{
    blocks_free(output, &output->writing);
}

static void add_own(struct output *output, struct buf *message)
{
    struct output_block *block = mem_must_zalloc(sizeof(*block));

    block->bytes = *message;
    buf_init(message);
    output->held += block->bytes.room;
    list_push_back(&output->waiting, &block->link);
}

static struct output_block *block_with_room(struct output *output, size_t len)
{
    struct output_block *block;

    if (!list_empty(&output->waiting)) {
        block = LIST_ITEM(output->waiting.prev, struct output_block, link);
        if (block->is_shared && block->bytes.room - block->bytes.len >= len) {
            return block;
        }
    }
    block = block_new(output->pool);
    output->held += block->bytes.room;
    list_push_back(&output->waiting, &block->link);
    return block;
}

static struct output_block *block_new(struct output_pool *pool)
{
    struct output_block *block;

    if (!list_empty(&pool->spare)) {
        block = LIST_ITEM(pool->spare.prev, struct output_block, link);
        list_remove(&block->link);
        pool->count--;
        return block;
    }
    block = mem_must_zalloc(sizeof(*block));
    block->is_shared = true;
    must_have_memory(buf_reserve(&block->bytes, OUTPUT_BLOCK_BYTES));
    return block;
}

/* The one that was used last is the first to be used again: it is in the cache. */
static void block_free(struct output_pool *pool, struct output_block *block)
{
    if (block->is_shared && pool->count < OUTPUT_BLOCKS_SPARE) {
        block->bytes.len = 0;
        list_push_back(&pool->spare, &block->link);
        pool->count++;
        return;
    }
    spare_buf_close(&block->bytes);
    free(block);
}

static void blocks_free(struct output *output, struct list *blocks)
{
    while (!list_empty(blocks)) {
        struct output_block *block =
            LIST_ITEM(blocks->next, struct output_block, link);

        list_remove(&block->link);
        output->bytes -= block->bytes.len;
        output->held -= block->bytes.room;
        block_free(output->pool, block);
    }
}
