/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/pack_read.h"

#include "machine/must.h"
#include "machine/spare.h"
#include "store/chunk_store_internal.h"

int pack_read_chunk(struct disk *disk, uint64_t number, uint32_t slot,
                    const struct chunk_name *name, struct pack_row *ret_row,
                    struct buf *ret_frame, struct err *err)
{
    char file_name[DISK_NAME_MAX];
    struct disk_file *file;
    int rv;

    pack_name("", number, PACK_SUFFIX, file_name);
    rv = disk->ops->open(disk, file_name, false, &file, err);
    if (rv != 0) {
        return rv;
    }
    rv = pack_read_row(disk, file, slot, name, ret_row, err);
    if (rv == 0) {
        spare_buf_reserve(ret_frame, ret_row->frame_len);
        rv = pack_read_frame(disk, file, ret_row, ret_frame, err);
    }
    disk->ops->close(file);
    if (rv != 0) {
        (void)err_wrap(err, "%s", file_name);
    }
    return rv;
}

int pack_read_row(struct disk *disk, struct disk_file *file, uint32_t slot,
                  const struct chunk_name *name, struct pack_row *ret,
                  struct err *err)
{
    uint8_t bytes[PACK_ROW_LEN];
    struct pack_row row;
    int rv;

    rv = pack_read_exactly(disk, file, pack_front_len(slot), bytes,
                           sizeof(bytes), err);
    if (rv == 0) {
        rv = pack_row_decode(bytes, &row, err);
    }
    if (rv != 0) {
        return rv;
    }
    if (!chunk_name_equal(&row.facts.name, name)) {
        return err_set(err, QL_CORRUPT, "row %u is of another chunk", slot);
    }
    *ret = row;
    return 0;
}

int pack_read_frame(struct disk *disk, struct disk_file *file,
                    const struct pack_row *row, struct buf *ret,
                    struct err *err)
{
    int rv;

    (void)must_have_memory(buf_reserve(ret, row->frame_len));
    rv = pack_read_exactly(disk, file, row->frame_at, ret->data + ret->len,
                           row->frame_len, err);
    if (rv == 0) {
        ret->len += row->frame_len;
    }
    return rv;
}

int pack_read_exactly(struct disk *disk, struct disk_file *file, uint64_t at,
                      void *ret_bytes, size_t len, struct err *err)
{
    size_t got = 0;
    int rv = disk->ops->read(file, at, ret_bytes, len, &got, err);

    if (rv == 0 && got != len) {
        rv = err_set(err, QL_CORRUPT, "the pack is cut off");
    }
    return rv;
}
