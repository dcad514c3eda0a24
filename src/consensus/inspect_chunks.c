/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The files of the chunk store, and whether they have what the newest snapshot
 * names. A start takes a chunk also in the parts that it was merged of, so that is
 * how it is looked for here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/inspect.h"
#include "store/chunk_cover.h"
#include "store/pack_view.h"
#include "store/snapshot.h"
#include "util/mem.h"

/* Good chunks that were found. */
struct found {
    struct inspect_chunks *ret;
    struct chunk **chunks; /* stubs; in the end in the order of chunk_cover() */
    size_t count;
    size_t room;
};

struct aside {
    struct disk *disk;
    struct inspect_chunks *ret;
};

static int look_at_packs(struct inspection *ret, struct disk *disk,
                         struct found *found, struct err *err);
static void on_pack(void *data, const struct pack_view *view);
static void on_chunk(void *data, const struct chunk_facts *facts);
static void on_rest(void *data, const char *name);
static int compare_chunks(const void *left, const void *right);
static void on_aside(void *data, const char *name);
static int look_at_named(struct inspection *ret, struct disk *raft,
                         struct found *found, struct err *err);
static void each_named(void *data, struct chunk *chunk,
                       const uint8_t from[HASH128_LEN]);
static bool is_there(const struct found *found, const struct chunk *chunk);
static const struct inspect_pack *first_bad(const struct inspect_chunks *chunks,
                                            bool refused);
static bool is_alone(const struct inspection *inspection);
static void found_close(struct found *found);
static void find_packs(struct inspection *inspection);
static void find_missing(struct inspection *inspection);

int inspect_chunks(struct inspection *ret, struct disk *raft,
                   struct disk *chunks, struct disk *aside, struct err *err)
{
    struct found found = {.ret = &ret->chunks};
    struct aside asides = {aside, &ret->chunks};
    int rv = 0;

    ret->chunks.code = chunks == NULL ? QL_NOT_FOUND : 0;
    if (chunks != NULL) {
        rv = look_at_packs(ret, chunks, &found, err);
    }
    if (rv == 0 && aside != NULL) {
        rv = aside->ops->list(aside, on_aside, &asides, err);
    }
    if (rv == 0) {
        rv = look_at_named(ret, raft, &found, err);
    }
    found_close(&found);
    if (rv == 0) {
        find_packs(ret);
        find_missing(ret);
    }
    return rv;
}

static void found_close(struct found *found)
{
    for (size_t i = 0; i < found->count; i++) {
        chunk_drop(found->chunks[i]);
    }
    free(found->chunks);
}

/* ---- What is there ---- */

static int look_at_packs(struct inspection *ret, struct disk *disk,
                         struct found *found, struct err *err)
{
    const struct pack_viewer viewer = {on_pack, on_chunk, on_rest, found};
    uint8_t cluster[CLUSTER_ID_LEN];
    bool known = ret->identity_code == 0;
    int rv;

    if (known) {
        identity_cluster_bytes(&ret->identity, cluster);
    }
    rv = pack_view_all(disk, known ? cluster : NULL, &viewer, err);
    if (rv == 0 && found->count > 0) {
        qsort(found->chunks, found->count, sizeof(struct chunk *),
              compare_chunks);
    }
    return rv;
}

static void on_pack(void *data, const struct pack_view *view)
{
    struct found *found = data;
    struct inspect_chunks *ret = found->ret;
    struct inspect_pack *bad;
    bool refused = view->foreign || view->code == QL_INVALID;

    ret->packs++;
    ret->bytes += view->size;
    ret->chunks += view->chunks;
    ret->bad_chunks += view->bad;
    if (view->code == 0 && !view->foreign) {
        return;
    }
    if (ret->bad_count < INSPECT_PACKS_MAX) {
        bad = &ret->bad[ret->bad_count];
        (void)snprintf(bad->name, sizeof bad->name, "%016" PRIx64 ".pack",
                       view->number);
        (void)snprintf(bad->text, sizeof bad->text, "%s",
                       view->foreign ? "it is of another cluster"
                                     : view->err.text);
        bad->refused = refused;
    }
    ret->refused += refused;
    ret->bad_count++;
}

static void on_chunk(void *data, const struct chunk_facts *facts)
{
    struct found *found = data;

    if (found->count == found->room) {
        found->room = found->room == 0 ? 1024 : found->room * 2;
        found->chunks = mem_must_resize(found->chunks,
                                        found->room * sizeof(struct chunk *));
    }
    found->chunks[found->count++] = chunk_stub(facts);
}

static void on_rest(void *data, const char *name)
{
    struct found *found = data;

    (void)name;
    found->ret->rests++;
}

/* The longest of those that begin alike comes first. */
static int compare_chunks(const void *left, const void *right)
{
    const struct chunk_name *a = &(*(struct chunk *const *)left)->name;
    const struct chunk_name *b = &(*(struct chunk *const *)right)->name;

    if (a->uid != b->uid) {
        return a->uid < b->uid ? -1 : 1;
    }
    if (a->first != b->first) {
        return a->first < b->first ? -1 : 1;
    }
    return a->last > b->last ? -1 : a->last < b->last;
}

static void on_aside(void *data, const char *name)
{
    struct aside *aside = data;
    struct disk *disk = aside->disk;
    struct disk_file *file;
    uint64_t size = 0;
    struct err unused;

    aside->ret->aside++;
    if (disk->ops->open(disk, name, false, &file, &unused) != 0) {
        return;
    }
    if (disk->ops->size(file, &size, &unused) == 0) {
        aside->ret->aside_bytes += size;
    }
    disk->ops->close(file);
}

/* ---- What should be ---- */

static int look_at_named(struct inspection *ret, struct disk *raft,
                         struct found *found, struct err *err)
{
    const struct snapshot_view *snapshot = inspect_snapshot(ret);
    struct inspect_chunks *chunks = &ret->chunks;
    struct buf data = BUF_INIT;
    struct snapshot_meta meta;
    struct machine *machine;
    size_t at = 0;
    int rv;

    chunks->named_code = QL_NOT_FOUND;
    if (snapshot == NULL) {
        return 0;
    }
    rv = snapshot_dir_read(raft, snapshot->index, &meta, &data, &at, err);
    if (rv != 0) {
        buf_close(&data);
        return rv;
    }
    machine = machine_new(NULL);
    chunks->named_code = snapshot_restore(
        machine, data.data + at, data.len - at, NULL, NULL, &chunks->named_err);
    buf_close(&data);
    if (chunks->named_code == 0) {
        machine_each_chunk(machine, each_named, found);
    }
    machine_free(machine);
    return 0;
}

static void each_named(void *data, struct chunk *chunk,
                       const uint8_t from[HASH128_LEN])
{
    const struct found *found = data;

    (void)from;
    found->ret->named++;
    if (!is_there(found, chunk)) {
        found->ret->missing++;
    }
}

/* Itself, or its entries in others. */
static bool is_there(const struct found *found, const struct chunk *chunk)
{
    const struct cover_of of = {.whole = chunk};
    size_t count;
    struct chunk **parts =
        chunk_cover(found->chunks, found->count, &of, &count);

    free(parts);
    return parts != NULL;
}

/* ---- What it means ---- */

/* Of those that are told, the first one of that kind; or any. */
static const struct inspect_pack *first_bad(const struct inspect_chunks *chunks,
                                            bool refused)
{
    for (size_t i = 0; i < chunks->bad_count && i < INSPECT_PACKS_MAX; i++) {
        if (chunks->bad[i].refused == refused) {
            return &chunks->bad[i];
        }
    }
    return &chunks->bad[0];
}

static bool is_alone(const struct inspection *inspection)
{
    return inspection->identity_code == 0 &&
           inspection->identity.members_count == 1;
}

static void find_packs(struct inspection *inspection)
{
    const struct inspect_chunks *chunks = &inspection->chunks;
    size_t damaged = chunks->bad_count - chunks->refused;
    const struct inspect_pack *first = first_bad(chunks, true);

    if (chunks->refused > 0) {
        inspect_add(inspection, INSPECT_UNUSABLE,
                    "%zu chunk file%s cannot be used by this program for this "
                    "node: %.40s: %.200s. The node does not start with it: "
                    "move files of another cluster out of the directory, and "
                    "start the version that wrote newer ones.",
                    chunks->refused, chunks->refused == 1 ? "" : "s",
                    first->name, first->text);
    }
    first = first_bad(chunks, false);
    if (damaged > 0) {
        inspect_add(
            inspection, INSPECT_DAMAGE,
            "%zu of %" PRIu64 " chunk files %s damaged, with %" PRIu64
            " damaged chunks in all: %.40s: %.200s. The node %s Look at the "
            "disk.",
            damaged, chunks->packs, damaged == 1 ? "is" : "are",
            chunks->bad_chunks, first->name, first->text,
            is_alone(inspection)
                ? "sets them aside when it runs, but for what is good in them; "
                  "there is no other node to fetch the rest from."
                : "sets them aside when it runs, and fetches what was in them "
                  "from the others.");
    }
    if (chunks->aside > 0) {
        inspect_add(inspection, INSPECT_NOTE,
                    "%" PRIu64 " damaged chunk file%s from earlier %s kept in "
                    "chunks/quarantine. When no chunk is missing and nobody "
                    "wants to look at them any more, they may be removed.",
                    chunks->aside, chunks->aside == 1 ? "" : "s",
                    chunks->aside == 1 ? "is" : "are");
    }
}

static void find_missing(struct inspection *inspection)
{
    const struct inspect_chunks *chunks = &inspection->chunks;

    if (chunks->named_code != 0 && chunks->named_code != QL_NOT_FOUND) {
        inspect_add(inspection, INSPECT_UNUSABLE,
                    "The newest snapshot is whole, but cannot be used: %.400s.",
                    chunks->named_err.text);
    }
    if (chunks->missing == 0) {
        return;
    }
    inspect_add(inspection, INSPECT_DAMAGE,
                "%" PRIu64 " of the %" PRIu64
                " chunks that the newest snapshot names are not here. %s",
                chunks->missing, chunks->named,
                is_alone(inspection)
                    ? "There is no other node to fetch them from: their "
                      "entries are lost unless the files are brought back; "
                      "the rest can be read."
                    : "The node fetches them from the others when it runs; "
                      "reads of them wait until then.");
}
