/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What becomes one pack, from the loop to a work thread and back. The thread reads
 * what is written here and what chunks are while sealed (facts, shared bytes), and
 * leaves results.
 */
#pragma once

#include "store/chunk_gather.h"
#include "store/chunk_store_internal.h"

struct batch_entry {
    struct store_item *item; /* the loop's; the thread may read row and frame */
    struct chunk_facts facts;
    struct chunk_share share;   /* ITEM_BYTES */
    struct chunk_gather gather; /* ITEM_GATHER */
    uint64_t pack;              /* ITEM_MOVE: where it lies */
    uint32_t slot;
    int status; /* result: 0, or why it is not in the pack */
    char *why;  /* result: for people, or NULL */
    size_t bad; /* result of ITEM_GATHER: the piece to blame, or count */
    uint32_t slot_made; /* result: where it lies now */
};

struct store_batch {
    struct disk_work work;
    struct chunk_store *store;
    enum store_lane_kind lane;
    uint64_t number; /* of the pack; 0: it is not being written yet */
    bool is_built;   /* of LANE_FETCHED: waits for the compactor */
    struct batch_entry *entries;
    size_t count;
    struct pack_row *rows; /* result: made_count of them */
    uint32_t made_count;   /* 0: no file was written */
    uint64_t raw_made;
    struct buf made; /* the file, from front_at; freed by who writes it */
    size_t front_at;
    uint64_t file_len; /* result */
    struct err err;    /* result: why the whole pack failed */
};

/* On a thread: proves and compresses every entry, and writes those that are good.
 * Returns 0 also when none is; an error is one of writing. */
int store_batch_run(struct disk_work *work);
/* The same in two works, one behind the other. */
int store_batch_build(struct disk_work *work);
int store_batch_write(struct disk_work *work);
