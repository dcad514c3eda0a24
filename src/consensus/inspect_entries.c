/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The entries that are left when all truncations are done. A first reading
 * notes the truncations: an entry stays if no later one begins at or before its
 * index. Of two, the later one with the lower index says all that the earlier one
 * says, so what is noted rises, and only what is behind the current entry counts.
 *
 * Behind damage the reading begins anew, with the next segment whose start is good.
 */
#include <stdlib.h>

#include "consensus/configuration.h"
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

static int list_from(struct listing *listing, struct disk *disk,
                     raft_index from, bool *ret_exact,
                     struct wal_report *ret_report, struct err *err);
static raft_index begin_behind(const struct inspection *inspection,
                               raft_index index);
static int cuts_entry(void *data, raft_index index, raft_term term,
                      unsigned short type, const void *payload, size_t len);
static void cuts_truncated(void *data, raft_index index);
static int listing_entry(void *data, raft_index index, raft_term term,
                         unsigned short type, const void *payload, size_t len);
static enum inspect_type type_of(unsigned short type);
static void listing_truncated(void *data, raft_index index);

int inspect_entries(const struct inspection *inspection, struct disk *disk,
                    uint64_t first, uint64_t last,
                    int (*each)(void *data, const struct inspect_entry *entry),
                    void *data, bool *ret_exact, struct err *err)
{
    struct listing listing = {
        .first = first, .last = last, .each = each, .data = data};
    struct wal_report report;
    raft_index from = 0;
    int rv;

    *ret_exact = true;
    do {
        rv = list_from(&listing, disk, from, ret_exact, &report, err);
        if (report.last_index > from) {
            from = report.last_index;
        }
        from = begin_behind(inspection, from);
    } while (rv == 0 && report.corrupt_at[0] != '\0' && from != 0);
    return rv;
}

int inspect_members(struct bytes payload,
                    void (*each)(void *data,
                                 const struct inspect_member *member),
                    void *data, struct err *err)
{
    struct raft_configuration configuration;
    int rv;

    raft_configuration_init(&configuration);
    rv = configuration_decode(payload, &configuration, err);
    for (unsigned i = 0; rv == 0 && i < configuration.n; i++) {
        const struct raft_server *server = &configuration.servers[i];
        const struct inspect_member member = {.id = server->id,
                                              .address = server->address,
                                              .voter =
                                                  server->role == RAFT_VOTER};

        each(data, &member);
    }
    raft_configuration_close(&configuration);
    return rv;
}

static int list_from(struct listing *listing, struct disk *disk,
                     raft_index from, bool *ret_exact,
                     struct wal_report *ret_report, struct err *err)
{
    struct cuts cuts = {0};
    const struct wal_reader noting = {cuts_entry, cuts_truncated, &cuts};
    const struct wal_reader telling = {listing_entry, listing_truncated,
                                       listing};
    int rv = wal_inspect(disk, from, &noting, ret_report, err);

    if (rv == 0) {
        listing->cuts = &cuts;
        listing->next = 0;
        listing->told = 0;
        rv = wal_inspect(disk, from, &telling, ret_report, err);
        listing->cuts = NULL;
    }
    *ret_exact = *ret_exact && !cuts.too_many;
    free(cuts.items);
    return rv;
}

/* Where the first segment begins that begins behind @index; 0: none does. */
static raft_index begin_behind(const struct inspection *inspection,
                               raft_index index)
{
    raft_index begin = 0;

    for (size_t i = 0; i < inspection->log.segments_count; i++) {
        const struct wal_view *view = &inspection->log.segments[i];

        if (view->begin > index && (begin == 0 || view->begin < begin)) {
            begin = view->begin;
        }
    }
    return begin;
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
    listing->first = index + 1;
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
