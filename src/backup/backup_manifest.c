/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "backup/backup_manifest.h"

#include <assert.h>
#include <string.h>

#include "backup/backup_file.h"
#include "util/crc32c.h"

static int read_headers(struct disk *disk, struct disk_file *file,
                        struct backup_manifest *ret, struct err *err);
static int read_exactly(struct disk *disk, struct disk_file *file, uint64_t at,
                        void *ret, size_t len, struct err *err);
static int make_way(struct disk *disk, const struct backup_row *row,
                    const struct backup_owner *owner, struct err *err);

bool backup_owner_is(const struct backup_owner *owner,
                     const uint8_t cluster[PACK_CLUSTER_LEN])
{
    for (size_t i = 0; i < owner->count; i++) {
        if (memcmp(owner->ids + i * PACK_CLUSTER_LEN, cluster,
                   PACK_CLUSTER_LEN) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- Headers ------------------------------------------------------------- */

int backup_manifest_open(struct disk *disk, const char *name,
                         const struct backup_owner *owner,
                         struct backup_manifest *ret,
                         struct disk_file **ret_file, struct err *err)
{
    struct backup_manifest manifest;
    char file_name[DISK_NAME_MAX];
    struct disk_file *file;
    int rv;

    backup_manifest_name("", name, file_name);
    rv = disk->ops->open(disk, file_name, false, &file, err);
    if (rv != 0) {
        return rv;
    }
    memset(&manifest, 0, sizeof(manifest));
    rv = read_headers(disk, file, &manifest, err);
    if (rv == 0 && !backup_owner_is(owner, manifest.locations.cluster)) {
        rv = err_set(err, QL_DENIED, "another cluster's node wrote it here");
    }
    if (rv == 0 && strcmp(manifest.front.row.name, name) != 0) {
        rv = err_set(err, QL_DENIED, "the backup in it is called %s",
                     manifest.front.row.name);
    }
    if (rv != 0) {
        disk->ops->close(file);
        (void)err_wrap(err, "%s", file_name);
        return rv;
    }
    *ret = manifest;
    *ret_file = file;
    return 0;
}

static int read_headers(struct disk *disk, struct disk_file *file,
                        struct backup_manifest *ret, struct err *err)
{
    uint8_t header[BACKUP_FRONT_HEADER_LEN];
    uint8_t crc[BACKUP_FRONT_CRC_LEN];
    uint8_t locations[BACKUP_LOCATIONS_HEADER_LEN];
    uint64_t front_len;
    size_t got = 0;
    int rv = disk->ops->size(file, &ret->len, err);

    if (rv == 0) {
        rv = disk->ops->read(file, 0, header, sizeof(header), &got, err);
    }
    if (rv != 0) {
        return rv;
    }
    /* What does not even begin like one is nobody's business. */
    if (got < sizeof(header) || !backup_front_is(header)) {
        return err_set(err, QL_DENIED, "this is no backup");
    }
    rv = backup_front_decode(header, &ret->front, err);
    if (rv != 0) {
        return rv;
    }
    front_len = backup_front_len(&ret->front);
    ret->locations_at = front_len;
    rv = read_exactly(disk, file, front_len - sizeof(crc), crc, sizeof(crc),
                      err);
    if (rv == 0) {
        ret->front_crc = get_u32(crc);
        rv = read_exactly(disk, file, front_len, locations, sizeof(locations),
                          err);
    }
    if (rv == 0) {
        rv = backup_locations_measure(locations, &ret->locations, err);
    }
    if (rv != 0) {
        return rv;
    }
    ret->tail_at = front_len + backup_locations_len(&ret->locations);
    if (ret->locations.front_crc != ret->front_crc ||
        ret->locations.chunks != ret->front.chunks) {
        return err_set(err, QL_CORRUPT, "its locations belong to another one");
    }
    if (ret->len != ret->tail_at + ret->front.tail_len) {
        return err_set(
            err, QL_CORRUPT, "it has %llu bytes instead of %llu",
            (unsigned long long)ret->len,
            (unsigned long long)(ret->tail_at + ret->front.tail_len));
    }
    return 0;
}

static int read_exactly(struct disk *disk, struct disk_file *file, uint64_t at,
                        void *ret, size_t len, struct err *err)
{
    size_t got = 0;
    int rv = disk->ops->read(file, at, ret, len, &got, err);

    if (rv == 0 && got != len) {
        rv = err_set(err, QL_CORRUPT, "it is cut off");
    }
    return rv;
}

/* ---- Parts --------------------------------------------------------------- */

int backup_manifest_read_front(struct disk *disk, struct disk_file *file,
                               const struct backup_manifest *manifest,
                               struct buf *ret, struct err *err)
{
    struct backup_front front = {.chunks = 0};
    struct bytes bytes = {NULL, (size_t)manifest->locations_at};
    size_t start = ret->len;
    int rv = backup_file_read(disk, file, 0, bytes.len, ret, err);

    if (rv == 0) {
        bytes.data = ret->data + start;
        rv = backup_front_check(bytes, &front, err);
    }
    if (rv == 0 && get_u32(bytes.data + bytes.len - BACKUP_FRONT_CRC_LEN) !=
                       manifest->front_crc) {
        rv = err_set(err, QL_CORRUPT, "it changes while it is read");
    }
    return rv;
}

int backup_manifest_read_locations(struct disk *disk, struct disk_file *file,
                                   const struct backup_manifest *manifest,
                                   struct buf *ret, struct err *err)
{
    struct backup_locations locations = {.packs = 0};
    struct bytes bytes = {NULL,
                          (size_t)(manifest->tail_at - manifest->locations_at)};
    size_t start = ret->len;
    int rv = backup_file_read(disk, file, manifest->locations_at, bytes.len,
                              ret, err);

    if (rv == 0) {
        bytes.data = ret->data + start;
        rv = backup_locations_check(bytes, &locations, err);
    }
    return rv;
}

int backup_manifest_read_tail(struct disk *disk, struct disk_file *file,
                              const struct backup_manifest *manifest,
                              struct buf *ret, struct err *err)
{
    size_t len = (size_t)manifest->front.tail_len;
    size_t start = ret->len;
    int rv = backup_file_read(disk, file, manifest->tail_at, len, ret, err);

    if (rv == 0 &&
        crc32c(0, ret->data + start, len) != manifest->front.tail_crc) {
        rv = err_set(err, QL_CORRUPT,
                     "the checksum of the open chunks is wrong");
    }
    return rv;
}

int backup_manifest_read_location(struct disk *disk, struct disk_file *file,
                                  const struct backup_manifest *manifest,
                                  uint32_t number, struct backup_location *ret,
                                  struct err *err)
{
    const struct backup_locations *locations = &manifest->locations;
    uint64_t packs_at = manifest->locations_at + BACKUP_LOCATIONS_HEADER_LEN;
    uint8_t item[BACKUP_LOCATION_LEN];
    uint8_t pack[8];
    int rv;

    assert(number < locations->chunks);
    rv = read_exactly(disk, file,
                      packs_at + (uint64_t)locations->packs * 8 +
                          (uint64_t)number * BACKUP_LOCATION_LEN,
                      item, sizeof(item), err);
    if (rv == 0 && get_u32(item) >= locations->packs) {
        rv = err_set(err, QL_CORRUPT, "chunk %u has no place", number);
    }
    if (rv == 0) {
        rv = read_exactly(disk, file, packs_at + (uint64_t)get_u32(item) * 8,
                          pack, sizeof(pack), err);
    }
    if (rv == 0) {
        *ret = (struct backup_location){get_u64(pack), get_u32(item + 4)};
    }
    return rv;
}

int backup_manifest_read_row(struct disk *disk, struct disk_file *file,
                             const struct backup_manifest *manifest,
                             uint32_t number, struct pack_row *ret,
                             struct err *err)
{
    uint8_t bytes[PACK_ROW_LEN];
    int rv;

    assert(number < manifest->front.chunks);
    rv = read_exactly(disk, file, backup_front_row_at(number), bytes,
                      sizeof(bytes), err);
    return rv != 0 ? rv : pack_row_decode(bytes, ret, err);
}

/* ---- Writing ------------------------------------------------------------- */

int backup_manifest_put(struct disk *disk, const struct backup_parts *parts,
                        const struct backup_owner *owner, uint64_t *ret_len,
                        struct err *err)
{
    struct backup_front front = {.chunks = 0};
    struct backup_locations header = {.new_bytes = parts->new_bytes,
                                      .stored_bytes = parts->stored_bytes};
    struct buf locations = BUF_INIT;
    char file_name[DISK_NAME_MAX];
    int rv = backup_front_decode(parts->front.data, &front, err);

    assert(rv == 0);
    header.chunks = front.chunks;
    header.front_crc =
        get_u32(parts->front.data + parts->front.len - BACKUP_FRONT_CRC_LEN);
    memcpy(header.cluster, owner->ids, PACK_CLUSTER_LEN);
    rv = make_way(disk, &front.row, owner, err);
    if (rv == 0) {
        struct bytes runs[3] = {parts->front};

        backup_locations_encode(&header, parts->items, &locations);
        runs[1] = (struct bytes){locations.data, locations.len};
        runs[2] = parts->tail;
        backup_manifest_name("", front.row.name, file_name);
        rv = backup_file_put(disk, BACKUP_MANIFEST_ASIDE, file_name, runs, 3,
                             true, err);
        *ret_len = runs[0].len + runs[1].len + runs[2].len;
    }
    buf_close(&locations);
    return rv;
}

/* What has the name may be replaced, is set aside, or stays. */
static int make_way(struct disk *disk, const struct backup_row *row,
                    const struct backup_owner *owner, struct err *err)
{
    struct backup_manifest manifest;
    struct disk_file *file;
    char from[DISK_NAME_MAX];
    char to[DISK_NAME_MAX];
    int rv =
        backup_manifest_open(disk, row->name, owner, &manifest, &file, err);

    if (rv == QL_NOT_FOUND) {
        return 0;
    }
    backup_manifest_name("", row->name, from);
    if (rv == 0) {
        disk->ops->close(file);
        if (backup_row_is_same(&manifest.front.row, row)) {
            return 0;
        }
        rv = QL_DENIED;
    }
    if (rv == QL_CORRUPT) {
        backup_manifest_name(BACKUP_QUARANTINE, row->name, to);
        return disk->ops->rename(disk, from, to, err);
    }
    if (rv == QL_DENIED || rv == QL_INVALID) {
        return err_set(err, QL_EXISTS, "%s is in the way: move it elsewhere",
                       from);
    }
    return rv;
}

int backup_manifest_remove(struct disk *disk, const struct backup_row *row,
                           const struct backup_owner *owner, struct err *err)
{
    struct backup_manifest manifest;
    struct disk_file *file;
    char name[DISK_NAME_MAX];
    bool is_it;
    int rv =
        backup_manifest_open(disk, row->name, owner, &manifest, &file, err);

    if (rv == QL_NOT_FOUND) {
        return rv;
    }
    backup_manifest_name("", row->name, name);
    is_it = rv == QL_CORRUPT;
    if (rv == 0) {
        disk->ops->close(file);
        is_it = backup_row_is_same(&manifest.front.row, row);
    } else if (!is_it && rv != QL_DENIED && rv != QL_INVALID) {
        return rv;
    }
    if (!is_it) {
        return err_set(err, QL_EXISTS, "%s is another one now", name);
    }
    return disk->ops->remove(disk, name, err);
}
