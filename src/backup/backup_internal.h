/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the files of the backup store share. Who is who:
 *
 *   backup_store.c    open, free, tick, the table, what there is
 *   backup_entry.c    one backup
 *   backup_chore.c    one thing after the other on a thread; trouble
 *   backup_scan.c     what is in the directory
 *   backup_jobs.c     what is to be written
 *   backup_job.c      a backup that is being written: backup_copy.c gathers its
 *                     chunks, backup_make.c makes the files
 *   backup_plan.c     which chunks the pool has already
 *   backup_index.c    the same for one chunk at a time
 *   backup_remove.c   what has left the table, and packs that nothing names
 *   backup_check.c    one file is read again; backup_scrub.c all by and by,
 *                     backup_verify.c those of one backup
 *   backup_checked.c  the note of what was read when
 *   backup_read.c     fronts, chunks and pieces of streams
 *
 * All on the loop thread, but for functions that say otherwise.
 */
#pragma once

#include "backup/backup_manifest.h"
#include "backup/backup_pool.h"
#include "backup/backup_store.h"
#include "util/list.h"

/* ---- Chores: all that changes the directory, one at a time ---- */

struct backup_chore {
    struct disk_work work; /* first */
    struct list link;      /* store->chores, or alone */
    struct backup_store *store;
    /* When its turn comes. False: there is nothing to do, it ends with
     * QL_CANCELED. May be NULL. */
    bool (*prepare)(struct backup_chore *chore);
    int (*run)(struct backup_chore *chore); /* off the loop */
    void (*ended)(struct backup_chore *chore, int status);
    struct err err; /* of run, when it fails */
    bool is_empty;
};
void backup_chore_add(struct backup_store *store, struct backup_chore *chore);
void backup_chores_kick(struct backup_store *store);

/* Something in the directory failed with @code: told, counted, and tried again
 * later; after what may mean that the directory is another one now it is looked at
 * anew. */
void backup_trouble(struct backup_store *store, int code, const char *text);
void backup_no_trouble(struct backup_store *store);
/* The directory is looked at again; until then nothing is read or written. */
void backup_look_anew(struct backup_store *store);
bool backup_is_waiting(const struct backup_store *store);
/* backup_store_infos() will say something else; on_changed hears of it with the
 * next turn. */
void backup_changed(struct backup_store *store);

/* ---- Backups ---- */

struct backup_entry {
    struct list link; /* store->entries, ->strays or ->gone */
    struct backup_row row;
    bool in_table;
    bool has_file;
    bool repair_failed; /* from this node's own chunks, since the last look */
    uint64_t stray_ms; /* when it was first found to be deleted; 0: it is not */
    int code;          /* what is wrong with the file */
    char error[BACKUP_ERROR_MAX + 1];
    uint64_t file_len;
    uint64_t new_bytes;
    uint64_t stored_bytes;   /* of frames */
    uint64_t checked_ms;     /* of the manifest file */
    uint8_t tries;           /* as of a pack */
    struct backup_runs runs; /* counted in the pool while it has a file */
};
struct backup_entry *backup_entry_new(const struct backup_row *row);
void backup_entry_free(struct backup_entry *entry);
void backup_entry_set_error(struct backup_entry *entry, int code,
                            const char *text);
/* The file of @entry, which has one, is @file's; takes its runs. */
void backup_entry_set_file(struct backup_store *store,
                           struct backup_entry *entry,
                           struct backup_entry *file);
/* It has none any more. */
void backup_entry_drop_file(struct backup_store *store,
                            struct backup_entry *entry);
void backup_entries_sweep(struct backup_store *store);
/* Fills in whose it is. */
void backup_row_own(const struct backup_store *store, struct backup_row *row);
/* Out of a list of them; NULL when it is not there. */
struct backup_entry *backup_entry_take(struct list *entries,
                                       const struct backup_row *row);
/* In the table or a stray; NULL. */
struct backup_entry *backup_entry_of(const struct backup_store *store,
                                     const char *name);
enum backup_state backup_entry_state(const struct backup_store *store,
                                     const struct backup_entry *entry,
                                     uint64_t *ret_verified_ms);
/* The newest whole one, or NULL: whose chunks are used again. */
struct backup_entry *backup_base(const struct backup_store *store);

/* ---- Jobs (backup_jobs.c) ---- */

struct backup_job;
/* Begins or goes on with the first one. */
void backup_jobs_go(struct backup_store *store);
/* All begin from the start. */
void backup_jobs_restart(struct backup_store *store);
/* Ends those for backups that are not in the table any more. */
void backup_jobs_purge(struct backup_store *store);
void backup_jobs_free(struct backup_store *store);
/* Is one there for that backup, and is it being written? */
bool backup_jobs_has(const struct backup_store *store,
                     const struct backup_row *row, bool *ret_runs);
/* Gives up those from views, as backup_store_relieve() says; was there one? */
bool backup_jobs_relieve(struct backup_store *store);
void backup_jobs_count(const struct backup_store *store,
                       struct backup_store_status *ret);
/* @entry has a pack that is bad: made anew, if its chunks are on this node. */
void backup_repair(struct backup_store *store, struct backup_entry *entry);

/* ---- The others ---- */

void backup_scan_begin(struct backup_store *store);
void backup_scan_free(struct backup_store *store);
/* Has those go that were deleted while this node was away. */
void backup_strays_tick(struct backup_store *store);
void backup_remove_begin(struct backup_store *store);
void backup_remove_free(struct backup_store *store);
void backup_scrub_tick(struct backup_store *store);
void backup_scrub_free(struct backup_store *store);
void backup_verifies_tick(struct backup_store *store);
void backup_verifies_free(struct backup_store *store);
void backup_reads_free(struct backup_store *store);
void backup_checked_tick(struct backup_store *store);
void backup_checked_free(struct backup_store *store);
struct backup_index;
void backup_index_tick(struct backup_store *store);
/* What it says may be wrong now. */
void backup_index_drop(struct backup_store *store);
void backup_index_free(struct backup_store *store);

struct backup_store {
    struct backup_store_options options; /* where: our copy; no ancestors */
    uint8_t *ids;                        /* owner.ids */
    struct backup_owner owner;
    uint64_t now_ms; /* of the last tick */
    uint64_t wall_ms;
    bool is_stopped;

    struct list chores;
    struct backup_chore *chore; /* under way, or NULL */

    bool is_ready;    /* looked at, and no trouble since */
    bool is_readable; /* looked at; what is there may be read, at least */
    bool has_table;   /* set_table() was called */
    uint64_t id_last; /* of the table */
    bool
        pins_all; /* a manifest that may be ours cannot be read: no pack goes */
    struct backup_chore *scan; /* queued or under way, or NULL */
    uint64_t retry_ms;         /* nothing is tried before; 0: no trouble */
    uint64_t delay_ms;         /* the last one */
    int trouble;               /* its code; 0: none */
    char problem[BACKUP_ERROR_MAX + 1];
    char strange[BACKUP_ERROR_MAX + 1]; /* of files that are not ours */
    struct backup_store_status counts;  /* what is counted as it happens */

    struct list entries; /* of the table, in its order */
    struct list strays;  /* files without a row, by name */
    struct list gone;    /* files whose row has left the table */
    struct backup_pool pool;
    struct backup_info *infos;
    size_t infos_count;
    bool is_stale;    /* infos */
    bool has_changed; /* to be told */

    struct list jobs; /* struct backup_job; the first is under way */
    struct backup_chore *removal; /* queued or under way, or NULL */
    struct list verifies; /* struct verify_work; the first is under way */
    struct list reads;    /* struct read_chore, works under way */
    unsigned reads_count;
    struct backup_scrub *scrub;
    struct backup_index *index;
    struct backup_note *note; /* being written, or NULL */
    bool has_checks;          /* that are not noted */
    uint64_t noted_ms;
};
