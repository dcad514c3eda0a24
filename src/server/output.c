/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "server/output.h"

#include <assert.h>
#include <stdlib.h>

#include "machine/must.h"
#include "machine/spare.h"
#include "util/limits.h"
#include "util/mem.h"

struct output_block {
    struct list link;
    struct buf bytes;
};

static struct output_block *block_last(const struct output *output);
static size_t blocks_free(struct list *blocks);

void output_init(struct output *output)
{
    list_init(&output->waiting);
    list_init(&output->writing);
    output->bytes = 0;
}

void output_close(struct output *output)
{
    blocks_free(&output->waiting);
    blocks_free(&output->writing);
    output->bytes = 0;
}

void output_add(struct output *output, struct buf *message)
{
    struct output_block *block = block_last(output);

    output->bytes += message->len;
    if (block != NULL &&
        block->bytes.len + message->len <= OUTPUT_BLOCK_BYTES) {
        must_have_memory(buf_add(&block->bytes, message->data, message->len));
        buf_close(message);
        return;
    }
    block = mem_must_zalloc(sizeof(*block));
    block->bytes = *message;
    buf_init(message);
    list_push_back(&output->waiting, &block->link);
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
    output->bytes -= blocks_free(&output->writing);
}

static struct output_block *block_last(const struct output *output)
{
    if (list_empty(&output->waiting)) {
        return NULL;
    }
    return LIST_ITEM(output->waiting.prev, struct output_block, link);
}

static size_t blocks_free(struct list *blocks)
{
    size_t bytes = 0;

    while (!list_empty(blocks)) {
        struct output_block *block =
            LIST_ITEM(blocks->next, struct output_block, link);

        list_remove(&block->link);
        bytes += block->bytes.len;
        spare_buf_close(&block->bytes);
        free(block);
    }
    return bytes;
}
