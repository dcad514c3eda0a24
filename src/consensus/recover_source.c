/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/recover_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/must.h"
#include "util/mem.h"

static int compare_have(const void *left, const void *right);
static int compare_names(const struct chunk_name *a,
                         const struct chunk_name *b);

int recover_source_open(struct recover_source *ret, const char *path,
                        struct err *err)
{
    struct stat status;
    int rv;

    memset(ret, 0, sizeof *ret);
    ret->lock_fd = -1;
    if (strlen(path) >= sizeof ret->path) {
        return err_set(err, QL_TOO_LARGE, "the path %.60s... is too long",
                       path);
    }
    (void)snprintf(ret->path, sizeof ret->path, "%s", path);
    if (stat(path, &status) != 0) {
        return err_errno(err, errno, "open %s", path);
    }
    if (S_ISDIR(status.st_mode)) {
        ret->kind = RECOVER_DIR;
        rv = recover_dir_open(ret, err);
    } else {
        rv = recover_file_open(ret, err);
    }
    if (ret->have_count > 0) {
        qsort(ret->have, ret->have_count, sizeof *ret->have, compare_have);
    }
    return rv;
}

void recover_source_close(struct recover_source *source)
{
    if (source->file != NULL) {
        struct disk *disk = disk_reader_disk(source->files);

        disk->ops->close(source->file);
    }
    if (source->inspection != NULL) {
        inspect_close(source->inspection);
        free(source->inspection);
    }
    disk_reader_close(source->raft);
    disk_reader_close(source->packs);
    disk_reader_close(source->files);
    free(source->mark);
    free(source->have);
    buf_close(&source->front);
    buf_close(&source->pack_front);
    buf_close(&source->frame);
    if (source->lock_fd > 0) {
        (void)close(source->lock_fd);
    }
    memset(source, 0, sizeof *source);
}

int recover_source_claim(struct recover_source *source, struct err *err)
{
    return source->kind == RECOVER_DIR ? recover_dir_claim(source, err) : 0;
}

int recover_source_restore(struct recover_source *source,
                           struct machine *machine, struct err *err)
{
    int rv = source->kind == RECOVER_DIR
                 ? recover_dir_restore(source, machine, err)
                 : recover_file_restore(source, machine, err);

    return rv == 0 ? 0 : err_wrap(err, "%s", source->path);
}

/* ---- Chunks ---- */

void recover_source_add(struct recover_source *source,
                        const struct chunk_name *name, uint64_t at,
                        uint32_t row)
{
    if (source->have_count == source->have_room) {
        source->have_room =
            source->have_room == 0 ? 1024 : source->have_room * 2;
        source->have = mem_must_resize(source->have, source->have_room *
                                                         sizeof *source->have);
    }
    source->have[source->have_count++] =
        (struct recover_have){.name = *name, .at = at, .row = row};
}

static int compare_have(const void *left, const void *right)
{
    const struct recover_have *a = left;
    const struct recover_have *b = right;

    return compare_names(&a->name, &b->name);
}

/* The longest of those that begin alike comes last. */
static int compare_names(const struct chunk_name *a, const struct chunk_name *b)
{
    if (a->uid != b->uid) {
        return a->uid < b->uid ? -1 : 1;
    }
    if (a->first != b->first) {
        return a->first < b->first ? -1 : 1;
    }
    if (a->last != b->last) {
        return a->last < b->last ? -1 : 1;
    }
    return memcmp(a->chain, b->chain, sizeof a->chain);
}

const struct recover_have *recover_source_find(
    const struct recover_source *source, const struct chunk_name *name)
{
    size_t low = 0;
    size_t high = source->have_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_names(&source->have[middle].name, name);

        if (order == 0) {
            return &source->have[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct recover_have *recover_source_longest(
    const struct recover_source *source, uint64_t uid, uint64_t first)
{
    size_t low = 0;
    size_t high = source->have_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct chunk_name *name = &source->have[middle].name;

        if (name->uid < uid || (name->uid == uid && name->first <= first)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0 || source->have[low - 1].name.uid != uid ||
        source->have[low - 1].name.first != first) {
        return NULL;
    }
    return &source->have[low - 1];
}

int recover_source_read(struct recover_source *source,
                        const struct recover_have *have, struct buf *ret,
                        struct pack_row *ret_row, struct err *err)
{
    struct pack_row row = {.frame_len = 0};
    size_t len = ret->len;
    int rv = source->kind == RECOVER_FILE
                 ? recover_file_read(source, have, &row, err)
                 : recover_packs_read(source, have, &row, err);

    if (rv == 0) {
        (void)must_have_memory(buf_reserve(ret, row.facts.len));
        rv = pack_chunk_decompress(
            &row, (struct bytes){source->frame.data, source->frame.len},
            ret->data + len, err);
    }
    if (rv != 0) {
        return err_wrap(err, "%s", source->path);
    }
    ret->len = len + row.facts.len;
    if (ret_row != NULL) {
        *ret_row = row;
    }
    return 0;
}
