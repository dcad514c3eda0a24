/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A node's backup directory. A backup is a manifest, NAME.manifest (backup_front.h,
 * backup_locations.h and the frame of the open chunks), over packs in chunks/,
 * which are copies: of each chunk one, however many backups name it. Which backups
 * there should be the replicated table says; this makes the directory follow it.
 *
 * Nothing that goes wrong in the directory is fatal, and no append waits for it: a
 * full, read-only or vanished disk is a problem that is told, and tried again with
 * a growing delay. BACKUP_SPARE_BYTES of it are left free. A kill or a loss of power at any moment leaves whole backups or
 * none of it: packs come first, then the manifest; each is written aside, synced,
 * renamed, and read back before it counts.
 *
 * What it did not make it does not touch: a manifest is its own only if the header
 * says so (this cluster's directory, and the name in it is the file's), a pack
 * likewise; links and what is no ordinary file are told of and left alone.
 *
 * Everything here is of the loop thread and does not block; callbacks come later,
 * never from inside a call of this header but backup_store_tick().
 */
#pragma once

#include <stdbool.h>

#include "machine/machine.h"
#include "store/chunk_store.h"
#include "store/disk.h"
#include "wire/args_backup.h"
#include "wire/backup_state.h"

struct backup_store;

struct backup_store_options {
    /* Its root is the directory; works may run side by side. It is renewed
     * (disk_ops.renew) before it is looked at and after trouble, so that it may be
     * missing when the node starts. Stays the caller's. */
    struct disk *disk;
    /* Where the bytes of a view's chunks come from; outlives this. */
    struct chunk_store *chunks;
    const char *where; /* the directory, for messages; copied */
    uint8_t cluster[PACK_CLUSTER_LEN];
    /* Clusters that this one descends from, PACK_CLUSTER_LEN bytes each; copied:
     * what their nodes wrote here counts as our own. */
    const uint8_t *ancestors;
    size_t ancestors_count;
    uint64_t scrub_bytes; /* read again in a second; 0: no scrub */
    /* What backup_store_infos() or _status() say has changed. May be NULL. */
    void (*on_changed)(void *data);
    void *data;
};

/* Looks at the directory with the first tick. Never fails. */
struct backup_store *backup_store_open(
    const struct backup_store_options *options);
/* Begins nothing any more; callbacks that are due may still come. */
void backup_store_stop(struct backup_store *store);
/* Is a work under way? */
bool backup_store_is_busy(const struct backup_store *store);
/* Nothing is under way (or a disk that died has forgotten it). Views and
 * requests that were not called back are freed and forgotten. Before the chunk
 * store goes. Fine with NULL. */
void backup_store_free(struct backup_store *store);
/* Some times in a second: @now_ms is monotonic, @wall_ms the time of day. */
void backup_store_tick(struct backup_store *store, uint64_t now_ms,
                       uint64_t wall_ms);

/* The disk of the chunk store is low on space. When backups cannot be written now,
 * or a chunk is not to be had, those that wait are given up: each keeps its chunks there, also what was trimmed
 * since, and what it has written so far may take the same disk. They are missing
 * then, and fetched from a peer that has them. */
void backup_store_relieve(struct backup_store *store);

/* What was to be written last found no room, and waits for its next try. */
bool backup_store_lacks_room(const struct backup_store *store);
/* There may be some now: with the next tick. */
void backup_store_try_again(struct backup_store *store);

/* ---- What there should be ---- */

/* This node is to write the backup of @row, which is about to come into the
 * table, from @view (machine_freeze_logs(); taken). At most BACKUPS_PENDING_MAX
 * wait, each of which keeps its chunks alive: another one makes the oldest be
 * given up, and a peer is asked for it then. */
void backup_store_begin(struct backup_store *store,
                        const struct backup_row *row, struct view *view);
/* The table as it is now, copied: to be called after every change of it, and after
 * each restore of the machine. The files of a row that was in the table and has
 * left it are removed. Those of this cluster that were never in a table since the
 * start are told of as ones without a row: one with an id above @id_last, the last
 * that the table has given, is kept, as a node that has an old state must not delete
 * what is newer; any other was deleted while the node was away, and goes after
 * BACKUP_STRAY_MS, in which an import that brings it has its row. */
void backup_store_set_table(struct backup_store *store,
                            const struct backup_row *rows, size_t count,
                            uint64_t id_last);

/* ---- From elsewhere ---- */

/* Has the pool a good copy of that chunk, as far as the newest whole backup tells?
 * What it knows for this (some 16 bytes for each of that backup's chunks) is read
 * when it is first asked, and forgotten when nobody asks any more; until then it
 * says no. */
bool backup_store_has_chunk(struct backup_store *store,
                            const struct chunk_facts *facts);

struct backup_adopt;
typedef void (*backup_adopt_cb)(struct backup_adopt *adopt, int status);
struct backup_adopt {
    struct list link; /* the store's */
    void *work;       /* the store's */
    backup_adopt_cb cb;
    void *data;     /* the caller's */
    struct err err; /* behind a status that is not 0 */
};
/* The file @file of the directory is a stream that was verified, but for chunks
 * that are in the pool: there it may have anything. Makes packs of those that the
 * pool lacks, and the manifest of @row, whatever row the stream has. @cb: 0, it is
 * durable, and the file may go; QL_NOT_FOUND: a chunk is neither in the pool nor in
 * the file; QL_EXISTS: something else has the name; QL_NO_SPACE, QL_IO: it may be
 * tried again. QL_BUSY is returned at once above BACKUP_ADOPTS_MAX or before the
 * directory has been looked at. */
int backup_store_adopt(struct backup_store *store, struct backup_adopt *adopt,
                       const char *file, const struct backup_row *row,
                       backup_adopt_cb cb);
/* Forgets one that was not called back; the file may still be read for a while. */
void backup_store_adopt_cancel(struct backup_adopt *adopt);

/* ---- What there is ---- */

struct backup_info {
    struct backup_row row;
    bool in_table; /* false: a file without a row; an operator may delete it */
    /* BACKUP_WAITING also: the files are there, but not all have been read since
     * it was forgotten when; the scrub does that first. */
    enum backup_state state;
    /* In the table, not whole here, and not to be had from this node's own chunks:
     * a peer should give it. */
    bool wants_fetch;
    uint64_t verified_at_ms; /* wall clock: the oldest check of what it is made
                                of; 0: not all was */
    uint64_t new_bytes; /* raw, of chunks that were new when it was written */
    uint64_t stored_bytes; /* its manifest and all frames it names */
    int code;              /* why it is not whole; 0: nothing to say */
    char error[BACKUP_ERROR_MAX + 1]; /* a sentence, or "" */
};
/* Rows of the table in their order, then files without a row by name. Valid until
 * the next turn of the loop, or the next call with @store. */
const struct backup_info *backup_store_infos(const struct backup_store *store,
                                             size_t *ret_count);
/* NULL when there is none. As above. */
const struct backup_info *backup_store_find(const struct backup_store *store,
                                            const char *name);

struct backup_store_status {
    bool is_ready;             /* the directory has been looked at */
    uint64_t last_success_ms;  /* wall clock: when one was last written or taken
                                 in here, since the start; 0: never */
    uint64_t last_verified_ms; /* the newest whole backup's verified_at_ms */
    uint64_t failures;         /* tries that failed, since the start */
    uint64_t saved;            /* whole backups that are in the table */
    uint64_t waiting;          /* views that wait or are being written */
    uint64_t done_bytes;       /* raw, of the backup being written */
    uint64_t total_bytes;
    uint64_t packs;
    uint64_t pool_bytes;  /* of all pack files */
    uint64_t damaged;     /* packs and manifests found bad since the start */
    uint64_t quarantined; /* files set aside since the start */
    uint64_t scrub_bytes; /* read by the scrub since the start */
    const char *problem;  /* a sentence, or ""; valid until the next turn */
    const char *where;    /* the directory; as long as the store */
};
void backup_store_get_status(const struct backup_store *store,
                             struct backup_store_status *ret);

/* ---- Checking ---- */

struct backup_verify;
typedef void (*backup_verify_cb)(struct backup_verify *verify, int status);
struct backup_verify {
    struct list link; /* the store's */
    void *work;       /* the store's */
    backup_verify_cb cb;
    void *data; /* the caller's */
    /* Filled as it goes on; whole in a callback with 0. */
    uint64_t chunks;
    uint64_t bytes; /* of files */
    uint64_t entries;
    struct err err; /* behind a status that is not 0 */
};
/* Reads the manifest and every pack that it names from the disk, some at a time,
 * and checks all there is to check. QL_CORRUPT: it is damaged, and known as that
 * from now on. QL_NOT_FOUND. QL_BUSY is returned at once above BACKUP_VERIFIES_MAX
 * or before the directory has been looked at. Costs some 40 MB for 300,000 chunks
 * while it lasts. */
int backup_store_verify(struct backup_store *store,
                        struct backup_verify *verify, const char *name,
                        backup_verify_cb cb);
/* Forgets one that was not called back. */
void backup_store_verify_cancel(struct backup_verify *verify);

/* ---- Reading ---- */

struct backup_read;
typedef void (*backup_read_cb)(struct backup_read *read, int status);
struct backup_read {
    struct list link; /* the store's */
    void *work;       /* the store's */
    backup_read_cb cb;
    void *data; /* the caller's */
    /* Of the answer, during a callback with 0. */
    struct bytes bytes;        /* the front, the frame or the piece */
    uint8_t row[PACK_ROW_LEN]; /* of a chunk */
    uint8_t tag[HASH128_LEN];  /* of the stream: see backup_front_tag() */
    uint64_t total;            /* bytes in it */
    struct err err;            /* behind a status that is not 0 */
};
/* All of these: QL_NOT_FOUND when this node has no such backup, whole or not;
 * QL_CORRUPT when what is asked for is damaged; QL_IO when the disk refuses;
 * QL_BUSY is returned at once above BACKUP_READS_MAX or before the directory has
 * been looked at. */

/* Its front, whole and checked: backup_front_check(). In memory for as long as the
 * callback lasts: some 60 MB for 300,000 chunks. */
int backup_store_read_front(struct backup_store *store,
                            struct backup_read *read, const char *name,
                            backup_read_cb cb);
/* Chunk @number in the order of the front's rows: its row (where the frame's
 * offset is that in the stream) and its frame, which was proven to give bytes with
 * the row's hash. QL_NOT_FOUND also when there is no such row. */
int backup_store_read_chunk(struct backup_store *store,
                            struct backup_read *read, const char *name,
                            uint32_t number, backup_read_cb cb);
/* @len bytes (1 to EXPORT_BYTES_MAX) of its stream, fewer only at the end; none
 * from there on. Frames were checked against their rows. Where the tag is another
 * than before, the stream was made anew: begin again. */
int backup_store_read_stream(struct backup_store *store,
                             struct backup_read *read, const char *name,
                             uint64_t offset, uint32_t len, backup_read_cb cb);
/* Forgets one that was not called back. */
void backup_store_read_cancel(struct backup_read *read);
