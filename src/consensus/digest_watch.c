/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/digest_watch.h"

#include <assert.h>
#include <string.h>

static bool judge_at(struct digest_watch *watch, size_t place,
                     const uint64_t *voters, size_t voters_count,
                     uint64_t now_ms, struct digest_verdict *ret);
static size_t sort_into_groups(const struct digest_watch *watch,
                               const struct digest *own, const uint64_t *voters,
                               size_t voters_count, unsigned *ret_groups,
                               size_t *ret_sizes);
static bool is_waiting(struct digest_watch *watch, size_t place,
                       uint64_t now_ms);
static const struct digest_list *list_of(const struct digest_watch *watch,
                                         uint64_t node);
static const struct digest *find(const struct digest_list *list,
                                 uint64_t index);
static bool is_same(const struct digest *a, const struct digest *b);

void digest_watch_init(struct digest_watch *watch, uint64_t self)
{
    *watch = (struct digest_watch){.self = self};
}

void digest_watch_take(struct digest_watch *watch, const struct digest *digest)
{
    struct digest_list *own = &watch->own;

    assert(digest->index > own->since);
    assert(own->count == 0 || own->items[own->count - 1].index < digest->index);
    if (own->count == DIGESTS_KEPT) {
        own->count--;
        memmove(own->items, own->items + 1, own->count * sizeof(*own->items));
        memmove(watch->differs_ms, watch->differs_ms + 1,
                own->count * sizeof(*watch->differs_ms));
    }
    watch->differs_ms[own->count] = 0;
    own->items[own->count] = *digest;
    own->count++;
}

void digest_watch_on_restore(struct digest_watch *watch, uint64_t index)
{
    watch->own.count = 0;
    watch->own.since = index;
}

const struct digest_list *digest_watch_own(const struct digest_watch *watch)
{
    return &watch->own;
}

void digest_watch_hear(struct digest_watch *watch, uint64_t node,
                       const struct digest_list *list)
{
    size_t place = 0;

    for (size_t i = 0; i < DIGEST_PEERS_MAX; i++) {
        if (watch->peers[i].node == node) {
            place = i;
            break;
        }
        if (watch->peers[i].node == 0 && watch->peers[place].node != 0) {
            place = i;
        }
    }
    watch->peers[place].node = node;
    watch->peers[place].list = *list;
}

void digest_watch_judge(struct digest_watch *watch, const uint64_t *voters,
                        size_t voters_count, uint64_t now_ms,
                        struct digest_verdict *ret)
{
    struct digest_verdict undecided = {.finding = DIGEST_UNKNOWN};

    assert(voters_count <= DIGEST_PEERS_MAX);
    for (size_t i = watch->own.count; i > 0; i--) {
        if (judge_at(watch, i - 1, voters, voters_count, now_ms, ret)) {
            return;
        }
        if (ret->finding == DIGEST_UNDECIDED &&
            undecided.finding == DIGEST_UNKNOWN) {
            undecided = *ret;
        }
    }
    *ret = undecided;
}

uint64_t digest_watch_common(const struct digest_watch *watch, uint64_t node,
                             bool *ret_same)
{
    const struct digest_list *list = list_of(watch, node);

    for (size_t i = watch->own.count; list != NULL && i > 0; i--) {
        const struct digest *own = &watch->own.items[i - 1];
        const struct digest *other = find(list, own->index);

        if (other != NULL) {
            *ret_same = is_same(own, other);
            return own->index;
        }
    }
    return 0;
}

/* False: nothing can be said there, or not yet. */
static bool judge_at(struct digest_watch *watch, size_t place,
                     const uint64_t *voters, size_t voters_count,
                     uint64_t now_ms, struct digest_verdict *ret)
{
    const struct digest *own = &watch->own.items[place];
    size_t sizes[DIGEST_PEERS_MAX + 2] = {0}; /* by group; [0]: unknown */
    size_t majority = voters_count / 2 + 1;
    size_t groups;
    size_t largest = 0;

    *ret = (struct digest_verdict){.index = own->index, .term = own->term};
    groups =
        sort_into_groups(watch, own, voters, voters_count, ret->groups, sizes);
    for (unsigned i = 1; i <= groups; i++) {
        largest = sizes[i] > largest ? sizes[i] : largest;
        if (sizes[i] >= majority) {
            ret->majority = i;
        }
    }
    if (ret->majority != 0) {
        ret->finding = ret->majority != 1 ? DIGEST_ODD
                       : groups > 1       ? DIGEST_OTHER_ODD
                                          : DIGEST_AGREED;
        return true;
    }
    if (groups < 2) {
        return false;
    }
    ret->finding = DIGEST_UNDECIDED;
    if (largest + sizes[0] >= majority && is_waiting(watch, place, now_ms)) {
        return false;
    }
    ret->finding = DIGEST_SPLIT;
    return true;
}

/* The own value is group 1, whether or not this node is a voter. */
static size_t sort_into_groups(const struct digest_watch *watch,
                               const struct digest *own, const uint64_t *voters,
                               size_t voters_count, unsigned *ret_groups,
                               size_t *ret_sizes)
{
    const struct digest *values[DIGEST_PEERS_MAX + 2] = {NULL, own};
    unsigned groups = 1;

    for (size_t i = 0; i < voters_count; i++) {
        const struct digest_list *list = list_of(watch, voters[i]);
        const struct digest *value =
            list == NULL ? NULL : find(list, own->index);
        unsigned group = 0;

        if (value != NULL) {
            for (group = 1; group <= groups; group++) {
                if (is_same(values[group], value)) {
                    break;
                }
            }
            if (group > groups) {
                groups = group;
                values[group] = value;
            }
        }
        ret_groups[i] = group;
        ret_sizes[group]++;
    }
    return groups;
}

static bool is_waiting(struct digest_watch *watch, size_t place,
                       uint64_t now_ms)
{
    if (watch->differs_ms[place] == 0) {
        watch->differs_ms[place] = now_ms == 0 ? 1 : now_ms;
    }
    return now_ms < watch->differs_ms[place] + DIGEST_WAIT_MS;
}

static const struct digest_list *list_of(const struct digest_watch *watch,
                                         uint64_t node)
{
    if (node == watch->self) {
        return &watch->own;
    }
    for (size_t i = 0; i < DIGEST_PEERS_MAX; i++) {
        if (watch->peers[i].node == node) {
            return &watch->peers[i].list;
        }
    }
    return NULL;
}

static const struct digest *find(const struct digest_list *list, uint64_t index)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].index == index) {
            return &list->items[i];
        }
    }
    return NULL;
}

/* Entries of two terms at one index are two histories, whatever came of them. */
static bool is_same(const struct digest *a, const struct digest *b)
{
    return a->term == b->term &&
           memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
