/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/chunk_cover.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/limits.h"
#include "util/mem.h"

/* A run of chunks, by its last one. */
struct run {
    struct chunk *chunk;
    size_t before; /* the run without it, or NOTHING */
    size_t chunks;
    uint64_t len;
    uint64_t entries;
};
#define NOTHING SIZE_MAX

struct cover {
    const struct cover_of *of;
    const struct chunk *whole;
    struct run *runs; /* in the order of their last chunks */
    size_t count;
};

static size_t find_first(struct chunk *const *chunks, size_t count,
                         uint64_t uid, uint64_t position);
static bool add_runs(struct cover *cover, struct chunk *chunk);
static bool add_run(struct cover *cover, struct chunk *chunk, size_t before);
static bool follows(const struct cover *cover, const struct chunk *chunk,
                    size_t before);
static bool is_whole(const struct cover *cover, const struct run *run);
static struct chunk **path(const struct cover *cover, size_t *ret_count);

struct chunk **chunk_cover(struct chunk *const *chunks, size_t count,
                           const struct cover_of *of, size_t *ret_count)
{
    const struct chunk *whole = of->whole;
    struct cover cover = {.of = of, .whole = whole};
    struct chunk **parts = NULL;
    size_t i = find_first(chunks, count, whole->name.uid, whole->name.first);

    cover.runs = mem_must_alloc(COVER_RUNS_MAX * sizeof(*cover.runs));
    for (; i < count && parts == NULL; i++) {
        const struct chunk_name *name = &chunks[i]->name;

        if (name->uid != whole->name.uid || name->first > whole->name.last) {
            break;
        }
        if (name->last <= whole->name.last && add_runs(&cover, chunks[i])) {
            parts = path(&cover, ret_count);
        }
    }
    free(cover.runs);
    return parts;
}

/* The first that begins at or behind @position. */
static size_t find_first(struct chunk *const *chunks, size_t count,
                         uint64_t uid, uint64_t position)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct chunk_name *name = &chunks[middle]->name;

        if (name->uid < uid || (name->uid == uid && name->first < position)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* All runs that @chunk may end, those without a gap first. True when the last that
 * was added is what is looked for. */
static bool add_runs(struct cover *cover, struct chunk *chunk)
{
    size_t runs = cover->count;
    size_t i;

    if (chunk->name.first == cover->whole->name.first) {
        return add_run(cover, chunk, NOTHING);
    }
    for (int gaps = 0; gaps < 2; gaps++) {
        for (i = runs; i > 0; i--) {
            uint64_t last = cover->runs[i - 1].chunk->name.last;

            if (last < chunk->name.first &&
                (gaps == 1) == (last + 1 < chunk->name.first) &&
                add_run(cover, chunk, i - 1)) {
                return true;
            }
        }
    }
    return false;
}

/* Of runs that end alike and have as much, one will do. */
static bool add_run(struct cover *cover, struct chunk *chunk, size_t before)
{
    struct run run = {chunk, before, 1, chunk->len, chunk->entries};
    size_t i;

    if (before != NOTHING) {
        run.chunks += cover->runs[before].chunks;
        run.len += cover->runs[before].len;
        run.entries += cover->runs[before].entries;
    }
    if (run.len > cover->whole->len || run.entries > cover->whole->entries ||
        cover->count == COVER_RUNS_MAX || !follows(cover, chunk, before)) {
        return false;
    }
    for (i = cover->count; i > 0 && cover->runs[i - 1].chunk == chunk; i--) {
        if (cover->runs[i - 1].len == run.len &&
            cover->runs[i - 1].entries == run.entries) {
            return false;
        }
    }
    cover->runs[cover->count] = run;
    cover->count++;
    return is_whole(cover, &run);
}

static bool follows(const struct cover *cover, const struct chunk *chunk,
                    size_t before)
{
    const struct cover_of *of = cover->of;
    const uint8_t *from =
        of->chain_before == NULL ? NULL : of->chain_before(of->data, chunk);
    const uint8_t *chain =
        before == NOTHING ? of->from : cover->runs[before].chunk->name.chain;

    return from == NULL || chain == NULL ||
           memcmp(from, chain, HASH128_LEN) == 0;
}

static bool is_whole(const struct cover *cover, const struct run *run)
{
    return run->len == cover->whole->len &&
           run->entries == cover->whole->entries &&
           run->chunk->name.last == cover->whole->name.last &&
           memcmp(run->chunk->name.chain, cover->whole->name.chain,
                  HASH128_LEN) == 0;
}

/* The chunks of the last run. */
static struct chunk **path(const struct cover *cover, size_t *ret_count)
{
    size_t at = cover->count - 1;
    size_t count = cover->runs[at].chunks;
    struct chunk **parts = mem_must_alloc(count * sizeof(struct chunk *));
    size_t i;

    for (i = count; i > 0; i--) {
        parts[i - 1] = cover->runs[at].chunk;
        at = cover->runs[at].before;
    }
    *ret_count = count;
    return parts;
}
