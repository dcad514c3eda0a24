/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A backup store over a fake disk, beside a machine with a chunk store on another
 * one (support/store_rig.h). The table is the rig's.
 */
#pragma once

#include "backup/backup_store.h"
#include "support/store_rig.h"

#define BACKUP_RIG_ROWS 16u

struct backup_rig {
    struct store_rig chunks;
    struct fake_disk *fake; /* the backup directory */
    struct backup_store *store;
    uint8_t cluster[PACK_CLUSTER_LEN];
    uint64_t scrub_bytes;
    uint64_t now_ms;
    uint64_t wall_ms;
    struct backup_row rows[BACKUP_RIG_ROWS]; /* the table */
    size_t count;
    unsigned changes; /* told */
};

/* Logs "a" and "b" with some sealed chunks each, on disk, and some open ones. */
void backup_rig_init(struct backup_rig *rig, uint64_t seed);
void backup_rig_close(struct backup_rig *rig);
/* The backup store alone ends, in order or by a crash, and comes back. */
void backup_rig_open(struct backup_rig *rig);
void backup_rig_stop(struct backup_rig *rig);
void backup_rig_crash(struct backup_rig *rig, enum fake_crash how);

/* As the machine does when COMMAND_BACKUP_CREATE is applied. */
void backup_rig_take(struct backup_rig *rig, const char *name);
void backup_rig_drop(struct backup_rig *rig, const char *name);
/* Entries of 600 bytes into "a". */
void backup_rig_append(struct backup_rig *rig, uint64_t count);

/* All works on both disks end. */
void backup_rig_drain(struct backup_rig *rig);
/* @ms go by, in steps of a quarter of a second. */
void backup_rig_run(struct backup_rig *rig, uint64_t ms);

/* NULL when there is none. */
const struct backup_info *backup_rig_info(const struct backup_rig *rig,
                                          const char *name);
bool backup_rig_is_verified(const struct backup_rig *rig, const char *name);
struct backup_store_status backup_rig_status(const struct backup_rig *rig);
/* The whole stream, read in pieces of @step. Not 0: what a read said. */
int backup_rig_stream(struct backup_rig *rig, const char *name, uint32_t step,
                      struct buf *ret);
/* Is @stream one that proves to be the backup of @row? */
bool backup_rig_proves(struct bytes stream, const struct backup_row *row);
/* What backup_store_verify() comes to. */
int backup_rig_verify(struct backup_rig *rig, const char *name,
                      struct backup_verify *ret);
/* Files whose names begin and end so. */
size_t backup_rig_files(const struct backup_rig *rig, const char *prefix,
                        const char *suffix);
/* The first pack's name; false: there is none. */
bool backup_rig_pack(const struct backup_rig *rig,
                     char ret_name[DISK_NAME_MAX]);
