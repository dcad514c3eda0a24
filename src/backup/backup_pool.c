/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "backup/backup_pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_locations.h"
#include "util/mem.h"

static size_t place_of(const struct backup_pool *pool, uint64_t number);

/* ---- Packs --------------------------------------------------------------- */

struct pool_pack *pool_find(const struct backup_pool *pool, uint64_t number)
{
    size_t at = place_of(pool, number);

    return at < pool->count && pool->packs[at].number == number
               ? &pool->packs[at]
               : NULL;
}

struct pool_pack *pool_add(struct backup_pool *pool, uint64_t number)
{
    size_t at = place_of(pool, number);

    if (at < pool->count && pool->packs[at].number == number) {
        return &pool->packs[at];
    }
    if (pool->count == pool->room) {
        pool->room = pool->room == 0 ? 16 : pool->room * 2;
        pool->packs =
            mem_must_resize(pool->packs, pool->room * sizeof(*pool->packs));
    }
    memmove(&pool->packs[at + 1], &pool->packs[at],
            (pool->count - at) * sizeof(*pool->packs));
    memset(&pool->packs[at], 0, sizeof(*pool->packs));
    pool->packs[at].number = number;
    pool->count++;
    pool->last = number > pool->last ? number : pool->last;
    return &pool->packs[at];
}

void pool_ref(struct backup_pool *pool, const struct backup_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        for (uint64_t number = runs->items[i].first;
             number <= runs->items[i].last; number++) {
            size_t before = pool->count;
            struct pool_pack *pack = pool_add(pool, number);

            pack->is_bad = pack->is_bad || pool->count > before;
            pack->refs++;
        }
    }
}

void pool_unref(struct backup_pool *pool, const struct backup_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        size_t at = place_of(pool, runs->items[i].first);

        while (at < pool->count &&
               pool->packs[at].number <= runs->items[i].last) {
            assert(pool->packs[at].refs > 0);
            pool->packs[at].refs--;
            at++;
        }
    }
}

bool pool_is_bad(const struct backup_pool *pool, const struct backup_runs *runs,
                 uint64_t *ret_checked_ms)
{
    bool is_bad = false;

    *ret_checked_ms = UINT64_MAX;
    for (size_t i = 0; i < runs->count; i++) {
        size_t at = place_of(pool, runs->items[i].first);

        while (at < pool->count &&
               pool->packs[at].number <= runs->items[i].last) {
            const struct pool_pack *pack = &pool->packs[at];

            is_bad = is_bad || pack->is_bad;
            if (pack->checked_ms < *ret_checked_ms) {
                *ret_checked_ms = pack->checked_ms;
            }
            at++;
        }
    }
    return is_bad;
}

void pool_sweep(struct backup_pool *pool,
                bool (*drops)(const struct pool_pack *pack))
{
    size_t kept = 0;

    for (size_t i = 0; i < pool->count; i++) {
        if (!drops(&pool->packs[i])) {
            pool->packs[kept] = pool->packs[i];
            kept++;
        }
    }
    pool->count = kept;
}

uint64_t pool_bytes(const struct backup_pool *pool)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < pool->count; i++) {
        bytes += pool->packs[i].len;
    }
    return bytes;
}

uint64_t *pool_bad(const struct backup_pool *pool, size_t *ret_count)
{
    uint64_t *bad = NULL;
    size_t count = 0;

    for (size_t i = 0; i < pool->count; i++) {
        count += pool->packs[i].is_bad;
    }
    bad = mem_must_array(count + 1, sizeof(*bad));
    count = 0;
    for (size_t i = 0; i < pool->count; i++) {
        if (pool->packs[i].is_bad) {
            bad[count] = pool->packs[i].number;
            count++;
        }
    }
    *ret_count = count;
    return bad;
}

void pool_close(struct backup_pool *pool)
{
    free(pool->packs);
    memset(pool, 0, sizeof(*pool));
}

/* The first that is not below @number. */
static size_t place_of(const struct backup_pool *pool, uint64_t number)
{
    size_t low = 0;
    size_t high = pool->count;

    /* Mostly they come in order. */
    if (high > 0 && pool->packs[high - 1].number < number) {
        return high;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (pool->packs[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* ---- Runs ---------------------------------------------------------------- */

void runs_push(struct backup_runs *runs, uint64_t number)
{
    size_t count = runs->count;

    if (count > 0 && runs->items[count - 1].last == number) {
        return;
    }
    if (count > 0 && runs->items[count - 1].last + 1 == number) {
        runs->items[count - 1].last = number;
        return;
    }
    assert(count == 0 || runs->items[count - 1].last < number);
    /* Doubles at each power of two. */
    if ((count & (count - 1)) == 0) {
        size_t room = count == 0 ? 1 : count * 2;

        runs->items = mem_must_resize(runs->items, room * sizeof(*runs->items));
    }
    runs->items[count].first = number;
    runs->items[count].last = number;
    runs->count++;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

void runs_sort(uint64_t *numbers, size_t *count)
{
    size_t used = 0;

    if (*count > 0) {
        qsort(numbers, *count, sizeof(*numbers), compare_u64);
    }
    for (size_t i = 0; i < *count; i++) {
        if (used == 0 || numbers[used - 1] != numbers[i]) {
            numbers[used] = numbers[i];
            used++;
        }
    }
    *count = used;
}

void runs_of(struct bytes locations, struct backup_runs *ret)
{
    struct backup_locations header = {.packs = 0};
    int rv = backup_locations_measure(locations.data, &header, NULL);

    assert(rv == 0);
    memset(ret, 0, sizeof(*ret));
    for (uint32_t i = 0; i < header.packs; i++) {
        runs_push(ret, backup_locations_pack(locations, i));
    }
}

void runs_close(struct backup_runs *runs)
{
    free(runs->items);
    memset(runs, 0, sizeof(*runs));
}
