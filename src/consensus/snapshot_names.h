/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How files of snapshots are named: by the raft index. */
#pragma once

#include <raft.h>

#include "store/disk.h"

struct snapshot_names {
    raft_index *items; /* rising; heap, the caller's to free() */
    size_t count;
    size_t room;
    bool no_memory;
};

/* Those that are there. */
int snapshot_names_list(struct disk *disk, struct snapshot_names *ret,
                        struct err *err);
void snapshot_name(raft_index index, char ret_name[DISK_NAME_MAX]);
