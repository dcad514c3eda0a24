/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A backup store over a fake disk, beside a machine with a chunk store on another
 * one (support/store_rig.h). The table is the rig's.
 */
#pragma once

#include "backup/backup_store.h"
#include "support/store_rig.h"

#define POOL_RIG_ROWS 16u

struct pool_rig {
    struct store_rig chunks;
    struct fake_disk *fake; /* the backup directory */
    struct backup_store *store;
    uint8_t cluster[PACK_CLUSTER_LEN];
    uint64_t scrub_bytes;
    uint64_t now_ms;
    uint64_t wall_ms;
    struct backup_row rows[POOL_RIG_ROWS]; /* the table */
    size_t count;
    uint64_t id_last; /* that it has given */
    unsigned changes; /* told */
};

/* Logs "a" and "b" with some sealed chunks each, on disk, and some open ones. */
void pool_rig_init(struct pool_rig *rig, uint64_t seed);
void pool_rig_close(struct pool_rig *rig);
/* The backup store alone ends, in order or by a crash, and comes back. */
void pool_rig_open(struct pool_rig *rig);
void pool_rig_stop(struct pool_rig *rig);
void pool_rig_crash(struct pool_rig *rig, enum fake_crash how);

/* As the machine does when COMMAND_BACKUP_CREATE is applied. */
void pool_rig_take(struct pool_rig *rig, const char *name);
void pool_rig_drop(struct pool_rig *rig, const char *name);
/* Entries of 600 bytes into "a". */
void pool_rig_append(struct pool_rig *rig, uint64_t count);

/* All works on both disks end. */
void pool_rig_drain(struct pool_rig *rig);
/* @ms go by, in steps of a quarter of a second. */
void pool_rig_run(struct pool_rig *rig, uint64_t ms);

/* NULL when there is none. */
const struct backup_info *pool_rig_info(const struct pool_rig *rig,
                                        const char *name);
bool pool_rig_is_verified(const struct pool_rig *rig, const char *name);
struct backup_store_status pool_rig_status(const struct pool_rig *rig);
/* The whole stream, read in pieces of @step. Not 0: what a read said. */
int pool_rig_stream(struct pool_rig *rig, const char *name, uint32_t step,
                    struct buf *ret);
/* Is @stream one that proves to be the backup of @row? */
bool pool_rig_proves(struct bytes stream, const struct backup_row *row);
/* What backup_store_verify() comes to. */
int pool_rig_verify(struct pool_rig *rig, const char *name,
                    struct backup_verify *ret);
/* Files whose names begin and end so. */
size_t pool_rig_files(const struct pool_rig *rig, const char *prefix,
                      const char *suffix);
/* The first pack's name; false: there is none. */
bool pool_rig_pack(const struct pool_rig *rig, char ret_name[DISK_NAME_MAX]);
