/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The entries that are left when all truncations are done. A first reading
 * notes the truncations: an entry stays if no later one begins at or before its
 * index. Of two, the later one with the lower index says all that the earlier one
 * says, so what is noted rises, and only what is behind the current entry counts.
 */
#include <stdlib.h>

#include "consensus/inspect.h"
#include "util/mem.h"

#define CUTS_MAX (1024u * 1024u)

struct cut {
    uint64_t told; /* entries that were told before it */
    raft_index index;
};

struct cuts {
    struct cut *items; /* rising in both */
    size_t count;
    size_t room;
    uint64_t told;
    bool too_many;
};

struct listing {
    uint64_t first;
    uint64_t last;
    int (*each)(void *data, const struct inspect_entry *entry);
    void *data;
    const struct cuts *cuts;
    size_t next; /* cut */
    uint64_t told;
};

static int cuts_entry(void *data, raft_index index, raft_term term,
                      unsigned short type, const void *payload, size_t len);
static void cuts_truncated(void *data, raft_index index);
static int listing_entry(void *data, raft_index index, raft_term term,
                         unsigned short type, const void *payload, size_t len);
static enum inspect_type type_of(unsigned short type);
static void listing_truncated(void *data, raft_index index);

int inspect_entries(struct disk *disk, uint64_t first, uint64_t last,
                    int (*each)(void *data, const struct inspect_entry *entry),
                    void *data, bool *ret_exact, struct err *err)
{
    struct cuts cuts = {0};
    struct listing listing = {.first = first,
                              .last = last,
                              .each = each,
                              .data = data,
                              .cuts = &cuts};
    const struct wal_reader noting = {cuts_entry, cuts_truncated, &cuts};
    const struct wal_reader telling = {listing_entry, listing_truncated,
                                       &listing};
    struct wal_report report;
    int rv = wal_inspect(disk, 0, &noting, &report, err);

    if (rv == 0) {
        rv = wal_inspect(disk, 0, &telling, &report, err);
    }
    *ret_exact = !cuts.too_many;
    free(cuts.items);
    return rv;
}

/* ---- First ---- */

static int cuts_entry(void *data, raft_index index, raft_term term,
                      unsigned short type, const void *payload, size_t len)
{
    struct cuts *cuts = data;

    (void)index;
    (void)term;
    (void)type;
    (void)payload;
    (void)len;
    cuts->told++;
    return 0;
}

static void cuts_truncated(void *data, raft_index index)
{
    struct cuts *cuts = data;

    while (cuts->count > 0 && cuts->items[cuts->count - 1].index >= index) {
        cuts->count--;
    }
    if (cuts->count == CUTS_MAX) {
        cuts->too_many = true;
        return;
    }
    if (cuts->count == cuts->room) {
        cuts->room = cuts->room == 0 ? 64 : cuts->room * 2;
        cuts->items =
            mem_must_resize(cuts->items, cuts->room * sizeof *cuts->items);
    }
    cuts->items[cuts->count++] =
        (struct cut){.told = cuts->told, .index = index};
}

/* ---- Second ---- */

static int listing_entry(void *data, raft_index index, raft_term term,
                         unsigned short type, const void *payload, size_t len)
{
    struct listing *listing = data;
    const struct cuts *cuts = listing->cuts;
    const struct inspect_entry entry = {.index = index,
                                        .term = term,
                                        .type = type_of(type),
                                        .payload = {payload, len}};

    listing->told++;
    while (listing->next < cuts->count &&
           cuts->items[listing->next].told < listing->told) {
        listing->next++;
    }
    if (index < listing->first || index > listing->last ||
        (listing->next < cuts->count &&
         cuts->items[listing->next].index <= index)) {
        return 0;
    }
    return listing->each(listing->data, &entry);
}

static enum inspect_type type_of(unsigned short type)
{
    switch (type) {
    case RAFT_COMMAND:
        return INSPECT_COMMANDS;
    case RAFT_BARRIER:
        return INSPECT_BARRIER;
    case RAFT_CHANGE:
        return INSPECT_MEMBERS;
    default:
        return INSPECT_UNKNOWN;
    }
}

static void listing_truncated(void *data, raft_index index)
{
    (void)data;
    (void)index;
}
