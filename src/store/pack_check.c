/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/pack_check.h"

#include <stdlib.h>
#include <string.h>

#include "store/chunk_store_internal.h"
#include "store/pack_read.h"
#include "util/mem.h"

#define NOWHERE UINT64_MAX
#define STEP_BYTES (1u * MIB) /* aligned, so that reads are direct */

static int read_file(struct disk *disk, const struct pack_check *check,
                     uint8_t **ret_bytes, size_t *ret_len, struct err *err);
static int read_steps(struct disk *disk, struct disk_file *file,
                      uint8_t *memory, size_t room, size_t *ret_len,
                      struct err *err);
static int check_front(const struct pack_check *check, struct bytes file,
                       struct err *err);
static int check_rows(const struct pack_check *check, struct bytes file,
                      bool *ret_bad, struct err *err);
static int check_row(const struct pack_check *check, struct bytes file,
                     uint32_t slot, uint64_t *at, uint8_t *raw,
                     struct err *err);

int pack_check(struct disk *disk, const struct pack_check *check, bool *ret_bad,
               struct err *err)
{
    struct bytes file = {NULL, 0};
    uint8_t *bytes = NULL;
    struct err row_err = {0};
    int row_rv;
    int rv = read_file(disk, check, &bytes, &file.len, err);

    if (rv != 0) {
        memset(ret_bad, rv == QL_NOT_FOUND, check->rows * sizeof(*ret_bad));
        return rv;
    }
    file.data = bytes;
    rv = check_front(check, file, err);
    row_rv = check_rows(check, file, ret_bad, &row_err);
    free(bytes);
    if (rv == 0 && row_rv != 0) {
        rv = err_set(err, row_rv, "%s", row_err.text);
    }
    return rv;
}

static int read_file(struct disk *disk, const struct pack_check *check,
                     uint8_t **ret_bytes, size_t *ret_len, struct err *err)
{
    /* One step more than it should have shows what is behind its end. */
    size_t room = ((size_t)check->file_len / STEP_BYTES + 2) * STEP_BYTES;
    char name[DISK_NAME_MAX];
    struct disk_file *file;
    uint8_t *memory;
    int rv;

    pack_name(check->prefix == NULL ? "" : check->prefix, check->number,
              PACK_SUFFIX, name);
    rv = disk->ops->open(disk, name, false, &file, err);
    if (rv != 0) {
        return rv;
    }
    if (disk->ops->uncache != NULL) {
        disk->ops->uncache(file);
    }
    memory = aligned_alloc(DISK_BLOCK, room);
    if (memory == NULL) {
        rv = err_set(err, QL_NO_MEMORY, "no memory to read a pack");
    } else {
        rv = read_steps(disk, file, memory, room, ret_len, err);
    }
    disk->ops->close(file);
    if (rv != 0) {
        free(memory);
        return rv;
    }
    *ret_bytes = memory;
    return 0;
}

static int read_steps(struct disk *disk, struct disk_file *file,
                      uint8_t *memory, size_t room, size_t *ret_len,
                      struct err *err)
{
    size_t len = 0;
    size_t got = STEP_BYTES;

    while (len < room && got == STEP_BYTES) {
        int rv =
            disk->ops->read(file, len, memory + len, STEP_BYTES, &got, err);

        if (rv != 0) {
            return rv;
        }
        len += got;
    }
    *ret_len = len;
    return 0;
}

static int check_front(const struct pack_check *check, struct bytes file,
                       struct err *err)
{
    struct pack_header header = {0};
    struct bytes front = {file.data, 0};
    int rv;

    if (file.len != check->file_len) {
        return err_set(err, QL_CORRUPT, "it has %zu bytes instead of %llu",
                       file.len, (unsigned long long)check->file_len);
    }
    rv = pack_front_measure(file.data, &front.len, err);
    if (rv == 0 && front.len != pack_front_len(check->rows)) {
        rv = err_set(err, QL_CORRUPT, "the count of rows is wrong");
    }
    if (rv == 0) {
        rv = pack_front_decode(front, &header, err);
    }
    if (rv != 0) {
        return rv;
    }
    if (header.number != check->number || header.rows != check->rows ||
        memcmp(header.cluster, check->cluster, PACK_CLUSTER_LEN) != 0) {
        return err_set(err, QL_CORRUPT, "the header is of another pack");
    }
    return 0;
}

static int check_rows(const struct pack_check *check, struct bytes file,
                      bool *ret_bad, struct err *err)
{
    uint8_t *raw = mem_must_alloc(CHUNK_BYTES_MAX);
    uint64_t at = pack_front_len(check->rows);
    int rv = 0;

    for (uint32_t i = 0; i < check->rows; i++) {
        int row_rv = check_row(check, file, i, &at, raw, rv == 0 ? err : NULL);

        ret_bad[i] = row_rv != 0;
        rv = rv != 0 ? rv : row_rv;
    }
    free(raw);
    if (rv == 0 && at != file.len) { /* then all rows told */
        rv = err_set(err, QL_CORRUPT, "something stands behind the last frame");
    }
    return rv;
}

/* @at: where its frame should begin, or NOWHERE when the row before did not tell;
 * where the next one should, then. */
static int check_row(const struct pack_check *check, struct bytes file,
                     uint32_t slot, uint64_t *at, uint8_t *raw, struct err *err)
{
    const struct chunk_name *name = &check->names[slot];
    uint64_t row_at = pack_front_len(slot);
    uint64_t expected = *at;
    struct bytes frame;
    struct pack_row row;
    int rv;

    *at = NOWHERE;
    if (file.len < row_at + PACK_ROW_LEN) {
        return err_set(err, QL_CORRUPT, "the file ends within the rows");
    }
    rv = pack_row_decode(file.data + row_at, &row, err);
    if (rv != 0) {
        return rv;
    }
    if (name->uid != 0 && !chunk_name_equal(name, &row.facts.name)) {
        return err_set(err, QL_CORRUPT, "row %u is of another chunk", slot);
    }
    if (row.frame_at > file.len || row.frame_len > file.len - row.frame_at) {
        return err_set(err, QL_CORRUPT, "the file ends within frame %u", slot);
    }
    if (expected != NOWHERE && row.frame_at != expected) {
        rv = err_set(err, QL_CORRUPT, "frame %u is out of place", slot);
    }
    *at = row.frame_at + row.frame_len;
    frame = (struct bytes){file.data + row.frame_at, row.frame_len};
    if (rv == 0) {
        rv = pack_chunk_decompress(&row, frame, raw, err);
    }
    if (rv == 0) {
        struct bytes bytes = {raw, row.facts.len};

        rv = chunk_memory_check(bytes, &row.facts, row.from, err);
    }
    return rv;
}
