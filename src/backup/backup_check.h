/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One file of the directory is read from the disk and every byte of it checked. */
#pragma once

#include "backup/backup_internal.h"

/* A chunk that a manifest says is in a pack. */
struct check_item {
    uint32_t pack;   /* index among the manifest's packs */
    uint32_t row;    /* in the pack */
    uint32_t number; /* of the chunk in the front */
};

struct backup_check {
    struct backup_chore chore; /* first */
    void (*done)(struct backup_check *check, int status);
    uint64_t number;       /* a pack */
    struct backup_row row; /* or, if that is 0, a manifest */
    /* What a manifest says of the pack; borrowed, or count 0. */
    const struct check_item *items;
    size_t items_count;
    struct bytes front;
    /* A manifest's parts are wanted, to be taken by who asks. */
    bool wants_parts;
    struct buf front_buf;
    struct buf locations_buf;
    struct check_item *order; /* of all chunks, by packs */
    uint32_t chunks;
    uint64_t entries;
    uint64_t bytes;    /* of the file */
    bool is_set_aside; /* it was bad, and is in the quarantine */
    uint64_t pack_len; /* the chore's */
    uint32_t pack_rows;
};
/* The check is the caller's, zero but for what is asked, and stays until @done,
 * which may free it. What was found is known to the store by then. */
void backup_check_begin(struct backup_store *store, struct backup_check *check);
void backup_check_close(struct backup_check *check);
