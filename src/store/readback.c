/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/readback.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/limits.h"

/* Aligned, so that reads are direct; what others sync waits behind one of them. */
#define STEP_BYTES (512u * KIB)

static int compare(struct disk *disk, struct disk_file *file,
                   struct bytes front, uint64_t len,
                   struct hash128_stream *stream, uint8_t *memory,
                   bool *ret_equal, struct err *err);

int readback(struct disk *disk, struct disk_file *file, struct bytes front,
             uint64_t len, const uint8_t hash[HASH128_LEN], struct err *err)
{
    struct hash128_stream *stream = hash128_stream_new();
    uint8_t *memory = aligned_alloc(DISK_BLOCK, STEP_BYTES);
    uint8_t found[HASH128_LEN];
    bool equal = false;
    int rv;

    assert(front.len <= STEP_BYTES);
    if (stream == NULL || memory == NULL) {
        free(stream);
        free(memory);
        return err_set(err, QL_NO_MEMORY, "no memory to read a file back");
    }
    if (disk->ops->uncache != NULL) {
        disk->ops->uncache(file);
    }
    rv = compare(disk, file, front, len, stream, memory, &equal, err);
    hash128_stream_end(stream, found);
    free(memory);
    if (rv != 0) {
        return err_wrap(err, "read back what was written");
    }
    if (!equal || memcmp(found, hash, HASH128_LEN) != 0) {
        return err_set(err, QL_CORRUPT,
                       "what was written and synced reads back differently: "
                       "the disk or the memory of this machine is damaged");
    }
    return 0;
}

/* @ret_equal: as far as @front and the length say. */
static int compare(struct disk *disk, struct disk_file *file,
                   struct bytes front, uint64_t len,
                   struct hash128_stream *stream, uint8_t *memory,
                   bool *ret_equal, struct err *err)
{
    uint64_t at = 0;
    size_t got = STEP_BYTES;

    *ret_equal = true;
    while (got == STEP_BYTES) {
        size_t skip = at == 0 ? front.len : 0;
        int rv = disk->ops->read(file, at, memory, STEP_BYTES, &got, err);

        if (rv != 0) {
            return rv;
        }
        if (got < skip || memcmp(memory, front.data, skip) != 0) {
            *ret_equal = false;
            return 0;
        }
        hash128_stream_add(stream, memory + skip, got - skip);
        at += got;
    }
    *ret_equal = at == front.len + len;
    return 0;
}
