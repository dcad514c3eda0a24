/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a committed batch costs on each node, and its entries on their way into
 * chunks and packs. */
#include "micro.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine/chunk.h"
#include "machine/machine.h"
#include "store/pack.h"
#include "util/mem.h"
#include "util/splitmix64.h"
#include "wire/args_append.h"
#include "wire/args_log.h"

#define COMMANDS 64u /* in a batch */
#define MANY 100u    /* entries of a larger append */
#define BATCH_ROOM (64u * KIB)
#define LOG "orders"

struct work {
    struct machine *machine;
    uint64_t index;      /* of the last batch applied */
    uint64_t producer;   /* whose appends they are */
    uint32_t count;      /* of each of the two below */
    struct buf *batches; /* of COMMANDS appends of one entry */
    struct buf *large;   /* of one append of MANY entries */
    uint32_t next;       /* to be applied */
    struct buf append;   /* params of one */
    uint8_t *room;       /* for a batch in the making */
    struct read_entry entry;
    struct buf raw; /* of a whole chunk */
    struct buf frame;
    uint8_t *plain; /* room for its bytes */
};

static uint8_t value[MICRO_VALUE_LEN];

/* ---- Batches ---- */

/* What the time before has left behind the commands are zeros, too. */
static void batch_make(void *data)
{
    struct work *work = data;
    const struct bytes params = micro_view(&work->append);
    struct batch_writer writer;

    batch_open(&writer, work->room, BATCH_ROOM, MICRO_TIME_MS);
    for (uint32_t i = 0; i < COMMANDS; i++) {
        batch_add(&writer, COMMAND_LOG_APPEND, params);
    }
    micro_keep(batch_close(&writer));
}

static void apply(struct work *work, const struct buf *bytes)
{
    struct command command;
    struct batch batch;

    micro_must(batch_decode(&batch, bytes->data, bytes->len, NULL));
    machine_begin(work->machine, ++work->index, batch.time_ms);
    while (batch_next(&batch, &command)) {
        struct outcome outcome;

        machine_apply(work->machine, &command, &outcome);
        micro_must(outcome.code);
    }
}

static void batch_apply(void *data)
{
    struct work *work = data;

    assert(work->next < work->count);
    apply(work, &work->batches[work->next++]);
}

static void batch_apply_large(void *data)
{
    struct work *work = data;

    assert(work->next < work->count);
    apply(work, &work->large[work->next++]);
}

/* ---- Chunks ---- */

static void chunk_fill(void *data)
{
    static const uint8_t chain[HASH128_LEN];
    struct work *work = data;
    struct chunk *chunk = chunk_new(1, 1);

    for (work->entry.position = 1; chunk->len < CHUNK_BYTES;
         work->entry.position++) {
        chunk_add(chunk, &work->entry);
    }
    chunk_seal(chunk, chain);
    micro_keep(chunk->len);
    chunk_drop(chunk);
}

static void chunk_compress(void *data)
{
    struct work *work = data;

    work->frame.len = 0;
    micro_must(pack_frame_compress(micro_view(&work->raw), &work->frame, NULL));
}

static void chunk_decompress(void *data)
{
    struct work *work = data;

    micro_must(pack_frame_decompress(micro_view(&work->frame), work->plain,
                                     work->raw.len, NULL));
}

static const struct micro_case cases[] = {
    {"batch_make", "a batch of 64 appends: made", 200, batch_make},
    {"batch_apply", "a batch of 64 appends: decoded and applied", 200,
     batch_apply},
    {"batch_apply_large", "a batch of one append of 100 entries: the same", 200,
     batch_apply_large},
    {"chunk_fill", "a chunk of 1 MiB: filled and sealed", 5, chunk_fill},
    {"chunk_compress", "a chunk of 1 MiB: compressed", 3, chunk_compress},
    {"chunk_decompress", "a chunk of 1 MiB: decompressed", 3, chunk_decompress},
};

/* ---- The input ---- */

/* Half of it can be compressed, as text can. */
static void make_value(uint64_t number)
{
    uint64_t state = number;

    for (size_t i = 0; i < sizeof value; i++) {
        value[i] = i < sizeof value / 2 ? (uint8_t)(splitmix64(&state) >> 56)
                                        : (uint8_t) "entry "[i % 6];
    }
}

static void command_apply(struct work *work, enum command_kind kind,
                          struct bytes params)
{
    struct command command = {kind, params};
    struct outcome outcome;

    machine_begin(work->machine, ++work->index, MICRO_TIME_MS);
    machine_apply(work->machine, &command, &outcome);
    micro_must(outcome.code);
    work->producer = outcome.producer;
}

static void make_machine(struct work *work)
{
    const struct log_config_args log = {.log = {(const uint8_t *)LOG, 6}};
    struct buf params = BUF_INIT;

    work->machine = machine_new(NULL);
    micro_must(log_config_args_encode(&log, &params));
    command_apply(work, COMMAND_LOG_CREATE, micro_view(&params));
    command_apply(work, COMMAND_PRODUCER_OPEN,
                  (struct bytes){(const uint8_t *)"\x80", 1});
    buf_close(&params);
}

static void encode_append(const struct work *work, uint64_t sequence,
                          size_t entries_count, struct buf *ret)
{
    static struct append_entry entries[MANY];
    struct append_part_args part = {.log = {(const uint8_t *)LOG, 6},
                                    .entries = entries,
                                    .entries_count = entries_count};
    const struct append_args args = {.parts = &part,
                                     .parts_count = 1,
                                     .producer = work->producer,
                                     .sequence = sequence};

    for (size_t i = 0; i < MANY; i++) {
        entries[i].value = (struct bytes){value, sizeof value};
    }
    ret->len = 0;
    micro_must(append_args_encode(&args, ret));
}

static void make_batch(struct work *work, uint64_t first, uint32_t commands,
                       size_t entries, struct buf *ret)
{
    struct buf append = BUF_INIT;
    struct batch_writer writer;

    memset(work->room, 0, BATCH_ROOM);
    batch_open(&writer, work->room, BATCH_ROOM, MICRO_TIME_MS);
    for (uint32_t i = 0; i < commands; i++) {
        encode_append(work, first + i, entries, &append);
        batch_add(&writer, COMMAND_LOG_APPEND, micro_view(&append));
    }
    micro_must(buf_add(ret, work->room, batch_close(&writer)));
    buf_close(&append);
}

static void make_batches(struct work *work, uint32_t times)
{
    work->count = times;
    work->batches = mem_must_array(times + 1, sizeof *work->batches);
    work->large = mem_must_array(times + 1, sizeof *work->large);
    for (uint32_t i = 0; i < times; i++) {
        make_batch(work, 1 + (uint64_t)i * COMMANDS, COMMANDS, 1,
                   &work->batches[i]);
        make_batch(work, 1 + i, 1, MANY, &work->large[i]);
    }
    encode_append(work, 1, 1, &work->append);
}

static void make_chunk(struct work *work)
{
    struct chunk *chunk = chunk_new(1, 1);

    work->entry.time_ms = MICRO_TIME_MS;
    work->entry.value = (struct bytes){value, sizeof value};
    for (work->entry.position = 1; chunk->len < CHUNK_BYTES;
         work->entry.position++) {
        make_value(work->entry.position);
        chunk_add(chunk, &work->entry);
    }
    micro_must(buf_add(&work->raw, chunk_bytes(chunk), chunk->len));
    chunk_drop(chunk);
    chunk_compress(work);
    memset(work->room, 0, BATCH_ROOM);
    work->plain = mem_must_array(work->raw.len, 1);
}

static void *machine_open(uint32_t times)
{
    struct work *work = mem_must_zalloc(sizeof *work);

    make_value(0);
    work->room = mem_must_array(BATCH_ROOM, 1);
    make_machine(work);
    make_batches(work, times);
    make_chunk(work);
    return work;
}

static void machine_close(void *data)
{
    struct work *work = data;

    for (uint32_t i = 0; i < work->count; i++) {
        buf_close(&work->batches[i]);
        buf_close(&work->large[i]);
    }
    free(work->batches);
    free(work->large);
    buf_close(&work->append);
    buf_close(&work->raw);
    buf_close(&work->frame);
    free(work->plain);
    free(work->room);
    machine_free(work->machine);
    free(work);
}

const struct micro_group micro_machine = {
    cases, sizeof(cases) / sizeof(cases[0]), machine_open, machine_close};
