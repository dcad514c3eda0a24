/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Packs of a chunk store or of a pool of backups: which chunks are good, and one
 * of them. */
#include <inttypes.h>
#include <stdio.h>

#include "consensus/recover_source.h"
#include "machine/must.h"
#include "store/pack_read.h"
#include "store/pack_view.h"

/* Chunks are told before the pack that they are in. */
struct viewing {
    struct recover_source *source;
    size_t told; /* of source->have, whose pack is known */
};

static void on_pack(void *data, const struct pack_view *view);
static void on_chunk(void *data, const struct chunk_facts *facts);
static void on_rest(void *data, const char *name);
static int load_front(struct recover_source *source, struct disk_file *file,
                      uint64_t number, struct err *err);
static int find_row(const struct recover_source *source,
                    const struct chunk_name *name, struct pack_row *ret,
                    struct err *err);

int recover_packs_open(struct recover_source *source, const uint8_t *cluster,
                       struct err *err)
{
    struct viewing viewing = {source, source->have_count};
    const struct pack_viewer viewer = {on_pack, on_chunk, on_rest, &viewing};

    return pack_view_all(disk_reader_disk(source->packs), cluster, &viewer,
                         err);
}

static void on_pack(void *data, const struct pack_view *view)
{
    struct viewing *viewing = data;
    struct recover_source *source = viewing->source;

    source->bad_chunks += view->bad;
    if (view->foreign) {
        source->have_count = viewing->told;
    }
    while (viewing->told < source->have_count) {
        source->have[viewing->told++].at = view->number;
    }
}

static void on_chunk(void *data, const struct chunk_facts *facts)
{
    struct viewing *viewing = data;

    recover_source_add(viewing->source, &facts->name, 0, 0);
}

static void on_rest(void *data, const char *name)
{
    (void)data;
    (void)name;
}

int recover_packs_read(struct recover_source *source,
                       const struct recover_have *have,
                       struct pack_row *ret_row, struct err *err)
{
    struct disk *disk = disk_reader_disk(source->packs);
    char name[DISK_NAME_MAX];
    struct disk_file *file;
    int rv;

    (void)snprintf(name, sizeof name, "%016" PRIx64 ".pack", have->at);
    rv = disk->ops->open(disk, name, false, &file, err);
    if (rv != 0) {
        return rv;
    }
    if (source->pack != have->at) {
        rv = load_front(source, file, have->at, err);
    }
    if (rv == 0) {
        rv = find_row(source, &have->name, ret_row, err);
    }
    if (rv == 0) {
        source->frame.len = 0;
        rv = pack_read_frame(disk, file, ret_row, &source->frame, err);
    }
    disk->ops->close(file);
    return rv == 0 ? 0 : err_wrap(err, "%s", name);
}

static int load_front(struct recover_source *source, struct disk_file *file,
                      uint64_t number, struct err *err)
{
    struct disk *disk = disk_reader_disk(source->packs);
    struct buf *front = &source->pack_front;
    struct pack_header header;
    size_t len = 0;
    int rv;

    source->pack = 0;
    front->len = 0;
    (void)must_have_memory(buf_reserve(front, PACK_FRONT_MAX));
    rv = pack_read_exactly(disk, file, 0, front->data, PACK_PREFIX_LEN, err);
    if (rv == 0) {
        rv = pack_front_measure(front->data, &len, err);
    }
    if (rv == 0) {
        rv = pack_read_exactly(disk, file, 0, front->data, len, err);
    }
    if (rv == 0) {
        rv = pack_front_decode((struct bytes){front->data, len}, &header, err);
    }
    if (rv == 0) {
        front->len = len;
        source->pack = number;
    }
    return rv;
}

static int find_row(const struct recover_source *source,
                    const struct chunk_name *name, struct pack_row *ret,
                    struct err *err)
{
    size_t at = PACK_HEADER_LEN;

    for (; at + PACK_ROW_LEN <= source->pack_front.len; at += PACK_ROW_LEN) {
        if (pack_row_decode(source->pack_front.data + at, ret, NULL) == 0 &&
            chunk_name_equal(&ret->facts.name, name)) {
            return 0;
        }
    }
    return err_set(err, QL_CORRUPT, "a chunk that was there is gone");
}
