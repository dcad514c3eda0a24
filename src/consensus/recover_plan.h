/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Which of several sources a new cluster begins with, what it has then, and what is
 * lost. Of directories the one whose raft log ends with the last term, and of those
 * with the same the longest: of any majority of voters that one has all that was
 * ever acknowledged (Raft paper, 5.4.1). A directory comes before any backup.
 */
#pragma once

#include "consensus/recover_source.h"

#define RECOVER_SOURCES_MAX 16u

struct recover_plan {
    struct recover_source sources[RECOVER_SOURCES_MAX];
    size_t count;
    size_t best;         /* of them */
    struct identity old; /* of a directory; else only cluster and ancestors */
    /* Voters of the newest configuration in the best one: how many there are, and
     * of how many a whole directory is here. */
    size_t voters;
    size_t voters_here;
    struct machine *machine; /* the state that is taken; after
                                recover_plan_result() as it begins */
    /* Chunks that it names: */
    uint64_t chunks;
    uint64_t own;     /* in the best source, */
    uint64_t others;  /* only in others, */
    uint64_t missing; /* nowhere: */
    uint64_t missing_entries;
};

/* Opens all of @paths, chooses, and restores the state. QL_INVALID: they do not
 * belong together, or none can be used. To be closed in every case. */
int recover_plan_make(struct recover_plan *ret, const char *const *paths,
                      size_t count, struct err *err);
void recover_plan_close(struct recover_plan *plan);
/* Are there voters enough here, whole, that nothing that was ever acknowledged can
 * be missing in the best directory? */
bool recover_plan_has_quorum(const struct recover_plan *plan);

/* The state becomes that of the new cluster of @members. With a source that is a
 * result already that one, and QL_INVALID when it has other members. Once. */
int recover_plan_result(struct recover_plan *plan, const struct member *members,
                        size_t count, struct recover_result *ret,
                        struct err *err);

/* Counts the chunks. */
void recover_plan_count(struct recover_plan *plan);
/* The raw bytes of @chunk, into @ret, proven against its name; @from is the chain
 * before it. QL_NOT_FOUND: no source has them. */
int recover_plan_bytes(struct recover_plan *plan, const struct chunk *chunk,
                       const uint8_t from[HASH128_LEN], struct buf *ret,
                       struct err *err);
/* Appends the bytes of all open chunks, in the order of logs by uid. */
void recover_plan_open_bytes(const struct recover_plan *plan, struct buf *ret);
