/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One named log: its numbers, its writer and its entries in chunks. Positions
 * are dense as appended; what a recovery brought back may have holes. Sealed chunks come first, at most one open chunk behind
 * them. Nothing here reads the bytes of a sealed chunk: they may be elsewhere. A
 * log knows nothing of the others; what they share is in machine/logs.h.
 */
#pragma once

#include <stdbool.h>

#include "machine/chunk_list.h"
#include "machine/digest.h"
#include "machine/tally.h"
#include "util/list.h"
#include "wire/args_append.h"
#include "wire/args_log.h"

struct log {
    uint64_t uid;
    uint64_t incarnation;
    uint64_t token;   /* of the log.create that made it, or 0 */
    uint64_t head;    /* first kept position */
    uint64_t tail;    /* the next entry's position */
    uint64_t entries; /* kept, from the head on */
    uint64_t bytes;   /* keys and values of its chunks, the first one whole */
    uint64_t held;    /* entries in its chunks, those before the head too */
    uint64_t last_time_ms;
    struct retention retention;
    uint64_t writer_epoch;
    struct bytes writer_name;    /* owned; data NULL when nobody holds it */
    uint8_t digest[HASH128_LEN]; /* chain over everything ever appended */
    uint8_t base[HASH128_LEN];   /* of it, before the first chunk */
    struct chunk_list *sealed;
    struct chunk *open;           /* or NULL; it has entries */
    uint64_t opened;              /* number of its opening in all logs, or 0 */
    struct tally rows;            /* over the rows of the sealed chunks */
    struct list open_link;        /* in logs.open while a chunk is open */
    struct list retained_link;    /* in logs.retained while it has limits */
    struct list changed_link;     /* in logs.changed: `counted` is not right */
    uint8_t counted[HASH128_LEN]; /* what it is in logs.digests */
    bool is_counted;
    struct bytes name; /* points behind the struct */
    char name_bytes[];
};

struct log *log_new(uint64_t uid, struct bytes name);
/* Of one without an open chunk, for other logs; the list of chunks is shared. */
struct log *log_copy(const struct log *log);
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
/* Sealed ones first, then the open one. */
struct chunk *log_chunk(const struct log *log, size_t index);
/* The chain before the chunk at @index. */
const uint8_t *log_chain(const struct log *log, size_t index);
/* The first chunk that has @position or a later one, or NULL. */
struct chunk *log_find(const struct log *log, uint64_t position);
/* Seals the open chunk and returns it, borrowed. */
struct chunk *log_seal(struct log *log);
/* Makes one of the @count last sealed chunks and returns it, borrowed. */
struct chunk *log_merge(struct log *log, size_t count);
/* Used when restoring, in order, after digest and base; take the reference. All
 * their entries count as kept until log_set_head(). */
void log_adopt_sealed(struct log *log, struct chunk *chunk);
void log_adopt_open(struct log *log, struct chunk *chunk);
void log_set_head(struct log *log, uint64_t head);

/* ---- The writer ---- */

/* Copies @name; len 0 for nobody. */
void log_set_writer(struct log *log, uint64_t epoch, struct bytes name);
/* May an append that carries @epoch (0: none) be taken? A held log takes only
 * its holder's; a released epoch is spent. */
bool log_writer_admits(const struct log *log, uint64_t epoch);
