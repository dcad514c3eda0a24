/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/snapshot_dir.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/snapshot_names.h"
#include "store/readback.h"
#include "util/crc32c.h"
#include "util/hash128.h"

#define NEW_NAME "snapshot.new"
#define STAGED_NAME "snapshot.staged"
#define COMMITTED_NAME "snapshot.peer"
#define FILE_MAGIC "QLF1"
#define FRONT_BYTES 64u
#define STEP_BYTES (256u * 1024u) /* of a file that is only looked at */

/* The first bytes of a file. */
struct front {
    raft_term term;
    raft_index configuration_index;
    uint64_t configuration_len;
};

static int store_as(struct disk *disk, const char *name,
                    const struct snapshot_meta *meta, const struct bytes *parts,
                    size_t parts_count, struct err *err);
static int set_all_aside(struct disk *disk, struct err *err);
static int free_name(struct disk *disk, const char *name,
                     char ret_free[DISK_NAME_MAX], struct err *err);
static int remove_but(struct disk *disk, size_t kept, raft_index *ret_oldest,
                      struct err *err);
static int file_load(struct disk *disk, const char *name, struct buf *ret_data,
                     struct err *err);
static bool front_decode(const uint8_t *bytes, uint64_t size, raft_index index,
                         struct front *ret);
static int file_view(struct disk *disk, struct disk_file *file,
                     struct snapshot_view *view, uint8_t *memory,
                     struct err *err);
static bool file_decode(const struct buf *data, raft_index index,
                        struct snapshot_meta *ret_meta, size_t *ret_data_at);
static int file_write(struct disk *disk, struct disk_file *file,
                      const uint8_t *front, const struct snapshot_meta *meta,
                      const struct bytes *parts, size_t parts_count,
                      struct err *err);

int snapshot_dir_load(struct disk *disk, struct snapshot_meta *ret_meta,
                      struct buf *ret_data, size_t *ret_data_at,
                      unsigned *ret_aside, struct err *err)
{
    struct snapshot_names names = {0};
    size_t i;
    int rv;

    *ret_aside = 0;
    rv = disk->ops->sync_directory(disk, err);
    if (rv != 0) {
        return rv;
    }
    rv = snapshot_names_list(disk, &names, err);
    if (rv != 0) {
        return rv;
    }
    rv = names.count == 0
             ? err_set(err, QL_NOT_FOUND, "there is no snapshot")
             : err_set(err, QL_CORRUPT, "every snapshot is damaged");
    for (i = names.count; i > 0; i--) {
        char name[DISK_NAME_MAX];
        char aside[DISK_NAME_MAX];
        int failed;

        snapshot_name(names.items[i - 1], name);
        failed = file_load(disk, name, ret_data, err);
        if (failed == 0 &&
            file_decode(ret_data, names.items[i - 1], ret_meta, ret_data_at)) {
            rv = 0;
            break;
        }
        if (failed == 0) {
            (void)snprintf(aside, sizeof(aside), "%.40s.corrupt", name);
            failed = disk->ops->rename(disk, name, aside, err);
            (*ret_aside)++;
        }
        if (failed != 0) {
            rv = failed;
            break;
        }
    }
    free(names.items);
    return rv;
}

int snapshot_dir_read(struct disk *disk, raft_index index,
                      struct snapshot_meta *ret_meta, struct buf *ret_data,
                      size_t *ret_data_at, struct err *err)
{
    char name[DISK_NAME_MAX];
    int rv;

    snapshot_name(index, name);
    rv = file_load(disk, name, ret_data, err);
    if (rv == 0 && !file_decode(ret_data, index, ret_meta, ret_data_at)) {
        rv = err_set(err, QL_CORRUPT, "%s is damaged", name);
    }
    return rv;
}

int snapshot_dir_view(struct disk *disk,
                      void (*each)(void *data,
                                   const struct snapshot_view *view),
                      void *data, struct err *err)
{
    struct snapshot_names names = {0};
    uint8_t *memory = malloc(STEP_BYTES);
    int rv = memory == NULL ? err_set(err, QL_NO_MEMORY, "out of memory")
                            : snapshot_names_list(disk, &names, err);

    for (size_t i = 0; i < names.count && rv == 0; i++) {
        struct snapshot_view view = {.index = names.items[i]};
        char name[DISK_NAME_MAX];
        struct disk_file *file;

        snapshot_name(view.index, name);
        rv = disk->ops->open(disk, name, false, &file, err);
        if (rv == 0) {
            rv = file_view(disk, file, &view, memory, err);
            disk->ops->close(file);
        }
        if (rv == 0) {
            each(data, &view);
        }
    }
    free(names.items);
    free(memory);
    return rv;
}

int snapshot_dir_store(struct disk *disk, const struct snapshot_meta *meta,
                       const struct bytes *parts, size_t parts_count,
                       struct err *err)
{
    char name[DISK_NAME_MAX];

    snapshot_name(meta->index, name);
    return store_as(disk, name, meta, parts, parts_count, err);
}

int snapshot_dir_stage(struct disk *disk, const struct snapshot_meta *meta,
                       const struct bytes *parts, size_t parts_count,
                       struct err *err)
{
    return store_as(disk, STAGED_NAME, meta, parts, parts_count, err);
}

int snapshot_dir_commit_staged(struct disk *disk, struct err *err)
{
    return disk->ops->rename(disk, STAGED_NAME, COMMITTED_NAME, err);
}

int snapshot_dir_take_staged(struct disk *disk, raft_index *ret_index,
                             struct err *err)
{
    char name[DISK_NAME_MAX];
    struct snapshot_meta meta;
    struct buf data = BUF_INIT;
    size_t at;
    int rv = file_load(disk, COMMITTED_NAME, &data, err);

    *ret_index = 0;
    if (rv == QL_NOT_FOUND) {
        rv = 0;
        goto close_data;
    }
    if (rv != 0) {
        goto close_data;
    }
    if (data.len < FRONT_BYTES ||
        !file_decode(&data, get_u64(data.data + 8), &meta, &at)) {
        rv = disk->ops->rename(disk, COMMITTED_NAME, COMMITTED_NAME ".corrupt",
                               err);
        goto close_data;
    }
    rv = set_all_aside(disk, err);
    if (rv == 0) {
        snapshot_name(meta.index, name);
        rv = disk->ops->rename(disk, COMMITTED_NAME, name, err);
        *ret_index = meta.index;
    }

close_data:
    buf_close(&data);
    return rv;
}

static int store_as(struct disk *disk, const char *name,
                    const struct snapshot_meta *meta, const struct bytes *parts,
                    size_t parts_count, struct err *err)
{
    struct bytes runs[SNAPSHOT_PARTS_MAX + 1];
    uint8_t front[FRONT_BYTES] = {0};
    struct disk_file *file;
    uint64_t data_len = 0;
    size_t i;
    int rv;

    if (parts_count > SNAPSHOT_PARTS_MAX) {
        return err_set(err, QL_TOO_LARGE, "a snapshot in %zu parts",
                       parts_count);
    }
    runs[0] = meta->configuration;
    for (i = 0; i < parts_count; i++) {
        runs[i + 1] = parts[i];
        data_len += parts[i].len;
    }
    memcpy(front, FILE_MAGIC, 4);
    put_u64(front + 8, meta->index);
    put_u64(front + 16, meta->term);
    put_u64(front + 24, meta->configuration_index);
    put_u64(front + 32, meta->configuration.len);
    put_u64(front + 40, data_len);
    hash128_runs(runs, parts_count + 1, front + 48);
    put_u32(front + 4, crc32c(0, front + 8, FRONT_BYTES - 8));

    /* A leftover could be longer than what is written now. */
    rv = disk->ops->remove(disk, NEW_NAME, err);
    if (rv != 0 && rv != QL_NOT_FOUND) {
        return rv;
    }
    rv = disk->ops->open(disk, NEW_NAME, true, &file, err);
    if (rv != 0) {
        return rv;
    }
    rv = file_write(disk, file, front, meta, parts, parts_count, err);
    if (rv == 0) {
        rv = readback(disk, file, (struct bytes){front, FRONT_BYTES},
                      meta->configuration.len + data_len, front + 48, err);
    }
    disk->ops->close(file);
    if (rv != 0) {
        (void)disk->ops->remove(disk, NEW_NAME, NULL);
        return rv;
    }
    return disk->ops->rename(disk, NEW_NAME, name, err);
}

int snapshot_dir_clean(struct disk *disk, raft_index *ret_oldest,
                       struct err *err)
{
    return remove_but(disk, SNAPSHOTS_KEPT, ret_oldest, err);
}

int snapshot_dir_thin(struct disk *disk, struct err *err)
{
    raft_index newest;

    return remove_but(disk, 1, &newest, err);
}

static int set_all_aside(struct disk *disk, struct err *err)
{
    struct snapshot_names names = {0};
    int rv = snapshot_names_list(disk, &names, err);

    for (size_t i = 0; rv == 0 && i < names.count; i++) {
        char name[DISK_NAME_MAX];
        char aside[DISK_NAME_MAX];

        snapshot_name(names.items[i], name);
        rv = free_name(disk, name, aside, err);
        rv = rv != 0 ? rv : disk->ops->rename(disk, name, aside, err);
    }
    free(names.items);
    return rv;
}

/* What was set aside before is not written over. */
static int free_name(struct disk *disk, const char *name,
                     char ret_free[DISK_NAME_MAX], struct err *err)
{
    struct disk_file *file;
    int rv = 0;

    for (unsigned i = 1; rv == 0; i++) {
        if (i == 1) {
            (void)snprintf(ret_free, DISK_NAME_MAX, "%.40s.suspect", name);
        } else {
            (void)snprintf(ret_free, DISK_NAME_MAX, "%.40s.suspect-%u", name,
                           i);
        }
        rv = disk->ops->open(disk, ret_free, false, &file, err);
        if (rv == 0) {
            disk->ops->close(file);
        }
    }
    return rv == QL_NOT_FOUND ? 0 : rv;
}

/* Leaves the newest @kept. */
static int remove_but(struct disk *disk, size_t kept, raft_index *ret_oldest,
                      struct err *err)
{
    struct snapshot_names names = {0};
    size_t i;
    int rv;

    rv = disk->ops->remove(disk, NEW_NAME, err);
    if (rv != 0 && rv != QL_NOT_FOUND) {
        return rv;
    }
    rv = snapshot_names_list(disk, &names, err);
    for (i = 0; rv == 0 && i + kept < names.count; i++) {
        char name[DISK_NAME_MAX];

        snapshot_name(names.items[i], name);
        rv = disk->ops->remove(disk, name, err);
    }
    if (rv == 0) {
        *ret_oldest = i < names.count ? names.items[i] : 0;
    }
    free(names.items);
    return rv;
}

/* ---- Files ---- */

static int file_load(struct disk *disk, const char *name, struct buf *ret_data,
                     struct err *err)
{
    struct disk_file *file;
    uint64_t size = 0;
    size_t got = 0;
    int rv;

    rv = disk->ops->open(disk, name, false, &file, err);
    if (rv != 0) {
        return rv;
    }
    rv = disk->ops->size(file, &size, err);
    if (rv != 0) {
        goto close_file;
    }
    buf_consume(ret_data, ret_data->len);
    rv = buf_reserve(ret_data, (size_t)size + 1);
    if (rv != 0) {
        (void)err_set(err, rv, "no memory for %s", name);
        goto close_file;
    }
    rv = disk->ops->read(file, 0, ret_data->data, (size_t)size, &got, err);
    ret_data->len = got;

close_file:
    disk->ops->close(file);
    return rv;
}

static bool file_decode(const struct buf *data, raft_index index,
                        struct snapshot_meta *ret_meta, size_t *ret_data_at)
{
    uint8_t hash[HASH128_LEN];
    struct front front;

    if (!front_decode(data->data, data->len, index, &front)) {
        return false;
    }
    hash128(data->data + FRONT_BYTES, data->len - FRONT_BYTES, hash);
    if (memcmp(hash, data->data + 48, HASH128_LEN) != 0) {
        return false;
    }
    ret_meta->index = index;
    ret_meta->term = front.term;
    ret_meta->configuration_index = front.configuration_index;
    ret_meta->configuration.data = data->data + FRONT_BYTES;
    ret_meta->configuration.len = (size_t)front.configuration_len;
    *ret_data_at = FRONT_BYTES + (size_t)front.configuration_len;
    return true;
}

/* Of a file of @size bytes, of which @bytes has the first FRONT_BYTES if there
 * are so many. */
static bool front_decode(const uint8_t *bytes, uint64_t size, raft_index index,
                         struct front *ret)
{
    uint64_t configuration_len;

    if (size < FRONT_BYTES || memcmp(bytes, FILE_MAGIC, 4) != 0 ||
        get_u32(bytes + 4) != crc32c(0, bytes + 8, FRONT_BYTES - 8) ||
        get_u64(bytes + 8) != index) {
        return false;
    }
    configuration_len = get_u64(bytes + 32);
    if (configuration_len > size - FRONT_BYTES ||
        get_u64(bytes + 40) != size - FRONT_BYTES - configuration_len) {
        return false;
    }
    ret->term = get_u64(bytes + 16);
    ret->configuration_index = get_u64(bytes + 24);
    ret->configuration_len = configuration_len;
    return true;
}

/* With @memory of STEP_BYTES. */
static int file_view(struct disk *disk, struct disk_file *file,
                     struct snapshot_view *view, uint8_t *memory,
                     struct err *err)
{
    struct hash128_stream *stream;
    uint8_t want[HASH128_LEN];
    uint8_t hash[HASH128_LEN];
    struct front front;
    uint64_t at = FRONT_BYTES;
    size_t got = 0;
    int rv = disk->ops->size(file, &view->size, err);

    if (rv == 0) {
        rv = disk->ops->read(file, 0, memory, FRONT_BYTES, &got, err);
    }
    if (rv != 0 || got < FRONT_BYTES ||
        !front_decode(memory, view->size, view->index, &front)) {
        return rv;
    }
    memcpy(want, memory + 48, sizeof(want));
    stream = hash128_stream_new();
    if (stream == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    do {
        rv = disk->ops->read(file, at, memory, STEP_BYTES, &got, err);
        if (rv == 0) {
            hash128_stream_add(stream, memory, got);
            at += got;
        }
    } while (rv == 0 && got > 0);
    hash128_stream_end(stream, hash);
    view->good =
        rv == 0 && at == view->size && memcmp(hash, want, sizeof(want)) == 0;
    view->term = front.term;
    view->configuration_index = front.configuration_index;
    return rv;
}

static int file_write(struct disk *disk, struct disk_file *file,
                      const uint8_t *front, const struct snapshot_meta *meta,
                      const struct bytes *parts, size_t parts_count,
                      struct err *err)
{
    uint64_t offset = FRONT_BYTES;
    size_t i;
    int rv;

    rv = disk->ops->write_sync(file, 0, front, FRONT_BYTES, err);
    if (rv == 0 && meta->configuration.len > 0) {
        rv = disk->ops->write_sync(file, offset, meta->configuration.data,
                                   meta->configuration.len, err);
        offset += meta->configuration.len;
    }
    for (i = 0; i < parts_count && rv == 0; i++) {
        if (parts[i].len > 0) {
            rv = disk->ops->write_sync(file, offset, parts[i].data,
                                       parts[i].len, err);
            offset += parts[i].len;
        }
    }
    return rv;
}
