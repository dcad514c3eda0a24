/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where the bytes of the chunks of a state are that is recovered: in memory when
 * they were sealed by entries behind the snapshot, else in some source as they are,
 * or there in the parts that they were merged of. Whatever is found is proven by
 * the chunk's name.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/recover_plan.h"
#include "machine/machine_parts.h"
#include "machine/must.h"
#include "util/mem.h"

static void count_chunk(void *data, struct chunk *chunk,
                        const uint8_t from[HASH128_LEN]);
static bool has(const struct recover_plan *plan,
                const struct recover_source *source, const struct chunk *chunk);
static bool has_run(const struct recover_source *source,
                    const struct chunk_name *name);
static bool gather(struct recover_plan *plan, struct recover_source *source,
                   const struct chunk *chunk, struct buf *ret);
static bool gather_run(struct recover_source *source,
                       const struct chunk_name *name, struct buf *ret);
static int compare_uids(const void *left, const void *right);

void recover_plan_count(struct recover_plan *plan)
{
    machine_each_chunk_of(plan->machine, MACHINE_LIVE, count_chunk, plan);
}

static void count_chunk(void *data, struct chunk *chunk,
                        const uint8_t from[HASH128_LEN])
{
    struct recover_plan *plan = data;
    bool found = has(plan, &plan->sources[plan->best], chunk);

    (void)from;
    plan->chunks++;
    if (found) {
        plan->own++;
        return;
    }
    for (size_t i = 0; i < plan->count && !found; i++) {
        found = has(plan, &plan->sources[i], chunk);
    }
    plan->others += found;
    plan->missing += !found;
    plan->missing_entries += found ? 0 : chunk->entries;
}

static bool has(const struct recover_plan *plan,
                const struct recover_source *source, const struct chunk *chunk)
{
    bool all = chunk->parts != NULL;

    if (chunk_bytes(chunk) != NULL ||
        recover_source_find(source, &chunk->name) != NULL) {
        return true;
    }
    for (size_t i = 0; all && i < chunk->parts->count; i++) {
        all = has(plan, source, chunk->parts->chunks[i]);
    }
    return all || has_run(source, &chunk->name);
}

/* Without a gap, the longest ones first. */
static bool has_run(const struct recover_source *source,
                    const struct chunk_name *name)
{
    uint64_t first = name->first;

    while (first <= name->last) {
        const struct recover_have *have =
            recover_source_longest(source, name->uid, first);

        if (have == NULL || have->name.last > name->last) {
            return false;
        }
        first = have->name.last + 1;
    }
    return true;
}

int recover_plan_bytes(struct recover_plan *plan, const struct chunk *chunk,
                       const uint8_t from[HASH128_LEN], struct buf *ret,
                       struct err *err)
{
    struct chunk_facts facts = chunk_facts(chunk);

    /* The best one first, then all: what is wrong in one may be right in another. */
    for (size_t i = 0; i <= plan->count; i++) {
        size_t at = i == 0 ? plan->best : i - 1;

        ret->len = 0;
        if (gather(plan, &plan->sources[at], chunk, ret) &&
            chunk_memory_check((struct bytes){ret->data, ret->len}, &facts,
                               from, NULL) == 0) {
            return 0;
        }
    }
    return err_set(err, QL_NOT_FOUND,
                   "positions %" PRIu64 " to %" PRIu64 " of log uid %" PRIu64
                   " are in none of the sources",
                   facts.name.first, facts.name.last, facts.name.uid);
}

static bool gather(struct recover_plan *plan, struct recover_source *source,
                   const struct chunk *chunk, struct buf *ret)
{
    const struct recover_have *have = recover_source_find(source, &chunk->name);
    size_t len = ret->len;
    bool all = chunk->parts != NULL;

    if (chunk_bytes(chunk) != NULL) {
        (void)must_have_memory(buf_add(ret, chunk_bytes(chunk), chunk->len));
        return true;
    }
    if (have != NULL &&
        recover_source_read(source, have, ret, NULL, NULL) == 0) {
        return true;
    }
    ret->len = len;
    for (size_t i = 0; all && i < chunk->parts->count; i++) {
        all = gather(plan, source, chunk->parts->chunks[i], ret);
    }
    if (all) {
        return true;
    }
    ret->len = len;
    return gather_run(source, &chunk->name, ret);
}

static bool gather_run(struct recover_source *source,
                       const struct chunk_name *name, struct buf *ret)
{
    uint64_t first = name->first;

    while (first <= name->last) {
        const struct recover_have *have =
            recover_source_longest(source, name->uid, first);

        if (have == NULL || have->name.last > name->last ||
            recover_source_read(source, have, ret, NULL, NULL) != 0) {
            return false;
        }
        first = have->name.last + 1;
    }
    return true;
}

/* ---- Open chunks ---- */

void recover_plan_open_bytes(const struct recover_plan *plan, struct buf *ret)
{
    struct log_list_args args = {.max = LIST_PAGE_MAX};
    struct log_list_result page = {0};
    const struct chunk **open = NULL;
    size_t count = 0;
    int rv;

    do {
        log_list_result_close(&page);
        rv = machine_log_list(plan->machine, &args, &page);
        assert(rv == 0);
        open = mem_must_resize(open, (count + page.count + 1) * sizeof *open);
        for (size_t i = 0; i < page.count; i++) {
            open[count] = machine_part_open(plan->machine, MACHINE_LIVE,
                                            page.stats[i].uid);
            count += open[count] != NULL;
            args.after = page.stats[i].name;
        }
    } while (page.more);
    log_list_result_close(&page);
    qsort(open, count, sizeof *open, compare_uids);
    for (size_t i = 0; i < count; i++) {
        (void)must_have_memory(
            buf_add(ret, chunk_bytes(open[i]), open[i]->len));
    }
    free(open);
}

static int compare_uids(const void *left, const void *right)
{
    const struct chunk *a = *(const struct chunk *const *)left;
    const struct chunk *b = *(const struct chunk *const *)right;

    return a->name.uid < b->name.uid ? -1 : a->name.uid > b->name.uid;
}
