/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/recover_frame.h"

#include <string.h>

#include "machine/must.h"

#define MAGIC 0x184D2A54u
#define KIND "QLKR"
#define TEXT_AT 12u

void recover_frame_encode(const struct recover_result *result, struct buf *buf)
{
    uint8_t header[TEXT_AT];
    struct buf text = BUF_INIT;

    recover_result_encode(result, &text);
    put_u32(header, MAGIC);
    put_u32(header + 4, (uint32_t)(text.len + TEXT_AT - 8));
    memcpy(header + 8, KIND, 4);
    (void)must_have_memory(buf_add(buf, header, sizeof header));
    (void)must_have_memory(buf_add(buf, text.data, text.len));
    buf_close(&text);
}

int recover_frame_decode(struct recover_result *ret, struct bytes frame,
                         struct err *err)
{
    int rv;

    if (frame.len < TEXT_AT || get_u32(frame.data) != MAGIC ||
        get_u32(frame.data + 4) != frame.len - 8 ||
        memcmp(frame.data + 8, KIND, 4) != 0) {
        return err_set(err, QL_CORRUPT, "something stands behind its end");
    }
    rv = recover_result_decode(ret, frame.data + TEXT_AT, frame.len - TEXT_AT,
                               err);
    return rv == 0 ? 0 : err_wrap(err, "what it was made for");
}
