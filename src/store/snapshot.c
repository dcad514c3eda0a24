/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "store/snapshot.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>

#include "machine/must.h"
#include "store/lz4_frame.h"
#include "util/crc32c.h"
#include "util/mem.h"

#define SKIPPABLE_MAGIC 0x184D2A51u
#define SNAPSHOT_MAGIC "QLS1"
#define HEADER_LEN 36u
#define HEADER_CRC_AT 12u
#define HEADER_COVERED_AT 16u /* by its checksum, to its end */
#define IMAGE_LEN_AT 16u
#define INDEX_AT 24u
#define IMAGE_CRC_AT 32u
#define PIECE_LEN (1u * MIB) /* given to the compressor at a time */
#define EXPANSION_MAX 255u   /* LZ4 cannot expand further */

struct snapshot_header {
    uint64_t image_len;
    uint64_t index;
    uint32_t image_crc;
};

static LZ4F_preferences_t preferences(uint64_t image_len);
static int compress_view(LZ4F_cctx *lz4, const struct view *view,
                         struct buf *ret, uint32_t *ret_crc, struct err *err);
static int compress_run(LZ4F_cctx *lz4, const LZ4F_preferences_t *how,
                        struct bytes run, struct buf *ret, struct err *err);
static int took(size_t written, struct buf *ret, struct err *err);
static void header_write(uint8_t *at, const struct snapshot_header *header);
static int header_read(struct snapshot_header *ret, struct bytes snapshot,
                       struct err *err);
static int decompress(struct bytes frame, uint8_t *image, size_t len,
                      struct err *err);
static int corrupt(struct err *err, const char *what);

int snapshot_encode(const struct view *view, uint64_t index, struct buf *ret,
                    struct err *err)
{
    struct snapshot_header header = {view_len(view), index, 0};
    size_t start = ret->len;
    LZ4F_cctx *lz4;
    int rv;

    if (LZ4F_isError(LZ4F_createCompressionContext(&lz4, LZ4F_VERSION))) {
        return err_set(err, QL_NO_MEMORY, "snapshot: no compressor");
    }
    (void)must_have_memory(buf_reserve(ret, HEADER_LEN));
    ret->len += HEADER_LEN;
    rv = compress_view(lz4, view, ret, &header.image_crc, err);
    if (rv != 0) {
        ret->len = start;
        goto free_lz4;
    }
    header_write(ret->data + start, &header);

free_lz4:
    (void)LZ4F_freeCompressionContext(lz4);
    return rv;
}

int snapshot_restore(struct machine *machine, const void *bytes, size_t len,
                     const struct chunk_source *source, uint64_t *ret_index,
                     struct err *err)
{
    struct buf image = BUF_INIT;
    uint64_t index;
    int rv = snapshot_unpack(bytes, len, &image, &index, err);

    if (rv == 0) {
        rv = machine_restore(machine, image.data, image.len, source, err);
    }
    if (rv == 0 && ret_index != NULL) {
        *ret_index = index;
    }
    buf_close(&image);
    return rv;
}

int snapshot_unpack(const void *bytes, size_t len, struct buf *ret_image,
                    uint64_t *ret_index, struct err *err)
{
    struct bytes snapshot = {bytes, len};
    struct snapshot_header header = {0, 0, 0};
    struct buf image = BUF_INIT;
    struct bytes frame;
    int rv = header_read(&header, snapshot, err);

    if (rv != 0) {
        return rv;
    }
    frame.data = snapshot.data + HEADER_LEN;
    frame.len = len - HEADER_LEN;
    image.len = (size_t)header.image_len;
    image.room = image.len;
    image.data = mem_must_alloc(image.len);
    rv = decompress(frame, image.data, image.len, err);
    if (rv == 0 && crc32c(0, image.data, image.len) != header.image_crc) {
        rv = corrupt(err, "the checksum of the image does not fit");
    }
    if (rv != 0) {
        buf_close(&image);
        return rv;
    }
    *ret_image = image;
    *ret_index = header.index;
    return 0;
}

int snapshot_index(const void *bytes, size_t len, uint64_t *ret_index,
                   struct err *err)
{
    struct bytes snapshot = {bytes, len};
    struct snapshot_header header = {0, 0, 0};
    int rv = header_read(&header, snapshot, err);

    if (rv == 0) {
        *ret_index = header.index;
    }
    return rv;
}

/* ---- Writing ------------------------------------------------------------- */

static LZ4F_preferences_t preferences(uint64_t image_len)
{
    LZ4F_preferences_t how;

    memset(&how, 0, sizeof(how));
    how.frameInfo.blockSizeID = LZ4F_max256KB;
    how.frameInfo.blockMode = LZ4F_blockIndependent;
    how.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    how.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
    how.frameInfo.contentSize = image_len;
    return how;
}

static int compress_view(LZ4F_cctx *lz4, const struct view *view,
                         struct buf *ret, uint32_t *ret_crc, struct err *err)
{
    LZ4F_preferences_t how = preferences(view_len(view));
    struct view_cursor cursor;
    struct bytes run;
    uint32_t crc = 0;
    int rv;

    view_cursor_init(&cursor);
    (void)must_have_memory(buf_reserve(ret, LZ4F_HEADER_SIZE_MAX));
    rv = took(LZ4F_compressBegin(lz4, ret->data + ret->len,
                                 ret->room - ret->len, &how),
              ret, err);
    while (rv == 0 && view_next(view, &cursor, &run)) {
        crc = crc32c(crc, run.data, run.len);
        rv = compress_run(lz4, &how, run, ret, err);
    }
    if (rv != 0) {
        return rv;
    }
    (void)must_have_memory(buf_reserve(ret, LZ4F_compressBound(0, &how)));
    rv = took(
        LZ4F_compressEnd(lz4, ret->data + ret->len, ret->room - ret->len, NULL),
        ret, err);
    *ret_crc = crc;
    return rv;
}

static int compress_run(LZ4F_cctx *lz4, const LZ4F_preferences_t *how,
                        struct bytes run, struct buf *ret, struct err *err)
{
    size_t len;
    int rv;

    while (run.len > 0) {
        len = run.len < PIECE_LEN ? run.len : PIECE_LEN;
        (void)must_have_memory(buf_reserve(ret, LZ4F_compressBound(len, how)));
        rv =
            took(LZ4F_compressUpdate(lz4, ret->data + ret->len,
                                     ret->room - ret->len, run.data, len, NULL),
                 ret, err);
        if (rv != 0) {
            return rv;
        }
        run.data += len;
        run.len -= len;
    }
    return 0;
}

/* Counts what a call of the compressor wrote, or translates its error. */
static int took(size_t written, struct buf *ret, struct err *err)
{
    if (LZ4F_isError(written)) {
        return err_set(err, QL_INTERNAL, "compress snapshot: %s",
                       LZ4F_getErrorName(written));
    }
    ret->len += written;
    return 0;
}

static void header_write(uint8_t *at, const struct snapshot_header *header)
{
    put_u32(at, SKIPPABLE_MAGIC);
    put_u32(at + 4, HEADER_LEN - 8);
    memcpy(at + 8, SNAPSHOT_MAGIC, 4);
    put_u64(at + IMAGE_LEN_AT, header->image_len);
    put_u64(at + INDEX_AT, header->index);
    put_u32(at + IMAGE_CRC_AT, header->image_crc);
    put_u32(at + HEADER_CRC_AT,
            crc32c(0, at + HEADER_COVERED_AT, HEADER_LEN - HEADER_COVERED_AT));
}

/* ---- Reading ------------------------------------------------------------- */

static int header_read(struct snapshot_header *ret, struct bytes snapshot,
                       struct err *err)
{
    const uint8_t *at = snapshot.data;

    if (snapshot.len < HEADER_LEN) {
        return corrupt(err, "the header is cut off");
    }
    if (get_u32(at) != SKIPPABLE_MAGIC || get_u32(at + 4) != HEADER_LEN - 8 ||
        memcmp(at + 8, SNAPSHOT_MAGIC, 4) != 0) {
        return corrupt(err, "this is no snapshot");
    }
    if (crc32c(0, at + HEADER_COVERED_AT, HEADER_LEN - HEADER_COVERED_AT) !=
        get_u32(at + HEADER_CRC_AT)) {
        return corrupt(err, "the checksum of the header does not fit");
    }
    ret->image_len = get_u64(at + IMAGE_LEN_AT);
    ret->index = get_u64(at + INDEX_AT);
    ret->image_crc = get_u32(at + IMAGE_CRC_AT);
    if (ret->image_len / EXPANSION_MAX > snapshot.len) {
        return corrupt(err, "it cannot hold so long an image");
    }
    return 0;
}

static int decompress(struct bytes frame, uint8_t *image, size_t len,
                      struct err *err)
{
    const struct lz4_frame_kind kind = {preferences(len).frameInfo,
                                        "a snapshot", false};
    int rv = lz4_frame_read(frame, &kind, image, err);

    if (rv != 0) {
        (void)err_wrap(err, "snapshot");
    }
    return rv;
}

static int corrupt(struct err *err, const char *what)
{
    (void)err_set(err, QL_CORRUPT, "snapshot: %s", what);
    return QL_CORRUPT;
}
