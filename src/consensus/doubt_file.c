/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/doubt_file.h"

#include <string.h>

#include "util/buf.h"
#include "util/crc32c.h"

#define NAME "doubt"
#define NEW_NAME "doubt.new"
#define MAGIC "QLD1"
#define BYTES 16u

int doubt_file_load(struct disk *disk, raft_term *ret_term, struct err *err)
{
    uint8_t bytes[BYTES];
    struct disk_file *file;
    size_t len = 0;
    int rv = disk->ops->open(disk, NAME, false, &file, err);

    if (rv != 0) {
        return rv;
    }
    rv = disk->ops->read(file, 0, bytes, BYTES, &len, err);
    disk->ops->close(file);
    if (rv != 0) {
        return rv;
    }
    if (len < BYTES || memcmp(bytes, MAGIC, 4) != 0 ||
        get_u32(bytes + 4) != crc32c(0, bytes + 8, BYTES - 8)) {
        return err_set(err, QL_CORRUPT, "%s is damaged", NAME);
    }
    *ret_term = get_u64(bytes + 8);
    return 0;
}

int doubt_file_store(struct disk *disk, raft_term term, struct err *err)
{
    uint8_t bytes[BYTES];
    struct disk_file *file;
    int rv = disk->ops->open(disk, NEW_NAME, true, &file, err);

    if (rv != 0) {
        return rv;
    }
    memcpy(bytes, MAGIC, 4);
    put_u64(bytes + 8, term);
    put_u32(bytes + 4, crc32c(0, bytes + 8, BYTES - 8));
    rv = disk->ops->write_sync(file, 0, bytes, BYTES, err);
    disk->ops->close(file);
    return rv == 0 ? disk->ops->rename(disk, NEW_NAME, NAME, err) : rv;
}

int doubt_file_remove(struct disk *disk, struct err *err)
{
    int rv = disk->ops->remove(disk, NAME, err);

    return rv == QL_NOT_FOUND ? 0 : rv;
}
