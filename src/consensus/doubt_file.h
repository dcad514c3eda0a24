/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The mark of a node that has lost entries it may have acknowledged
 * (docs/formats.md, "Doubt"). While it is there the node neither votes nor
 * stands for election. It holds the term the node was in: every leader of a
 * later term was elected without this node, and so by voters that still have all
 * that was committed (Leader Completeness, Raft paper 5.4.3). An entry of such a
 * leader in the own log means that everything before it is there again.
 */
#pragma once

#include <raft.h>

#include "store/disk.h"

/* QL_NOT_FOUND: no doubt. QL_CORRUPT: there is a mark, of no known term. */
int doubt_file_load(struct disk *disk, raft_term *ret_term, struct err *err);
/* Durable on return, as all here. Replaces the one before. */
int doubt_file_store(struct disk *disk, raft_term term, struct err *err);
/* Fine when there is none. */
int doubt_file_remove(struct disk *disk, struct err *err);
