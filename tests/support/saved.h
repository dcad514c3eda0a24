/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Backups and recoveries of a driven machine (support/driver.h). A struct saved is
 * what a backup store would have: a machine restored from the image of the logs
 * alone, with all bytes.
 */
#pragma once

#include "machine/machine_parts.h"
#include "support/driver.h"

struct saved {
    struct machine *machine;
    struct backup_row row; /* as it was told */
};

/* Applies COMMAND_BACKUP_CREATE and keeps what a node would. */
void saved_take(struct saved *ret, struct driver *driver, const char *name);
void saved_close(struct saved *saved);

/* How chunks are brought. */
enum saved_way {
    SAVED_REFS,  /* those that the state has by name */
    SAVED_BYTES, /* all by their bytes */
};
/* Begins a draft and fills it, up to the end. Returns the first code that is not
 * 0. */
int saved_stage(const struct saved *saved, struct driver *driver,
                enum saved_way way);
/* The same in steps; false when there is none left. */
struct saved_steps {
    const struct saved *saved;
    enum saved_way way;
    uint64_t draft; /* 0: to be begun */
    uint64_t seq;
    size_t log;   /* index in order of uids */
    size_t chunk; /* in it; the log's record goes before, its end behind */
    bool in_log;
    bool ended;
    int code; /* of the last step */
};
bool saved_step(struct saved_steps *steps, struct driver *driver);

/* The raw bytes of a chunk that are in memory, maybe in parts; appended. */
void saved_bytes(const struct chunk *chunk, struct buf *ret);

/* Each applies one command and returns the outcome's code. */
int driver_backup(struct driver *driver, const char *name);
int driver_backup_delete(struct driver *driver, const char *name, uint64_t id);
int driver_backup_add(struct driver *driver, const struct backup_row *row);
int driver_begin(struct driver *driver, const char *source, uint64_t edit_of,
                 uint64_t revision);
int driver_load(struct driver *driver, uint64_t draft, uint64_t seq,
                struct buf *record); /* closes it */
int driver_end(struct driver *driver, uint64_t draft, uint64_t seq,
               uint64_t deleted);
int driver_unload(struct driver *driver, bool undo);
/* What is staged now, whatever it is. */
int driver_commit(struct driver *driver, uint64_t operation);
int driver_commit_args(struct driver *driver,
                       const struct recovery_commit_args *args);
int driver_undo(struct driver *driver, uint64_t operation);
