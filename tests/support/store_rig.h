/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A machine over a chunk store over a fake disk, with what stands around them in
 * a node: commands that survive a restart (the WAL), and snapshots of which two
 * are kept. Commands and snapshots are memory; only packs are on the disk.
 */
#pragma once

#include "store/chunk_store.h"
#include "support/driver.h"
#include "support/fake_disk.h"

#define STORE_RIG_STEPS_MAX 4096u
#define STORE_RIG_MISSING_MAX 64u

struct store_rig_step {
    enum { STEP_CREATE, STEP_APPEND, STEP_TRIM, STEP_DELETE } kind;
    char log[16];
    uint64_t count; /* entries, or the position to trim before */
    size_t len;     /* of each value */
};

struct store_rig_snapshot {
    struct buf image;
    uint64_t index; /* 0: none */
    size_t steps;   /* what it has of them */
};

struct store_rig {
    struct fake_disk *fake;
    struct chunk_store *store;
    struct driver driver;
    struct machine_limits limits;
    uint64_t now_ms;
    uint64_t cache_bytes;
    uint64_t scrub_bytes;
    uint8_t cluster[PACK_CLUSTER_LEN];
    struct store_rig_step steps[STORE_RIG_STEPS_MAX];
    size_t steps_count;
    struct store_rig_snapshot snapshots[2]; /* the newest first */
    struct store_rig_snapshot taking;       /* being flushed */
    struct chunk_flush flush;
    unsigned flushed; /* flushes that were called back */
    unsigned fatals;
    char reason[ERR_TEXT_MAX];
    struct chunk *missing[STORE_RIG_MISSING_MAX]; /* told, borrowed */
    size_t missing_count;
    size_t adopted_missing; /* what the last adopt said */
    bool is_deaf;           /* chunk_store_give_up() for what is missing */
};

/* Small chunks: sealed at 4 KiB, or when 16 KiB are open. */
void store_rig_init(struct store_rig *rig, uint64_t seed);
void store_rig_close(struct store_rig *rig);

/* Opens the store, restores the snapshot (0: the newest) if there is one and
 * replays what follows it. Not 0: what chunk_store_open() said. */
int store_rig_open(struct store_rig *rig, unsigned snapshot, struct err *err);
void store_rig_must_open(struct store_rig *rig);
/* The node ends in order, or crashes: store and machine are freed. */
void store_rig_stop(struct store_rig *rig);
void store_rig_crash(struct store_rig *rig, enum fake_crash how);

/* Steps, which are also kept for replay. */
void store_rig_create(struct store_rig *rig, const char *log);
void store_rig_append(struct store_rig *rig, const char *log, uint64_t count,
                      size_t len);
void store_rig_trim(struct store_rig *rig, const char *log, uint64_t before);
void store_rig_delete(struct store_rig *rig, const char *log);

bool store_rig_has_log(const struct store_rig *rig, const char *log);

/* Everything that is under way ends. */
void store_rig_drain(struct store_rig *rig);
/* A second passes, and then the same; likewise until nothing waits. */
void store_rig_tick(struct store_rig *rig);
void store_rig_settle(struct store_rig *rig);
/* Freezes, pins and flushes; it is stored when the flush is called back. */
void store_rig_begin_snapshot(struct store_rig *rig);
void store_rig_snapshot(struct store_rig *rig); /* and drains */

struct chunk_store_status store_rig_status(const struct store_rig *rig);
/* All chunks of the machine are here and give the chain in their names; how many
 * there are. */
size_t store_rig_prove(struct store_rig *rig);
/* Of any pack file; false when there is none. The first in order of names, from
 * @after on (NULL: all). */
bool store_rig_find_pack(const struct store_rig *rig, const char *after,
                         char ret_name[DISK_NAME_MAX]);
/* How many files there are whose names begin and end so. */
size_t store_rig_count(const struct store_rig *rig, const char *prefix,
                       const char *suffix);
