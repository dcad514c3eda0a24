/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/pack_view.h"

#include <stdlib.h>
#include <string.h>

#include "machine/must.h"
#include "store/chunk_store_internal.h"
#include "store/pack_check.h"
#include "store/pack_read.h"
#include "util/mem.h"

/* Frames of chunks of PACK_BYTES_MAX, one more, and the front; and twice that, as
 * it is no limit of the format. */
#define FILE_BYTES_MAX                                                         \
    (2u * (PACK_FRONT_MAX + PACK_BYTES_MAX + 2u * CHUNK_BYTES_MAX))

struct names {
    const struct pack_viewer *viewer;
    uint64_t *items;
    size_t count;
    size_t room;
};

static void on_name(void *data, const char *name);
static int compare_numbers(const void *left, const void *right);
static int view_one(struct disk *disk, const uint8_t *cluster, uint64_t number,
                    const struct pack_viewer *viewer, struct err *err);
static int read_front(struct disk *disk, struct pack_view *view,
                      struct buf *front);
static int check_pack(struct disk *disk, const struct pack_header *header,
                      struct bytes front, struct pack_view *view,
                      const struct pack_viewer *viewer, struct err *err);

int pack_view_all(struct disk *disk, const uint8_t *cluster,
                  const struct pack_viewer *viewer, struct err *err)
{
    struct names names = {.viewer = viewer};
    int rv = disk->ops->list(disk, on_name, &names, err);

    if (names.count > 0) {
        qsort(names.items, names.count, sizeof(*names.items), compare_numbers);
    }
    for (size_t i = 0; i < names.count && rv == 0; i++) {
        rv = view_one(disk, cluster, names.items[i], viewer, err);
    }
    free(names.items);
    return rv;
}

static void on_name(void *data, const char *name)
{
    struct names *names = data;
    uint64_t number = strtoull(name, NULL, 16);
    char canonical[DISK_NAME_MAX];

    pack_name("", number, PACK_ASIDE_SUFFIX, canonical);
    if (strcmp(name, canonical) == 0) {
        names->viewer->on_rest(names->viewer->data, name);
    }
    pack_name("", number, PACK_SUFFIX, canonical);
    if (strcmp(name, canonical) != 0) {
        return;
    }
    if (names->count == names->room) {
        names->room = names->room == 0 ? 64 : names->room * 2;
        names->items =
            mem_must_resize(names->items, names->room * sizeof(*names->items));
    }
    names->items[names->count++] = number;
}

static int compare_numbers(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;

    return *a < *b ? -1 : *a > *b;
}

static int view_one(struct disk *disk, const uint8_t *cluster, uint64_t number,
                    const struct pack_viewer *viewer, struct err *err)
{
    struct pack_view view = {.number = number};
    struct pack_header header = {0};
    struct buf front = BUF_INIT;
    int rv = 0;

    view.code = read_front(disk, &view, &front);
    if (view.code == 0) {
        view.code = pack_front_decode((struct bytes){front.data, front.len},
                                      &header, &view.err);
    }
    view.foreign = view.code == 0 && cluster != NULL &&
                   memcmp(cluster, header.cluster, PACK_CLUSTER_LEN) != 0;
    if (view.code == 0 && header.number != number) {
        view.code = err_set(&view.err, QL_CORRUPT,
                            "its header is that of another pack");
    }
    if (view.code == 0) {
        rv = check_pack(disk, &header, (struct bytes){front.data, front.len},
                        &view, viewer, err);
    } else if (view.code != QL_CORRUPT && view.code != QL_INVALID) {
        rv = err_set(err, view.code, "%s", view.err.text);
    }
    buf_close(&front);
    if (rv == 0) {
        viewer->on_pack(viewer->data, &view);
    }
    return rv;
}

/* Exactly the front. */
static int read_front(struct disk *disk, struct pack_view *view,
                      struct buf *front)
{
    char name[DISK_NAME_MAX];
    struct disk_file *file;
    size_t len = 0;
    int rv;

    pack_name("", view->number, PACK_SUFFIX, name);
    rv = disk->ops->open(disk, name, false, &file, &view->err);
    if (rv != 0) {
        return rv;
    }
    rv = disk->ops->size(file, &view->size, &view->err);
    if (rv == 0 && view->size > FILE_BYTES_MAX) {
        rv = err_set(&view->err, QL_CORRUPT, "no pack is so long");
    }
    (void)must_have_memory(buf_reserve(front, PACK_FRONT_MAX));
    if (rv == 0) {
        rv = pack_read_exactly(disk, file, 0, front->data, PACK_PREFIX_LEN,
                               &view->err);
    }
    if (rv == 0) {
        rv = pack_front_measure(front->data, &len, &view->err);
    }
    if (rv == 0) {
        rv = pack_read_exactly(disk, file, 0, front->data, len, &view->err);
    }
    disk->ops->close(file);
    front->len = rv == 0 ? len : 0;
    return rv;
}

static int check_pack(struct disk *disk, const struct pack_header *header,
                      struct bytes front, struct pack_view *view,
                      const struct pack_viewer *viewer, struct err *err)
{
    struct chunk_name *any =
        mem_must_zalloc(header->rows * sizeof(struct chunk_name));
    bool *bad = mem_must_zalloc(header->rows * sizeof(bool));
    const struct pack_check check = {.number = header->number,
                                     .cluster = header->cluster,
                                     .file_len = view->size,
                                     .rows = header->rows,
                                     .names = any};
    int rv;

    view->chunks = header->rows;
    view->code = pack_check(disk, &check, bad, &view->err);
    rv = view->code == 0 || view->code == QL_CORRUPT
             ? 0
             : err_set(err, view->code, "%s", view->err.text);
    for (uint32_t i = 0; i < header->rows && rv == 0; i++) {
        struct pack_row row;

        if (bad[i] ||
            pack_row_decode(front.data + pack_front_len(i), &row, NULL) != 0) {
            view->bad++;
        } else {
            viewer->on_chunk(viewer->data, &row.facts);
        }
    }
    free(bad);
    free(any);
    return rv;
}
