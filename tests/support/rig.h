/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A service over a fake node that leads a cluster of three, on a loop of its
 * own. */
#pragma once

#include <uv.h>

#include "consensus/identity.h"
#include "service/service.h"
#include "support/fake_node.h"

struct rig {
    uv_loop_t loop;
    struct identity identity; /* node 1 of 1, 2, 3 */
    struct node *node;
    struct service *service;
};

void rig_open(struct rig *rig);
/* All channels must be closed. Fails when a handle is left on the loop. */
void rig_close(struct rig *rig);
/* Runs the loop until the node has nothing to do. */
void rig_settle(struct rig *rig);
/* Applies a command with the params written in notation, as a node that follows
 * does. Returns the outcome's code. */
int rig_replicate(struct rig *rig, enum command_kind kind, const char *params);

/* Entries of RIG_ENTRY_BYTES reach the log "orders"; RIG_CHUNK_ENTRIES of them make
 * a chunk. */
#define RIG_ENTRY_BYTES 100000u
#define RIG_CHUNK_ENTRIES 11u
void rig_fill_log(struct rig *rig, int count);
/* The machine gets its own state back as another node's, as when a snapshot is
 * installed: no sealed chunk has its bytes in memory. */
void rig_restore(struct rig *rig);
