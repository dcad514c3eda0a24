/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Snapshots that are taken to free the disk, while appends are refused for want of
 * space: trims drop entries from the machine, but a file goes, and a segment of the
 * WAL with it, only when newer snapshots have replaced the two that are kept. So
 * two are taken at once when appends begin to be refused, for what the raft log
 * has piled up, and again when one would be smaller than the larger of the two by
 * an eighth. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct snapshot_squeeze {
    bool active;
    uint64_t
        held[2]; /* by the machine in the last two snapshots, the newer first */
};

/* After each entry. @low: appends are refused; @held: bytes of entries. True: a
 * snapshot is worth while. */
bool snapshot_squeeze_look(struct snapshot_squeeze *squeeze, bool low,
                           uint64_t held);
/* A snapshot of a machine that holds @held was begun, or one was installed. */
void snapshot_squeeze_on_begun(struct snapshot_squeeze *squeeze, uint64_t held);
