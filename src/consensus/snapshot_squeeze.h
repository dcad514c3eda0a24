/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Snapshots and room on the disk. Pure.
 *
 * Trims drop entries from the machine, but a file goes, and segments of the WAL
 * with it, only when newer snapshots have replaced the two that are kept. So while
 * appends are refused for want of space a snapshot is taken as soon as it would be
 * smaller than the larger of the two by an eighth; twice, until both are.
 *
 * The next snapshot needs room before one of the two goes; where there is none the
 * older one goes first (raft_disk_snapshot.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Of the last two snapshots, the newer first; zeros: there is none. After a start
 * the older one, of which nothing is known, is taken for as large as the newer. */
struct snapshot_squeeze {
    uint64_t held[2]; /* bytes of entries that the machine had */
    uint64_t size[2]; /* of the file */
};

/* The machine holds @held now. */
bool snapshot_squeeze_is_due(const struct snapshot_squeeze *squeeze,
                             uint64_t held);
/* What the two that follow take at most beyond the two that are kept, when @bytes
 * have come since the last. Both will be as large as the machine is now: snapshots
 * go on when it grows no more, as what is refused is in the raft log, too. */
uint64_t snapshot_squeeze_needs(const struct snapshot_squeeze *squeeze,
                                uint64_t bytes);
/* A snapshot of a machine that holds @held was taken. */
void snapshot_squeeze_on_taken(struct snapshot_squeeze *squeeze, uint64_t held,
                               uint64_t size);
/* One was loaded or installed. */
void snapshot_squeeze_on_restored(struct snapshot_squeeze *squeeze,
                                  uint64_t held, uint64_t size);
