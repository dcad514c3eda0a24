/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The chunk lists of all logs of a state, as they were at one time: made in time
 * proportional to the logs, because lists are shared. It keeps every chunk that
 * it names. Kept states (machine/machine_parts.h) are further sets behind the one
 * of the live logs. Counts belong to the loop thread.
 */
#pragma once

#include "machine/chunk_list.h"

struct chunk_set_item {
    uint64_t uid;
    struct chunk_list *list;   /* never empty */
    uint8_t base[HASH128_LEN]; /* the chain before its first chunk */
};

struct chunk_set {
    size_t refs;
    struct chunk_set *next; /* owned, or NULL */
    size_t count;
    struct chunk_set_item items[]; /* by uid */
};

struct chunk_set *chunk_set_ref(struct chunk_set *set);
void chunk_set_drop(struct chunk_set *set); /* NULL is fine */
/* Of the live logs: the chunk that has @position, borrowed, or NULL. @ret_from, unless NULL, is
 * where the chain before it stands: in the set, or in the chunk before. */
struct chunk *chunk_set_find(const struct chunk_set *set, uint64_t uid,
                             uint64_t position, const uint8_t **ret_from);
/* The chunk of that name, in any of the sets. */
struct chunk *chunk_set_find_named(const struct chunk_set *set,
                                   const struct chunk_name *name);
