/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What `quorlogd recover` is given: the data directory of a node that does not run,
 * a backup that was exported to a file, or a manifest in a backup directory. All of
 * it is read and checked when it is opened, and nothing of it is changed. Blocking;
 * memory for one segment of the raft log, one pack, and a little for each chunk.
 *
 *     recover_source.c  what all kinds have in common
 *     recover_dir.c     a data directory
 *     recover_file.c    a backup
 *     recover_packs.c   a directory of packs
 */
#pragma once

#include "backup/backup_front.h"
#include "consensus/disk_reader.h"
#include "consensus/inspect.h"
#include "consensus/recover_result.h"
#include "machine/machine.h"

enum recover_kind { RECOVER_DIR, RECOVER_FILE, RECOVER_MANIFEST };

/* A good chunk that a source has. */
struct recover_have {
    struct chunk_name name;
    uint64_t at;  /* number of its pack; in a file the frame's offset */
    uint32_t row; /* in the front of a backup */
};

/* Members of the old cluster, as the newest configuration in the source says. */
struct recover_voters {
    size_t count;
    uint64_t ids[MEMBERS_MAX];
};

struct recover_source {
    char path[PATH_LEN_MAX];
    enum recover_kind kind;
    int code;                        /* 0: a state can be taken of it */
    struct err err;                  /* else why not */
    uint8_t cluster[CLUSTER_ID_LEN]; /* whose it is; zeros: not known */
    uint64_t index;                  /* of the last entry in its state */
    uint64_t term;                   /* of that; 0: a backup does not say */
    char damage[ERR_TEXT_MAX];       /* what of it is lost; "": nothing */
    uint64_t bad_chunks;             /* in files that are damaged */

    /* A directory: */
    bool has_identity;
    struct identity identity;
    bool has_mark;
    struct recover_mark *mark; /* NULL: it was not recovered from */
    bool in_doubt;           /* it lost entries that it may have acknowledged */
    uint64_t snapshot_index; /* 0: none */
    struct recover_voters voters;

    /* A backup: */
    struct backup_row row;
    bool has_result; /* it is what a recovery has made: */
    struct recover_result result;

    /* What it has of chunks, by name. */
    struct recover_have *have;
    size_t have_count;
    size_t have_room;

    /* Private. */
    int lock_fd;
    struct inspection *inspection;
    struct disk_reader *raft;  /* a directory's */
    struct disk_reader *packs; /* NULL: there are none */
    struct disk_reader *files; /* where the file or manifest is */
    struct disk_file *file;
    struct buf front; /* of a backup, whole and good */
    uint64_t pack;    /* whose front is in memory; 0: none */
    struct buf pack_front;
    struct buf frame;
};

/* Opens what @path is. QL_BUSY: a node uses it; QL_NOT_FOUND: it is nothing of
 * ours; QL_IO. What is damaged is no error: source->code, and what is good can
 * still help others. To be closed in every case. */
int recover_source_open(struct recover_source *ret, const char *path,
                        struct err *err);
void recover_source_close(struct recover_source *source); /* repeatable */

/* Of a directory: nobody else may read it either from now on, and its mark is read
 * again. QL_BUSY. */
int recover_source_claim(struct recover_source *source, struct err *err);

/* Its state, into a fresh machine; bytes of chunks that are sealed on the way are
 * in memory. Only when source->code is 0. */
int recover_source_restore(struct recover_source *source,
                           struct machine *machine, struct err *err);

/* Its chunk of that name, or NULL. */
const struct recover_have *recover_source_find(
    const struct recover_source *source, const struct chunk_name *name);
/* Its longest chunk of log @uid that begins at @first, or NULL. */
const struct recover_have *recover_source_longest(
    const struct recover_source *source, uint64_t uid, uint64_t first);
/* Appends its raw bytes to @ret, proven by the checksums of the file. @ret_row,
 * unless NULL, and the frame in source->frame are as they stand there. */
int recover_source_read(struct recover_source *source,
                        const struct recover_have *have, struct buf *ret,
                        struct pack_row *ret_row, struct err *err);

/* ---- For the kinds ---- */
int recover_dir_open(struct recover_source *source, struct err *err);
int recover_dir_claim(struct recover_source *source, struct err *err);
int recover_dir_restore(struct recover_source *source, struct machine *machine,
                        struct err *err);
int recover_file_open(struct recover_source *source, struct err *err);
int recover_file_restore(struct recover_source *source, struct machine *machine,
                         struct err *err);
/* The frame of a row of the front of an exported file, to source->frame. */
int recover_file_read(struct recover_source *source,
                      const struct recover_have *have, struct pack_row *ret_row,
                      struct err *err);
/* Reads all packs of source->packs; @cluster NULL: any. */
int recover_packs_open(struct recover_source *source, const uint8_t *cluster,
                       struct err *err);
int recover_packs_read(struct recover_source *source,
                       const struct recover_have *have,
                       struct pack_row *ret_row, struct err *err);
void recover_source_add(struct recover_source *source,
                        const struct chunk_name *name, uint64_t at,
                        uint32_t row);
