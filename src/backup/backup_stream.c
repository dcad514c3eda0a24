/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "backup/backup_stream.h"

#include "util/crc32c.h"

uint64_t backup_stream_tail_at(const struct backup_front *front)
{
    return front->stream_len - front->tail_len;
}

enum backup_stream_part backup_stream_at(const struct backup_front *front,
                                         uint64_t offset, uint64_t *ret_left)
{
    uint64_t front_len = backup_front_len(front);
    uint64_t tail_at = backup_stream_tail_at(front);

    if (offset < front_len) {
        *ret_left = front_len - offset;
        return BACKUP_STREAM_FRONT;
    }
    if (offset < tail_at) {
        *ret_left = tail_at - offset;
        return BACKUP_STREAM_FRAMES;
    }
    if (offset < front->stream_len) {
        *ret_left = front->stream_len - offset;
        return BACKUP_STREAM_TAIL;
    }
    *ret_left = 0;
    return BACKUP_STREAM_END;
}

int backup_stream_tail_unpack(const struct backup_front *front,
                              struct bytes tail, uint8_t *ret, struct err *err)
{
    if (tail.len != front->tail_len ||
        crc32c(0, tail.data, tail.len) != front->tail_crc) {
        return err_set(err, QL_CORRUPT,
                       "the checksum of the open chunks is wrong");
    }
    if (tail.len == 0) {
        return 0;
    }
    return pack_frame_decompress(tail, ret, (size_t)front->tail_raw_len, err);
}
