/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Term and vote: one file with two copies, written one after the other
 * (docs/formats.md, "Vote"). What was acknowledged is in both, so one damaged
 * copy loses nothing: the newer good one holds and the other is written again.
 * Two bad ones are corruption: the node must not vote.
 */
#pragma once

#include <raft.h>

#include "store/disk.h"

struct vote_file {
    struct disk *disk;
    struct disk_file *file;
    uint64_t changes;
    raft_term term;
    raft_id voted_for; /* 0: nobody in this term */
    bool repaired;     /* a copy was damaged when it was opened; say so */
};

/* QL_NOT_FOUND: there is none (a node that was initialised must have one).
 * QL_CORRUPT. Blocking, as all here. */
int vote_file_open(struct vote_file *ret, struct disk *disk, struct err *err);
/* Makes the file, visible when it is complete; refuses with QL_EXISTS. */
int vote_file_create(struct disk *disk, raft_term term, struct err *err);
/* What is there, good or not. */
struct vote_view {
    bool good[2]; /* the copies; the rest means something if one is good */
    raft_term term;
    raft_id voted_for;
};
/* Changes nothing; for inspection. @ret is written with QL_CORRUPT, too. */
int vote_file_view(struct disk *disk, struct vote_view *ret, struct err *err);
/* Changes nothing. */
int vote_file_read(struct disk *disk, raft_term *ret_term,
                   raft_id *ret_voted_for, struct err *err);
void vote_file_close(struct vote_file *file);
/* Durable on return. The term never falls; a vote is never changed within a
 * term (assert). Setting a larger term clears the vote. After a failure the
 * process must end: what is on disk is unknown. */
int vote_file_set_term(struct vote_file *file, raft_term term, struct err *err);
int vote_file_set_vote(struct vote_file *file, raft_id voted_for,
                       struct err *err);
/* Both in one change (a server that elects itself). */
int vote_file_set(struct vote_file *file, raft_term term, raft_id voted_for,
                  struct err *err);
