/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/batcher.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/stages.h"
#include "util/diag.h"
#include "util/mem.h"

#define ROOM_MIN (4u * KIB)

static struct proposal *proposal_new(void);
static void open_batch(struct batcher *batcher, uint64_t time_ms);
static void close_open(struct batcher *batcher);
static bool fits_open(const struct batcher *batcher, size_t command_len);
static void make_room(struct batch_writer *writer, size_t command_len);

void batcher_init(struct batcher *batcher)
{
    batcher->open = NULL;
    list_init(&batcher->full);
    batcher->bytes = 0;
}

int batcher_add(struct batcher *batcher, struct node_submit *submit,
                struct bytes params, uint64_t time_ms)
{
    size_t command_len = COMMAND_HEADER_LEN + params.len;
    struct proposal *open;

    if (params.len > BATCH_BYTES_MAX ||
        batch_len(1, params.len) > BATCH_BYTES_MAX) {
        return QL_TOO_LARGE;
    }
    if (batcher->bytes + command_len > SUBMIT_BYTES_MAX) {
        return QL_BUSY;
    }
    if (batcher->open != NULL && !fits_open(batcher, command_len)) {
        close_open(batcher);
    }
    if (batcher->open == NULL) {
        open_batch(batcher, time_ms);
    }
    open = batcher->open;
    make_room(&open->writer, command_len);
    submit->len = params.len;
    submit->offset = (uint32_t)open->writer.at;
    batch_add(&open->writer, submit->kind, params);
    list_push_back(&open->submits, &submit->link);
    open->weight += command_len;
    batcher->bytes += command_len;
    return 0;
}

bool batcher_is_empty(const struct batcher *batcher)
{
    return batcher->open == NULL && list_empty(&batcher->full);
}

struct proposal *batcher_take(struct batcher *batcher)
{
    struct proposal *proposal;

    if (list_empty(&batcher->full)) {
        proposal = batcher->open;
        batcher->open = NULL;
        return proposal;
    }
    proposal = LIST_ITEM(batcher->full.next, struct proposal, link);
    list_remove(&proposal->link);
    return proposal;
}

void proposal_seal(struct proposal *proposal, struct raft_buffer *ret_buffer)
{
    struct batch_writer *writer = &proposal->writer;
    size_t len = batch_close(writer);
    uint8_t *fitting = raft_realloc(writer->bytes, len);

    /* The core keeps it until the next snapshot, with thousands of others. */
    if (fitting != NULL) {
        writer->bytes = fitting;
        writer->room = len;
    }
    ret_buffer->len = len;
    ret_buffer->base = writer->bytes;
}

void proposal_finish_submits(struct proposal *proposal, int status)
{
    while (!list_empty(&proposal->submits)) {
        struct node_submit *submit =
            LIST_ITEM(proposal->submits.next, struct node_submit, link);

        list_remove(&submit->link);
        submit->cb(submit, status, NULL);
    }
}

void proposal_free(struct batcher *batcher, struct proposal *proposal)
{
    assert(list_empty(&proposal->submits));
    assert(batcher->bytes >= proposal->weight);
    batcher->bytes -= proposal->weight;
    stages_drop(&proposal->samples);
    raft_free(proposal->writer.bytes);
    free(proposal);
}

static struct proposal *proposal_new(void)
{
    struct proposal *proposal = mem_must_zalloc(sizeof *proposal);

    list_init(&proposal->link);
    list_init(&proposal->submits);
    list_init(&proposal->samples);
    return proposal;
}

static void open_batch(struct batcher *batcher, uint64_t time_ms)
{
    struct proposal *proposal = proposal_new();
    uint8_t *bytes = raft_calloc(1, ROOM_MIN);

    if (bytes == NULL) {
        diag_die(1, "out of memory for a batch of commands");
    }
    batch_open(&proposal->writer, bytes, ROOM_MIN, time_ms);
    batcher->open = proposal;
}

static void close_open(struct batcher *batcher)
{
    list_push_back(&batcher->full, &batcher->open->link);
    batcher->open = NULL;
}

/* A command of more than BATCH_BYTES travels alone. */
static bool fits_open(const struct batcher *batcher, size_t command_len)
{
    const struct batch_writer *writer = &batcher->open->writer;

    return writer->count < BATCH_COMMANDS_MAX &&
           writer->at + command_len <= BATCH_BYTES;
}

static void make_room(struct batch_writer *writer, size_t command_len)
{
    /* 8 more: batch_close() pads. */
    size_t needed = writer->at + command_len + 8;
    size_t room = writer->room;
    uint8_t *bytes;

    if (needed <= room) {
        return;
    }
    while (room < needed) {
        room *= 2;
    }
    bytes = raft_realloc(writer->bytes, room);
    if (bytes == NULL) {
        diag_die(1, "out of memory for a batch of commands");
    }
    memset(bytes + writer->room, 0, room - writer->room);
    writer->bytes = bytes;
    writer->room = room;
}
