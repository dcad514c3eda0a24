/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the files of a simulated server's disk share. */
#pragma once

#include "consensus/raft_disk.h"
#include "sim/sim_full.h"
#include "support/fake_disk.h"

/* Small, so that a run goes through many. */
#define SIM_SEGMENT_BYTES (8u * DISK_BLOCK)

struct sim_store {
    struct fake_disk *fake;
    struct raft_disk *disk; /* NULL: down */
    bool silent;            /* the server is gone: nobody is told */
    bool flipped;           /* a bit, at any time: the damage may lie dormant */
    raft_term doubt_term;   /* ends with an entry of a later one; 0: no doubt */
    bool full;
    bool ever_low; /* on space, as it found itself */
    bool made;
    struct raft_buffer *installed_bufs; /* the core forgets them at close */
};

/* ---- sim_store_io.c ---- */
void sim_store_fill_io(struct raft_io *io);
