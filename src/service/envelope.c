/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/envelope.h"

#include "machine/must.h"
#include "wire/pack.h"
#include "wire/rpc.h"

void envelope_open_result(struct buf *message, uint32_t id)
{
    must_have_memory(pack_array(message, 4));
    must_have_memory(pack_u64(message, RPC_RESPONSE));
    must_have_memory(pack_u64(message, id));
    must_have_memory(pack_nil(message));
}

void envelope_open_notification(struct buf *message, const char *method)
{
    must_have_memory(pack_array(message, 3));
    must_have_memory(pack_u64(message, RPC_NOTIFICATION));
    must_have_memory(pack_text(message, method));
    must_have_memory(pack_array(message, 1));
}

/* 0x94: an array of four; 0x00: a request; then an unsigned integer of the
 * MessagePack formats fixint, 8, 16 and 32. */
bool envelope_request_id(const uint8_t *bytes, size_t len, uint32_t *ret_id)
{
    uint32_t id = 0;
    size_t width;
    size_t i;

    if (len < 3 || bytes[0] != 0x94 || bytes[1] != RPC_REQUEST) {
        return false;
    }
    if (bytes[2] < 0x80) {
        *ret_id = bytes[2];
        return true;
    }
    if (bytes[2] < 0xcc || bytes[2] > 0xce) {
        return false;
    }
    width = (size_t)1 << (bytes[2] - 0xcc);
    if (len < 3 + width) {
        return false;
    }
    for (i = 0; i < width; i++) {
        id = id << 8 | bytes[3 + i];
    }
    *ret_id = id;
    return true;
}
