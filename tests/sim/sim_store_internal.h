/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the files of a simulated server's disk share. */
#pragma once

#include "consensus/raft_disk.h"
#include "sim/sim_full.h"
#include "store/chunk_store.h"
#include "support/fake_disk.h"

/* Small, so that a run goes through many. */
#define SIM_SEGMENT_BYTES (8u * DISK_BLOCK)

struct sim_store {
    struct fake_disk *fake;
    struct fake_disk *packs;    /* the directory of chunks */
    struct raft_disk *disk;     /* NULL: down */
    struct chunk_store *chunks; /* likewise, or it cannot be opened */
    struct chunk_fetch *fetch;  /* as chunks, like the next two */
    struct chunk_answers *answers;
    struct install *install;
    struct list sendings; /* answers on their way */
    struct list looks;    /* loaded chunks that somebody holds */
    bool steps;           /* of these are to come */
    unsigned ticks_over;  /* that there was too much in memory, in a row */
    bool silent;          /* the server is gone: nobody is told */
    bool flipped;         /* a bit, at any time: the damage may lie dormant */
    bool failed;          /* an operation on packs, once at least */
    bool damaged;         /* a copy of a chunk was ever found so */
    raft_term doubt_term; /* ends with an entry of a later one; 0: no doubt */
    bool full;
    bool ever_low; /* on space, as it found itself */
    bool made;
    struct raft_buffer *installed_bufs; /* the core forgets them at close */
};

/* ---- sim_store.c ---- */
/* A write failed. @data: struct sim_node. */
void sim_store_on_fatal(void *data, const char *reason);

/* ---- sim_fetch.c ---- */
/* @data: struct sim_node. */
void sim_fetch_missing(void *data, struct chunk *chunk);

/* ---- sim_look.c ---- */
/* Before the store is closed. */
void sim_look_close(struct sim_node *node);

/* ---- sim_store_io.c ---- */
void sim_store_fill_io(struct raft_io *io);
/* With that bias: something begins that takes about @span_ms. */
void sim_store_may_crash(struct sim_node *node, uint64_t span_ms);
