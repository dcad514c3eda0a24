/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Everything that can be said about the directory of a node that does not run,
 * for `quorlogd inspect`. Nothing is changed, nothing that is found is believed
 * further than its checksums reach, and memory does not depend on what files
 * claim: it is one segment, a little for each file and for each chunk, and what the
 * newest snapshot has.
 *
 *     inspect.c           what is there
 *     inspect_findings.c  what it means, and what to do
 *     inspect_entries.c   the entries of the raft log, one by one
 *     inspect_chunks.c    the files of the chunk store
 */
#pragma once

#include "consensus/identity.h"
#include "consensus/snapshot_dir.h"
#include "consensus/vote_file.h"
#include "consensus/wal_view.h"

#define INSPECT_TERMS_MAX 1024u /* of which the ranges are kept, the newest */
#define INSPECT_FINDINGS_MAX 32u
#define INSPECT_TEXT_MAX 640u
#define INSPECT_PACKS_MAX 16u /* damaged ones that are told by name */

/* Entries of one term, one behind the other. */
struct inspect_range {
    raft_index first;
    raft_index last;
    raft_term term;
};

/* Of the log as it is in the end, truncations done. */
struct inspect_terms {
    struct inspect_range items[INSPECT_TERMS_MAX];
    size_t count;
    raft_index dropped_last; /* what was too much ends there; 0: nothing */
};

/* One reading of the raft log. */
struct inspect_log {
    struct wal_report report;
    struct wal_view *segments;
    size_t segments_count;
    size_t segments_room;
    struct inspect_terms terms;
};

struct inspect_file {
    char name[DISK_NAME_MAX];
    uint64_t size;
};

enum inspect_weight {
    INSPECT_NOTE,    /* as it should be, or harmless */
    INSPECT_DAMAGE,  /* something is lost, or may be */
    INSPECT_UNUSABLE /* a node cannot start from this */
};

struct inspect_finding {
    enum inspect_weight weight;
    char text[INSPECT_TEXT_MAX]; /* sentences */
};

/* A file of chunks that is not as it should be. */
struct inspect_pack {
    char name[DISK_NAME_MAX];
    char text[ERR_TEXT_MAX]; /* why */
    bool refused;            /* not damaged: no start takes it */
};

/* What is in DIR/chunks, and what should be. */
struct inspect_chunks {
    int code;       /* 0: it was read; QL_NOT_FOUND: it is not there */
    uint64_t packs; /* files, */
    uint64_t bytes; /* of them */
    uint64_t chunks;
    uint64_t bad_chunks; /* of those */
    uint64_t rests;      /* files that were being written */
    struct inspect_pack bad[INSPECT_PACKS_MAX]; /* the first of them */
    size_t bad_count;                           /* how many there are, */
    size_t refused;       /* and of these no start takes */
    uint64_t aside;       /* files in quarantine, */
    uint64_t aside_bytes; /* of them */
    int named_code;       /* 0: what follows is known; QL_NOT_FOUND: there is no
                       snapshot; else why it is not */
    struct err named_err;
    uint64_t named;   /* chunks that the newest good snapshot names, */
    uint64_t missing; /* of them */
};

struct inspection {
    int identity_code; /* 0: identity is there; else why not */
    struct identity identity;
    struct err identity_err;

    int vote_code; /* likewise */
    struct vote_view vote;

    struct snapshot_view *snapshots; /* oldest first */
    size_t snapshots_count;
    size_t snapshots_room;

    struct inspect_log log; /* as much as can be read */
    /* What a start would find: in all of it, or if that is damaged or does not
     * reach there, behind the newest good snapshot. */
    struct wal_report needed;
    char damaged_at[DISK_NAME_MAX + 96]; /* anywhere, as wal_report.corrupt_at;
                                            "": nowhere */

    int doubt_code; /* 0: in doubt since doubt_term; QL_NOT_FOUND: it is not */
    raft_term doubt_term;

    struct inspect_file *aside; /* *.corrupt, *.suspect */
    size_t aside_count;
    size_t aside_room;
    struct inspect_file reserve;      /* name "": there is none */
    struct inspect_file reserve_rest; /* one that was being made */
    bool older_format;
    struct inspect_chunks chunks; /* see inspect_chunks() */

    struct inspect_finding findings[INSPECT_FINDINGS_MAX];
    size_t findings_count;
};

/* @ret zeroed; to be closed in every case. @disk is DIR/raft. Fills everything but
 * the identity, which the caller has read or not (@ret->identity_code), and then
 * the findings. QL_IO, QL_NO_MEMORY: it could not be read. */
int inspect_raft(struct inspection *ret, struct disk *disk, struct err *err);
/* What belongs to it in DIR/chunks, @chunks, and in the quarantine there, @aside;
 * NULL: it is not there. After inspect_raft(), of which @raft is the disk. Reads and
 * checks every byte. */
int inspect_chunks(struct inspection *ret, struct disk *raft,
                   struct disk *chunks, struct disk *aside, struct err *err);
void inspect_close(struct inspection *inspection);
/* The heaviest of the findings. */
enum inspect_weight inspect_weight(const struct inspection *inspection);
/* Index and term of the newest snapshot that is good; NULL: none. */
const struct snapshot_view *inspect_snapshot(
    const struct inspection *inspection);
/* 0: not known. */
raft_term inspect_term_of(const struct inspect_terms *terms, raft_index index);

/* ---- inspect_findings.c ---- */
void inspect_find(struct inspection *inspection);
/* One more, if there is room. */
void inspect_add(struct inspection *inspection, enum inspect_weight weight,
                 const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- inspect_entries.c ---- */
enum inspect_type {
    INSPECT_COMMANDS, /* a batch (machine/command.h) */
    INSPECT_BARRIER,  /* a new leader's first */
    INSPECT_MEMBERS,
    INSPECT_UNKNOWN
};

struct inspect_entry {
    uint64_t index;
    uint64_t term;
    enum inspect_type type;
    struct bytes payload; /* valid during the call */
};

/* Tells @each of the entries @first to @last that are in the log in the end, in
 * order, and goes on behind what is damaged, where there are gaps, and entries that
 * were truncated later where a truncation is damaged; reads the log twice. *ret_exact
 * false: there were so many truncations that what they took away is told, too. A
 * non-zero return ends it. @inspection is of the same disk. */
int inspect_entries(const struct inspection *inspection, struct disk *disk,
                    uint64_t first, uint64_t last,
                    int (*each)(void *data, const struct inspect_entry *entry),
                    void *data, bool *ret_exact, struct err *err);
struct inspect_member {
    uint64_t id;
    const char *address; /* valid during the call */
    bool voter;
};
/* Tells @each of what an entry of INSPECT_MEMBERS says. QL_CORRUPT. */
int inspect_members(struct bytes payload,
                    void (*each)(void *data,
                                 const struct inspect_member *member),
                    void *data, struct err *err);
