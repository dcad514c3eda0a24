/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A chunk store over a fake disk, kept by a machine whose chunks are small: four
 * entries of CHUNK_RIG_ENTRY bytes seal one, and it is merged no more.
 */
#pragma once

#include "store/chunk_store.h"
#include "support/driver.h"
#include "support/fake_disk.h"

#define CHUNK_RIG_ENTRY 1000u
#define CHUNK_RIG_ENTRIES 4u /* of them in a chunk */
#define CHUNK_RIG_LEN 4096u  /* and its raw bytes */
#define CHUNK_RIG_PARTS 7u
#define CHUNK_RIG_OPEN 1024u
#define CHUNK_RIG_MISSING 64u

struct chunk_rig {
    struct driver driver;
    struct machine_limits limits;
    struct fake_disk *fake;
    struct chunk_store *store;
    uint64_t cache_bytes;
    uint64_t scrub_bytes;
    uint64_t now_ms;
    size_t missing; /* told of */
    struct chunk *absent[CHUNK_RIG_MISSING];
    unsigned fatals;
    bool is_calling; /* a call of the store is on the stack */
};

/* Set cache_bytes, scrub_bytes, and limits.open_bytes if it is to be another;
 * all else is zero. */
void chunk_rig_open(struct chunk_rig *rig);
void chunk_rig_close(struct chunk_rig *rig);
/* Ends all works, and those that they begin. */
void chunk_rig_settle(struct chunk_rig *rig);
/* Time goes on, and all works end. */
void chunk_rig_tick(struct chunk_rig *rig, uint64_t ms);
/* @count entries of @len bytes, none like another; log "a" is made by open. */
void chunk_rig_append(struct chunk_rig *rig, const char *log, size_t count,
                      size_t len);
/* Until all that is sealed is on disk, and merged. */
void chunk_rig_flush(struct chunk_rig *rig);
/* @chunks chunks of log "a" on disk, none in memory. */
void chunk_rig_fill(struct chunk_rig *rig, size_t chunks);
/* Log "a" gets a chunk that is a merge of CHUNK_RIG_PARTS; they are on disk, it is
 * not. For limits.open_bytes of CHUNK_RIG_OPEN. */
struct chunk *chunk_rig_merge(struct chunk_rig *rig);
/* The chunk of log "a" that has @position. */
struct chunk *chunk_rig_chunk(struct chunk_rig *rig, uint64_t position);
/* The file that @chunk lies in. */
const char *chunk_rig_file(const struct chunk *chunk);
/* Are the bytes in memory, and the right ones? */
bool chunk_rig_is_good(struct chunk_rig *rig, struct chunk *chunk);
/* Asks @peer for each chunk told of as missing and supplies it. */
void chunk_rig_heal(struct chunk_rig *rig, struct chunk_rig *peer);
/* Loads and ends at once. The status. */
int chunk_rig_load(struct chunk_rig *rig, struct chunk *chunk);
/* Is there a file in quarantine? */
size_t chunk_rig_quarantined(struct chunk_rig *rig);
struct chunk_store_status chunk_rig_status(struct chunk_rig *rig);
