/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The rest of rpc.h: the error map of a response. */
#include <stddef.h>

#include "util/code.h"
#include "util/limits.h"
#include "wire/fields.h"
#include "wire/pack.h"
#include "wire/rpc.h"
#include "wire/utf8.h"

static int encode_error_map(struct buf *buf, const struct rpc_error *error);
static int encode_message(struct buf *buf, struct bytes message);

int rpc_encode_error(struct buf *buf, uint32_t id,
                     const struct rpc_error *error)
{
    size_t len = buf->len;

    if (pack_array(buf, 4) != 0 || pack_u64(buf, RPC_RESPONSE) != 0 ||
        pack_u64(buf, id) != 0 || encode_error_map(buf, error) != 0 ||
        pack_nil(buf) != 0) {
        buf->len = len; /* half a message must never be sent */
        return QL_NO_MEMORY;
    }
    return 0;
}

static const struct field error_fields[] = {
    {FIELD_KEY("code"), .kind = FIELD_U32, .required = true, .min = 1,
     .max = INT32_MAX, .offset = offsetof(struct rpc_error, code)},
    {FIELD_KEY("message"), .kind = FIELD_BYTES,
     .offset = offsetof(struct rpc_error, message)},
    {FIELD_KEY("leader"), .kind = FIELD_BYTES, .max = ADDRESS_MAX - 1,
     .offset = offsetof(struct rpc_error, leader)},
    {FIELD_KEY("retry_after_ms"), .kind = FIELD_U32,
     .offset = offsetof(struct rpc_error, retry_after_ms)},
    {FIELD_KEY("position"), .kind = FIELD_U64,
     .offset = offsetof(struct rpc_error, position)},
};
static const struct message error_message =
    FIELD_MESSAGE("error", error_fields);
_Static_assert(sizeof(int) == sizeof(uint32_t),
               "the code is read as FIELD_U32");

int rpc_error_decode(struct rpc_error *ret, struct bytes encoded,
                     struct err *err)
{
    struct rpc_error error = {0};
    int rv = fields_decode(&error_message, encoded, &error, err);

    if (rv == QL_NO_MEMORY) {
        return rv;
    }
    if (rv != 0) {
        if (err != NULL) {
            err->code = QL_PROTOCOL;
        }
        return QL_PROTOCOL;
    }
    *ret = error;
    return 0;
}

static int encode_error_map(struct buf *buf, const struct rpc_error *error)
{
    uint32_t count = 3u + (error->leader.len > 0) +
                     (error->retry_after_ms > 0) + (error->position > 0);

    if (pack_map(buf, count) != 0 ||
        pack_field_u64(buf, "code", (uint64_t)error->code) != 0 ||
        pack_field_text(buf, "name", code_name(error->code)) != 0 ||
        pack_text(buf, "message") != 0 ||
        encode_message(buf, error->message) != 0) {
        return QL_NO_MEMORY;
    }
    if (error->leader.len > 0 &&
        pack_field_str(buf, "leader", error->leader) != 0) {
        return QL_NO_MEMORY;
    }
    if (error->retry_after_ms > 0 &&
        pack_field_u64(buf, "retry_after_ms", error->retry_after_ms) != 0) {
        return QL_NO_MEMORY;
    }
    if (error->position > 0 &&
        pack_field_u64(buf, "position", error->position) != 0) {
        return QL_NO_MEMORY;
    }
    return 0;
}

/* A message may quote bytes from a request, or be cut in the middle of a
 * character; strings on the wire are UTF-8 all the same. */
static int encode_message(struct buf *buf, struct bytes message)
{
    size_t at;
    int rv = pack_str(buf, message.data, message.len);

    if (rv != 0 || utf8_is_valid(message)) {
        return rv;
    }
    for (at = buf->len - message.len; at < buf->len; at++) {
        if (buf->data[at] >= 0x80) {
            buf->data[at] = '?';
        }
    }
    return 0;
}
