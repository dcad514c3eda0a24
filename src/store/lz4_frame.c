/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/lz4_frame.h"

#include <string.h>

static int check(LZ4F_dctx *lz4, struct bytes frame,
                 const struct lz4_frame_kind *kind, size_t *ret_header_len,
                 struct err *err);
static int read_blocks(LZ4F_dctx *lz4, struct bytes blocks,
                       const struct lz4_frame_kind *kind, uint8_t *ret,
                       struct err *err);

int lz4_frame_read(struct bytes frame, const struct lz4_frame_kind *kind,
                   uint8_t *ret, struct err *err)
{
    LZ4F_dctx *lz4;
    size_t header_len = 0;
    int rv;

    if (LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION))) {
        return err_set(err, QL_NO_MEMORY, "no memory to decompress %s",
                       kind->what);
    }
    rv = check(lz4, frame, kind, &header_len, err);
    if (rv == 0) {
        struct bytes blocks = {frame.data + header_len, frame.len - header_len};

        rv = read_blocks(lz4, blocks, kind, ret, err);
    }
    (void)LZ4F_freeDecompressionContext(lz4);
    return rv;
}

static int check(LZ4F_dctx *lz4, struct bytes frame,
                 const struct lz4_frame_kind *kind, size_t *ret_header_len,
                 struct err *err)
{
    const LZ4F_frameInfo_t *expected = &kind->info;
    LZ4F_frameInfo_t info;
    size_t header_len = frame.len;
    size_t rv;

    memset(&info, 0, sizeof(info));
    rv = LZ4F_getFrameInfo(lz4, &info, frame.data, &header_len);
    if (LZ4F_isError(rv)) {
        return err_set(err, QL_CORRUPT, "frame: %s", LZ4F_getErrorName(rv));
    }
    if (info.frameType != LZ4F_frame || info.dictID != 0 ||
        info.contentSize != expected->contentSize ||
        info.blockSizeID != expected->blockSizeID ||
        info.blockMode != expected->blockMode ||
        info.contentChecksumFlag != expected->contentChecksumFlag ||
        info.blockChecksumFlag != expected->blockChecksumFlag) {
        return err_set(err, QL_CORRUPT, "the frame is not one of %s",
                       kind->what);
    }
    *ret_header_len = header_len;
    return 0;
}

static int read_blocks(LZ4F_dctx *lz4, struct bytes blocks,
                       const struct lz4_frame_kind *kind, uint8_t *ret,
                       struct err *err)
{
    size_t len = (size_t)kind->info.contentSize;
    LZ4F_decompressOptions_t options;
    size_t at = 0;
    size_t done = 0;
    size_t hint = 1;

    memset(&options, 0, sizeof(options));
    options.stableDst = 1;
    options.skipChecksums = kind->skips_checksum;
    while (hint != 0) {
        size_t taken = blocks.len - at;
        size_t given = len - done;

        hint = LZ4F_decompress(lz4, ret + done, &given, blocks.data + at,
                               &taken, &options);
        if (LZ4F_isError(hint)) {
            return err_set(err, QL_CORRUPT, "frame: %s",
                           LZ4F_getErrorName(hint));
        }
        if (hint != 0 && taken == 0 && given == 0) {
            return err_set(err, QL_CORRUPT, "the frame is cut off");
        }
        at += taken;
        done += given;
    }
    if (at != blocks.len || done != len) {
        return err_set(err, QL_CORRUPT, "the frame has the wrong length");
    }
    return 0;
}
