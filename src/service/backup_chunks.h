/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The raw bytes of a backup's chunks, a few at a time, from this node's copy. */
#pragma once

#include "backup/backup_store.h"
#include "util/limits.h"

struct backup_chunk_slot {
    struct backup_chunks *chunks;
    bool is_used;
    uint32_t number; /* of the chunk's row in the front */
    struct backup_read read;
    uint8_t *bytes; /* NULL: being read */
    size_t len;
};

/* A chunk has come (@status 0), or will not. */
typedef void (*backup_chunks_cb)(void *data, int status, const struct err *err);

struct backup_chunks {
    struct backup_store *store;
    const char *name; /* borrowed */
    backup_chunks_cb cb;
    void *data;
    struct backup_chunk_slot slots[RECOVERY_READS];
};

void backup_chunks_init(struct backup_chunks *chunks,
                        struct backup_store *store, const char *name,
                        backup_chunks_cb cb, void *data);
/* The callback does not come any more. Fine with one that is all zero. */
void backup_chunks_stop(struct backup_chunks *chunks);
/* The bytes of the chunk with row @number, until it is dropped. data NULL: they are
 * being read, or cannot be yet; the callback comes, or asking again later helps. */
struct bytes backup_chunks_get(struct backup_chunks *chunks, uint32_t number);
/* That one will be asked for next: begins if there is a place for it. */
void backup_chunks_ahead(struct backup_chunks *chunks, uint32_t number);
void backup_chunks_drop(struct backup_chunks *chunks, uint32_t number);
