/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One named log: its numbers, its writer and its entries in chunks. Positions
 * are dense as appended; the last chunk may be open, all others are sealed.
 * A log knows nothing of the others; what they share is in machine/logs.h.
 */
#pragma once

#include <stdbool.h>

#include "machine/chunk.h"
#include "machine/digest.h"
#include "util/list.h"
#include "wire/args_append.h"
#include "wire/args_log.h"

/* What the first chunk holds of entries that lie before the head. */
struct log_skip {
    size_t offset; /* of the first kept entry in the chunk */
    uint64_t entries;
    uint64_t bytes;
};

struct log {
    uint64_t uid;
    uint64_t incarnation;
    uint64_t token;   /* of the log.create that made it, or 0 */
    uint64_t head;    /* first kept position */
    uint64_t tail;    /* the next entry's position */
    uint64_t entries; /* kept, from the head on */
    uint64_t bytes;   /* of their keys and values */
    uint64_t held; /* bytes of its chunks, entries before the head included */
    uint64_t last_time_ms;
    struct retention retention;
    uint64_t writer_epoch;
    struct bytes writer_name;    /* owned; data NULL when nobody holds it */
    uint8_t digest[HASH128_LEN]; /* chain over everything ever appended */
    struct chunk *chunks;
    size_t chunks_at; /* index of the first one in use */
    size_t chunks_end;
    size_t chunks_room;
    struct log_skip skip;
    struct list open_link;     /* in logs.open while a chunk is open */
    struct list retained_link; /* in logs.retained while it has limits */
    struct bytes name;         /* points behind the struct */
    char name_bytes[];
};

struct log *log_new(uint64_t uid, struct bytes name);
void log_free(struct log *log);
void log_stat_fill(const struct log *log, struct log_stat *ret);

/* ---- Entries ---- */

/* Appends behind the tail, opening a chunk when none is open. */
void log_append(struct log *log, const struct append_entry *entry,
                uint64_t time_ms);
/* Drops what lies before @before, which is in head..tail. */
void log_trim(struct log *log, uint64_t before);
/* Would log_retain() drop something? @age_suspended ignores the age. */
bool log_retention_due(const struct log *log, uint64_t time_ms,
                       bool age_suspended);
/* Drops chunks from the front as long as one of the limits stays satisfied
 * without them. Returns whether any went. */
bool log_retain(struct log *log, uint64_t time_ms, bool age_suspended);
bool retention_is_set(const struct retention *retention);

/* ---- Chunks ---- */

size_t log_chunk_count(const struct log *log);
const struct chunk *log_chunk(const struct log *log, size_t index);
/* The chunk that grows, or NULL. */
struct chunk *log_open_chunk(const struct log *log);
/* Takes a loaded chunk as the last one; used when restoring. Its entries count
 * as kept; log_set_head() comes after the last chunk. */
void log_adopt_chunk(struct log *log, const struct chunk *chunk);
/* Sets the head of a log whose chunks were adopted. */
void log_set_head(struct log *log, uint64_t head);
/* The index of the first chunk that has @position or a later one. */
size_t log_chunk_find(const struct log *log, uint64_t position);

/* ---- The writer ---- */

/* Copies @name; len 0 for nobody. */
void log_set_writer(struct log *log, uint64_t epoch, struct bytes name);
/* May an append that carries @epoch (0: none) be taken? A held log takes only
 * its holder's; a released epoch is spent. */
bool log_writer_admits(const struct log *log, uint64_t epoch);
