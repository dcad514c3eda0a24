/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/backup_chunks.h"

#include <stdlib.h>
#include <string.h>

#include "service/backup_refusal.h"
#include "store/pack.h"
#include "util/mem.h"

static struct backup_chunk_slot *find(struct backup_chunks *chunks,
                                      uint32_t number);
static struct backup_chunk_slot *place(struct backup_chunks *chunks);
static void begin(struct backup_chunk_slot *slot, uint32_t number);
static void on_read(struct backup_read *read, int status);
static int unpack(struct backup_chunk_slot *slot, struct err *err);
static void clear(struct backup_chunk_slot *slot);

void backup_chunks_init(struct backup_chunks *chunks,
                        struct backup_store *store, const char *name,
                        backup_chunks_cb cb, void *data)
{
    size_t i;

    memset(chunks, 0, sizeof(*chunks));
    chunks->store = store;
    chunks->name = name;
    chunks->cb = cb;
    chunks->data = data;
    for (i = 0; i < RECOVERY_READS; i++) {
        chunks->slots[i].chunks = chunks;
        chunks->slots[i].read.data = &chunks->slots[i];
    }
}

void backup_chunks_stop(struct backup_chunks *chunks)
{
    size_t i;

    for (i = 0; i < RECOVERY_READS; i++) {
        if (chunks->slots[i].is_used) {
            clear(&chunks->slots[i]);
        }
    }
}

/* Who asks has gone back when nothing is free: what was read for later is not
 * wanted next. */
struct bytes backup_chunks_get(struct backup_chunks *chunks, uint32_t number)
{
    struct backup_chunk_slot *slot = find(chunks, number);

    if (slot == NULL) {
        slot = place(chunks);
        if (slot == NULL) {
            slot = &chunks->slots[0];
            clear(slot);
        }
        begin(slot, number);
    }
    return (struct bytes){slot->bytes, slot->len};
}

void backup_chunks_ahead(struct backup_chunks *chunks, uint32_t number)
{
    struct backup_chunk_slot *slot = place(chunks);

    if (slot != NULL && find(chunks, number) == NULL) {
        begin(slot, number);
    }
}

void backup_chunks_drop(struct backup_chunks *chunks, uint32_t number)
{
    struct backup_chunk_slot *slot = find(chunks, number);

    if (slot != NULL) {
        clear(slot);
    }
}

static struct backup_chunk_slot *find(struct backup_chunks *chunks,
                                      uint32_t number)
{
    size_t i;

    for (i = 0; i < RECOVERY_READS; i++) {
        if (chunks->slots[i].is_used && chunks->slots[i].number == number) {
            return &chunks->slots[i];
        }
    }
    return NULL;
}

static struct backup_chunk_slot *place(struct backup_chunks *chunks)
{
    size_t i;

    for (i = 0; i < RECOVERY_READS; i++) {
        if (!chunks->slots[i].is_used) {
            return &chunks->slots[i];
        }
    }
    return NULL;
}

/* A store that is busy is asked again by whoever asks again. */
static void begin(struct backup_chunk_slot *slot, uint32_t number)
{
    struct backup_chunks *chunks = slot->chunks;
    int rv = backup_store_read_chunk(chunks->store, &slot->read, chunks->name,
                                     number, on_read);

    slot->is_used = rv == 0;
    slot->number = number;
}

static void on_read(struct backup_read *read, int status)
{
    struct backup_chunk_slot *slot = read->data;
    struct backup_chunks *chunks = slot->chunks;
    struct err err = {0};

    if (status == 0) {
        status = unpack(slot, &read->err);
    }
    if (status != 0) {
        free(slot->bytes);
        slot->bytes = NULL;
        slot->is_used = false;
        backup_refusal(chunks->name, status, read->err.text, &err);
    }
    chunks->cb(chunks->data, status, &err);
}

/* The store has proven it: some milliseconds less for the loop. */
static int unpack(struct backup_chunk_slot *slot, struct err *err)
{
    struct pack_row row;
    int rv = pack_row_decode(slot->read.row, &row, err);

    if (rv != 0) {
        return rv;
    }
    slot->len = row.facts.len;
    slot->bytes = mem_must_alloc(row.facts.len);
    return pack_chunk_decompress_proven(&row, slot->read.bytes, slot->bytes,
                                        err);
}

static void clear(struct backup_chunk_slot *slot)
{
    if (slot->bytes == NULL) {
        backup_store_read_cancel(&slot->read);
    }
    free(slot->bytes);
    slot->bytes = NULL;
    slot->is_used = false;
}
