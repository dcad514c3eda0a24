/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * All logs: found by name and by uid, walked in the order of either, and what
 * they share: totals, the bound on the bytes of open chunks, and what becomes of
 * sealed ones.
 */
#pragma once

#include "machine/log.h"
#include "machine/machine.h"
#include "util/map.h"

struct logs {
    struct map *names;    /* name -> log */
    struct log **by_name; /* in order of names (memcmp, a prefix first) */
    struct log **by_uid;  /* in order of uids */
    size_t count;
    size_t room;
    uint64_t uid_last; /* the last one given */
    uint64_t entries;  /* sums of the same fields of struct log */
    uint64_t bytes;
    uint64_t chunks;      /* sealed ones in all logs */
    struct list open;     /* logs with an open chunk, by when it was opened */
    uint64_t opened_last; /* the last number of an opening */
    uint64_t open_bytes;  /* of all open chunks */
    struct list retained; /* logs with limits, in no order that shows */
    struct list changed;  /* logs that `digests` has otherwise, or not */
    struct tally digests; /* over all others */
    struct machine_limits limits;
    const struct machine_chunk_events *events; /* or NULL; borrowed */
    struct chunk_source kept; /* chunks of kept states; find may be NULL */
};

void logs_init(struct logs *logs, const struct machine_limits *limits);
void logs_close(struct logs *logs);
struct log *logs_find(const struct logs *logs, struct bytes name);
struct log *logs_find_uid(const struct logs *logs, uint64_t uid);
/* Index in by_name of the first log whose name is not before @name. */
size_t logs_find_name(const struct logs *logs, struct bytes name);

/* Takes @log, whose name is new and whose uid is above all present ones. Its
 * chunks count; an open one is not in the order of opening yet. */
void logs_insert(struct logs *logs, struct log *log);
/* Gives @log back to the caller. */
void logs_remove(struct logs *logs, struct log *log);
/* Puts @log, whose open chunk has its number, last in the order of opening. */
void logs_queue_open(struct logs *logs, struct log *log);
void logs_configure(struct logs *logs, struct log *log,
                    const struct retention *retention);
/* Something in @log is about to change, or may. */
void logs_touch(struct logs *logs, struct log *log);

/* As log_append(), log_trim() and log_retain(), keeping what is shared. An
 * append may seal chunks: the log's own at limits.chunk_bytes, and the longest
 * open ones while all together exceed limits.open_bytes; and a sealed chunk may
 * be merged with those before it: machine/merge.h. */
void logs_append(struct logs *logs, struct log *log,
                 const struct append_entry *entry, uint64_t time_ms);
void logs_trim(struct logs *logs, struct log *log, uint64_t before);
bool logs_retain(struct logs *logs, struct log *log, uint64_t time_ms,
                 bool age_suspended);

/* ---- For kept states ---- */

/* Seals all open chunks, and merges none. */
void logs_seal_all(struct logs *logs);
/* A @log of @logs gets @chunk, whose reference it takes, behind its chunks; its
 * digest becomes the chunk's chain. */
void logs_adopt(struct logs *logs, struct log *log, struct chunk *chunk);
/* Fills @to, which has none, with copies of the logs of @from, which have no open
 * chunks. The lists of chunks are shared. */
void logs_copy(struct logs *to, const struct logs *from);
/* Puts @log in the place of @old, of the same name and uid, which is freed. */
void logs_replace(struct logs *logs, struct log *old, struct log *log);
/* Exchanges all that the two have but limits, listeners and sources. */
void logs_swap(struct logs *a, struct logs *b);
/* The sealed chunk of that name, borrowed, or NULL. @ret_from, unless NULL, is the
 * chain before it. */
struct chunk *logs_find_named(const struct logs *logs,
                              const struct chunk_name *name,
                              const uint8_t **ret_from);
/* Tells who listens of @chunk, sealed, whose chain was @from before it. */
void logs_tell_sealed(const struct logs *logs, struct chunk *chunk,
                      const uint8_t from[HASH128_LEN]);

/* For who walks by_uid and reads all of each log: asks for the memory of those
 * that come after @index. A log is rarely in the processor's cache, and the walk
 * would else wait for it line by line: with 10,000 logs for 10 ms. */
static inline void logs_prefetch(const struct logs *logs, size_t index)
{
    const size_t near = 12;
    const size_t far = 28;
    const size_t line = 64;

    if (index + far < logs->count) {
        const char *at = (const char *)logs->by_uid[index + far];

        for (size_t i = 0; i < sizeof(struct log); i += line) {
            __builtin_prefetch(at + i);
        }
        __builtin_prefetch(logs->by_uid[index + near]->open);
        __builtin_prefetch(logs->by_uid[index + near]->sealed);
    }
}

/* The sealed chunks of all logs; a new reference. */
struct chunk_set *logs_chunks(const struct logs *logs);
