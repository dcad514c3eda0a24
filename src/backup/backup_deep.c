/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The front is read, then some frames, then they are proven in a work, and so on to
 * the tail. What was read is the work's until it is done.
 */
#include "backup/backup_deep.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_proof.h"
#include "backup/backup_stream.h"
#include "machine/must.h"
#include "util/mem.h"

#define STEP_ROWS 256u        /* proven in one work, */
#define STEP_BYTES (4u * MIB) /* or so many bytes of frames */

enum deep_stage { DEEP_FRONT, DEEP_FRAMES, DEEP_TAIL };

struct backup_deep {
    struct backup_store *store;
    struct disk *disk;
    char name[BACKUP_NAME_MAX + 1];
    backup_deep_cb cb;
    void *data;
    enum deep_stage stage;
    struct backup_read read;
    bool reading;
    struct disk_work work;
    bool working;
    bool cancelled;
    struct buf front;
    struct backup_proof proof;
    bool proving;
    struct buf bytes; /* frames one behind the other, or the tail */
    uint32_t lens[STEP_ROWS];
    uint32_t count; /* of frames in it */
    struct err err; /* of a work */
};

static void on_front(struct backup_read *read, int status);
static void go_on(struct backup_deep *deep);
static void on_frame(struct backup_read *read, int status);
static void read_tail(struct backup_deep *deep);
static void on_tail(struct backup_read *read, int status);
static void prove(struct backup_deep *deep);
static int run_work(struct disk_work *work);
static int prove_frames(struct backup_deep *deep);
static void on_work(struct disk_work *work, int status);
static void end(struct backup_deep *deep, int status, const struct err *err);
static void deep_free(struct backup_deep *deep);

int backup_deep_start(struct backup_deep **ret, struct backup_store *store,
                      struct disk *disk, const char *name, backup_deep_cb cb,
                      void *data)
{
    struct backup_deep *deep = mem_must_zalloc(sizeof(*deep));
    int rv;

    deep->store = store;
    deep->disk = disk;
    deep->cb = cb;
    deep->data = data;
    deep->read.data = deep;
    (void)snprintf(deep->name, sizeof(deep->name), "%s", name);
    rv = backup_store_read_front(store, &deep->read, deep->name, on_front);
    if (rv != 0) {
        free(deep);
        return rv;
    }
    deep->reading = true;
    *ret = deep;
    return 0;
}

void backup_deep_cancel(struct backup_deep *deep)
{
    if (deep == NULL) {
        return;
    }
    if (deep->reading) {
        backup_store_read_cancel(&deep->read);
        deep->reading = false;
    }
    deep->cancelled = true;
    if (!deep->working) {
        deep_free(deep);
    }
}

/* ---- Reading ---- */

static void on_front(struct backup_read *read, int status)
{
    struct backup_deep *deep = read->data;

    deep->reading = false;
    if (status != 0) {
        end(deep, status, &read->err);
        return;
    }
    (void)must_have_memory(
        buf_add(&deep->front, read->bytes.data, read->bytes.len));
    prove(deep);
}

/* What was read so far is proven. */
static void go_on(struct backup_deep *deep)
{
    const struct err busy = {.code = QL_BUSY,
                             .text = "the backup directory has too much to do"};
    uint32_t next = deep->proof.next + deep->count;
    int rv;

    deep->stage = DEEP_FRAMES;
    if (next == deep->proof.front.chunks && deep->count == 0) {
        deep->stage = DEEP_TAIL;
        read_tail(deep);
        return;
    }
    if (next == deep->proof.front.chunks || deep->count == STEP_ROWS ||
        deep->bytes.len >= STEP_BYTES) {
        prove(deep);
        return;
    }
    rv = backup_store_read_chunk(deep->store, &deep->read, deep->name, next,
                                 on_frame);
    if (rv != 0) {
        end(deep, rv, &busy);
        return;
    }
    deep->reading = true;
}

static void on_frame(struct backup_read *read, int status)
{
    struct backup_deep *deep = read->data;

    deep->reading = false;
    if (status != 0) {
        end(deep, status, &read->err);
        return;
    }
    (void)must_have_memory(
        buf_add(&deep->bytes, read->bytes.data, read->bytes.len));
    deep->lens[deep->count++] = (uint32_t)read->bytes.len;
    go_on(deep);
}

static void read_tail(struct backup_deep *deep)
{
    const struct err busy = {.code = QL_BUSY,
                             .text = "the backup directory has too much to do"};
    const struct backup_front *front = &deep->proof.front;
    uint64_t left = front->tail_len - deep->bytes.len;
    int rv;

    if (left == 0) {
        prove(deep);
        return;
    }
    rv = backup_store_read_stream(
        deep->store, &deep->read, deep->name,
        backup_stream_tail_at(front) + deep->bytes.len,
        (uint32_t)(left < EXPORT_BYTES_MAX ? left : EXPORT_BYTES_MAX), on_tail);
    if (rv != 0) {
        end(deep, rv, &busy);
        return;
    }
    deep->reading = true;
}

static void on_tail(struct backup_read *read, int status)
{
    struct backup_deep *deep = read->data;
    struct err err = read->err;

    deep->reading = false;
    if (status == 0 && read->bytes.len == 0) {
        status = err_set(&err, QL_CORRUPT, "its stream is cut off");
    }
    if (status != 0) {
        end(deep, status, &err);
        return;
    }
    (void)must_have_memory(
        buf_add(&deep->bytes, read->bytes.data, read->bytes.len));
    read_tail(deep);
}

/* ---- Proving ---- */

static void prove(struct backup_deep *deep)
{
    struct err err;
    int rv;

    deep->work =
        (struct disk_work){.run = run_work, .cb = on_work, .data = deep};
    deep->working = true;
    rv = deep->disk->ops->work(deep->disk, &deep->work);
    if (rv != 0) {
        deep->working = false;
        (void)err_set(&err, rv, "the backup directory cannot be used now");
        end(deep, rv, &err);
    }
}

/* Off the loop. */
static int run_work(struct disk_work *work)
{
    struct backup_deep *deep = work->data;
    const struct bytes bytes = {deep->bytes.data, deep->bytes.len};

    switch (deep->stage) {
    case DEEP_FRONT:
        return backup_proof_begin(
            &deep->proof, (struct bytes){deep->front.data, deep->front.len},
            &deep->err);
    case DEEP_FRAMES:
        return prove_frames(deep);
    case DEEP_TAIL:
        break;
    }
    return backup_proof_tail(&deep->proof, bytes, &deep->err);
}

static int prove_frames(struct backup_deep *deep)
{
    const uint8_t *at = deep->bytes.data;
    int rv = 0;

    for (uint32_t i = 0; i < deep->count && rv == 0; i++) {
        rv = backup_proof_chunk(&deep->proof, (struct bytes){at, deep->lens[i]},
                                NULL, &deep->err);
        at += deep->lens[i];
    }
    return rv;
}

static void on_work(struct disk_work *work, int status)
{
    struct backup_deep *deep = work->data;

    deep->working = false;
    deep->proving = deep->proving || status == 0;
    if (deep->cancelled) {
        deep_free(deep);
        return;
    }
    if (status != 0 || deep->stage == DEEP_TAIL) {
        end(deep, status, &deep->err);
        return;
    }
    deep->count = 0;
    deep->bytes.len = 0;
    go_on(deep);
}

static void end(struct backup_deep *deep, int status, const struct err *err)
{
    const struct backup_proof *proof = &deep->proof;
    struct backup_deep_result result = {0};
    backup_deep_cb cb = deep->cb;
    void *data = deep->data;
    struct err why = *err;

    if (status == 0) {
        assert(backup_proof_is_whole(proof));
        result = (struct backup_deep_result){.chunks = proof->front.chunks,
                                             .bytes = proof->front.stream_len,
                                             .entries = proof->entries,
                                             .memory_bytes = proof->memory +
                                                             deep->bytes.room};
    }
    deep_free(deep);
    cb(data, status, &result, &why);
}

static void deep_free(struct backup_deep *deep)
{
    if (deep->proving) {
        backup_proof_close(&deep->proof);
    }
    buf_close(&deep->front);
    buf_close(&deep->bytes);
    free(deep);
}
