/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The packs of a backup directory, as memory knows them: some 40 bytes each. What a
 * backup is made of is kept as runs of neighbouring numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

struct pool_pack {
    uint64_t number;
    uint64_t len;        /* of the file */
    uint64_t checked_ms; /* wall clock: read and found good; 0: not known */
    uint32_t rows;
    uint32_t refs; /* backups, and works under way, that name it */
    uint8_t tries; /* reads that the disk refused, one behind the other */
    bool is_bad;   /* damaged, or not there */
};

struct backup_pool {
    struct pool_pack *packs; /* numbers rising */
    size_t count;
    size_t room;
    uint64_t last; /* the largest number that was ever seen in the directory */
};

struct backup_runs {
    struct {
        uint64_t first;
        uint64_t last;
    } * items;
    size_t count;
};

/* NULL when there is none. Valid until one is added or the pool swept. */
struct pool_pack *pool_find(const struct backup_pool *pool, uint64_t number);
/* The one of that number, a new one if it is not there yet. */
struct pool_pack *pool_add(struct backup_pool *pool, uint64_t number);
/* One more or one less for each of @runs; one that is not there is bad. */
void pool_ref(struct backup_pool *pool, const struct backup_runs *runs);
void pool_unref(struct backup_pool *pool, const struct backup_runs *runs);
/* Is one of @runs bad? *ret_checked_ms is the oldest check of all, UINT64_MAX when
 * there are none. */
bool pool_is_bad(const struct backup_pool *pool, const struct backup_runs *runs,
                 uint64_t *ret_checked_ms);
/* Takes those out for which @drops is true. */
void pool_sweep(struct backup_pool *pool,
                bool (*drops)(const struct pool_pack *pack));
uint64_t pool_bytes(const struct backup_pool *pool);
/* The numbers of the bad ones, rising, to be freed. */
uint64_t *pool_bad(const struct backup_pool *pool, size_t *ret_count);
void pool_close(struct backup_pool *pool);

/* @number is larger than all in it, or the last one. */
void runs_push(struct backup_runs *runs, uint64_t number);
/* Brings numbers in order, each once. */
void runs_sort(uint64_t *numbers, size_t *count);
/* Of the packs that locations name which were found good. */
void runs_of(struct bytes locations, struct backup_runs *ret);
void runs_close(struct backup_runs *runs);
