/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Term and vote: one file, two slots of one sector each, written in turn
 * (docs/formats.md, "Vote"). Each slot has a sequence number and a checksum; the
 * newer good one holds. A torn write damages only the slot being written, so
 * one bad slot whose neighbour is good is a torn write if it is the older or
 * blank, and corruption otherwise; two bad ones are corruption: the node must
 * not vote.
 */
#pragma once

#include <raft.h>

#include "consensus/disk.h"

struct vote_file {
    struct disk *disk;
    struct disk_file *file;
    uint64_t sequence;
    raft_term term;
    raft_id voted_for; /* 0: nobody in this term */
};

/* QL_NOT_FOUND: there is none (a node that was initialised must have one).
 * QL_CORRUPT. */
int vote_file_open(struct vote_file *ret, struct disk *disk, struct err *err);
/* Makes the file; refuses with QL_EXISTS. */
int vote_file_create(struct disk *disk, raft_term term, struct err *err);
void vote_file_close(struct vote_file *file);
/* Durable on return. The term never falls; a vote is never changed within a
 * term (assert). Setting a larger term clears the vote. */
int vote_file_set_term(struct vote_file *file, raft_term term,
                       struct err *err);
int vote_file_set_vote(struct vote_file *file, raft_id voted_for,
                       struct err *err);
