/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/rpc.h"

#include "wire/pack.h"
#include "wire/scan.h"
#include "wire/token.h"

static const uint8_t empty_map[] = {0x80};

/* Walks over the values of the envelope. */
struct walk {
    const uint8_t *bytes;
    size_t len;
    size_t at;
    bool scanned; /* @bytes is one whole value, for certain */
};

static int decode(struct rpc_message *ret, struct walk *walk, struct err *err);
static int decode_head(struct rpc_message *ret, struct walk *walk,
                       struct err *err);
static int decode_call(struct rpc_message *ret, struct walk *walk,
                       struct err *err);
static int decode_params(struct rpc_message *ret, struct bytes params,
                         struct err *err);
static int decode_response(struct rpc_message *ret, struct walk *walk,
                           struct err *err);
static inline int next_value(struct walk *walk, struct token *ret_token,
                             struct bytes *ret_value, struct err *err);
static int long_value(struct walk *walk, struct bytes *ret_value,
                      struct err *err);
static int last_value(struct walk *walk, struct token *ret_token,
                      struct bytes *ret_value, struct err *err);
static int encode_call(struct buf *buf, const char *method,
                       struct bytes params);
static int encode_map(struct buf *buf, struct bytes map);
static int undo(struct buf *buf, size_t len, int rv);

int rpc_decode(struct rpc_message *ret, const uint8_t *bytes, size_t len,
               struct err *err)
{
    struct walk walk = {.bytes = bytes, .len = len};

    return decode(ret, &walk, err);
}

int rpc_decode_scanned(struct rpc_message *ret, const uint8_t *bytes,
                       size_t len, struct err *err)
{
    struct walk walk = {.bytes = bytes, .len = len, .scanned = true};

    return decode(ret, &walk, err);
}

static int decode(struct rpc_message *ret, struct walk *walk, struct err *err)
{
    struct rpc_message message = {.type = RPC_NOTIFICATION};
    int rv;

    *ret = message;
    rv = decode_head(&message, walk, err);
    if (rv != 0) {
        return rv;
    }
    if (message.type == RPC_RESPONSE) {
        rv = decode_response(&message, walk, err);
    } else {
        rv = decode_call(&message, walk, err);
    }
    if (rv == 0 && walk->at != walk->len) {
        rv = err_set(err, QL_PROTOCOL, "%zu bytes behind the message",
                     walk->len - walk->at);
    }
    if (rv == 0 || rv == QL_INVALID) {
        *ret = message;
    }
    return rv;
}

/* The array, the type and, but for notifications, the id. */
static int decode_head(struct rpc_message *ret, struct walk *walk,
                       struct err *err)
{
    struct token token;
    struct bytes value;
    uint64_t items;
    int rv;

    token = token_read(walk->bytes, walk->len);
    if (token.kind != TOKEN_ARRAY) {
        return err_set(err, QL_PROTOCOL, "a message must be an array");
    }
    items = token.number;
    walk->at = token.head_len;
    rv = next_value(walk, &token, &value, err);
    if (rv != 0) {
        return rv;
    }
    if (token.kind != TOKEN_UINT || token.number > RPC_NOTIFICATION) {
        return err_set(err, QL_PROTOCOL,
                       "the type of a message must be 0, 1 or 2");
    }
    ret->type = (enum rpc_type)token.number;
    if (items != (ret->type == RPC_NOTIFICATION ? 3 : 4)) {
        return err_set(err, QL_PROTOCOL,
                       "a message of type %d must not have %llu items",
                       (int)ret->type, (unsigned long long)items);
    }
    if (ret->type == RPC_NOTIFICATION) {
        return 0;
    }
    rv = next_value(walk, &token, &value, err);
    if (rv != 0) {
        return rv;
    }
    if (token.kind != TOKEN_UINT || token.number > UINT32_MAX) {
        return err_set(err, QL_PROTOCOL,
                       "the id of a message must be an integer of 32 bits");
    }
    ret->id = (uint32_t)token.number;
    return 0;
}

static int decode_call(struct rpc_message *ret, struct walk *walk,
                       struct err *err)
{
    struct token method_token;
    struct token params_token;
    struct bytes method;
    struct bytes params;
    int rv;

    rv = next_value(walk, &method_token, &method, err);
    if (rv != 0) {
        return rv;
    }
    rv = last_value(walk, &params_token, &params, err);
    if (rv != 0) {
        return rv;
    }
    if (method_token.kind != TOKEN_STR && method_token.kind != TOKEN_BIN) {
        return err_set(err, QL_INVALID, "the method must be a string");
    }
    ret->method.data = method.data + method_token.head_len;
    ret->method.len = method.len - method_token.head_len;
    if (params_token.kind != TOKEN_ARRAY || params_token.number > 1) {
        return err_set(err, QL_INVALID,
                       "the params must be an array that holds one map");
    }
    if (params_token.number == 0) {
        ret->params = (struct bytes){empty_map, sizeof(empty_map)};
        return 0;
    }
    params.data += params_token.head_len;
    params.len -= params_token.head_len;
    return decode_params(ret, params, err);
}

static int decode_params(struct rpc_message *ret, struct bytes params,
                         struct err *err)
{
    struct token token;

    token = token_read(params.data, params.len);
    if (token.kind != TOKEN_MAP) {
        return err_set(err, QL_INVALID, "the params must hold a map");
    }
    ret->params = params;
    return 0;
}

static int decode_response(struct rpc_message *ret, struct walk *walk,
                           struct err *err)
{
    struct token error_token;
    struct token result_token;
    struct bytes error;
    struct bytes result;
    int rv;

    rv = next_value(walk, &error_token, &error, err);
    if (rv != 0) {
        return rv;
    }
    rv = last_value(walk, &result_token, &result, err);
    if (rv != 0) {
        return rv;
    }
    if (error_token.kind != TOKEN_NIL) {
        ret->error = error;
    }
    if (result_token.kind != TOKEN_NIL) {
        ret->result = result;
    }
    return 0;
}

static inline int next_value(struct walk *walk, struct token *ret_token,
                             struct bytes *ret_value, struct err *err)
{
    struct bytes left = {walk->bytes + walk->at, walk->len - walk->at};
    struct token token = token_read(left.data, left.len);
    uint64_t len = token.head_len + token_body_len(&token);

    *ret_token = token;
    /* Only what holds other values, or is not sound, takes a walk. */
    if (token.kind <= TOKEN_BAD || token.kind >= TOKEN_ARRAY ||
        len > left.len) {
        return long_value(walk, ret_value, err);
    }
    *ret_value = (struct bytes){left.data, (size_t)len};
    walk->at += (size_t)len;
    return 0;
}

static int long_value(struct walk *walk, struct bytes *ret_value,
                      struct err *err)
{
    struct bytes value = {walk->bytes + walk->at, 0};
    int rv = scan_value(value.data, walk->len - walk->at, &value.len, err);

    if (rv != 0) {
        return rv == QL_NO_MEMORY ? rv : QL_PROTOCOL;
    }
    walk->at += value.len;
    *ret_value = value;
    return 0;
}

/* What a scanned message still has is the value. */
static int last_value(struct walk *walk, struct token *ret_token,
                      struct bytes *ret_value, struct err *err)
{
    struct bytes value = {walk->bytes + walk->at, walk->len - walk->at};

    if (!walk->scanned) {
        return next_value(walk, ret_token, ret_value, err);
    }
    *ret_token = token_read(value.data, value.len);
    if (ret_token->kind == TOKEN_CUT) {
        return err_set(err, QL_PROTOCOL, "the message is cut off");
    }
    walk->at = walk->len;
    *ret_value = value;
    return 0;
}

int rpc_encode_request(struct buf *buf, uint32_t id, const char *method,
                       struct bytes params)
{
    size_t len = buf->len;
    uint8_t *at = pack_begin(buf, 2 + PACK_U64_LEN);

    if (at == NULL) {
        return QL_NO_MEMORY;
    }
    *at++ = 0x94; /* an array of four */
    *at++ = RPC_REQUEST;
    pack_end(buf, pack_put_u64(at, id));
    return undo(buf, len, encode_call(buf, method, params));
}

int rpc_encode_notification(struct buf *buf, const char *method,
                            struct bytes params)
{
    size_t len = buf->len;

    if (pack_array(buf, 3) != 0 || pack_u64(buf, RPC_NOTIFICATION) != 0) {
        return undo(buf, len, QL_NO_MEMORY);
    }
    return undo(buf, len, encode_call(buf, method, params));
}

int rpc_encode_result(struct buf *buf, uint32_t id, struct bytes result)
{
    size_t len = buf->len;
    uint8_t *at = pack_begin(buf, 3 + PACK_U64_LEN + result.len);

    if (at == NULL) {
        return QL_NO_MEMORY;
    }
    *at++ = 0x94; /* an array of four */
    *at++ = RPC_RESPONSE;
    at = pack_put_u64(at, id);
    *at++ = 0xc0; /* nil: no error */
    pack_end(buf, at);
    return undo(buf, len, encode_map(buf, result));
}

static int encode_call(struct buf *buf, const char *method, struct bytes params)
{
    if (pack_text(buf, method) != 0 || pack_array(buf, 1) != 0) {
        return QL_NO_MEMORY;
    }
    return encode_map(buf, params);
}

static int encode_map(struct buf *buf, struct bytes map)
{
    if (map.len == 0) {
        return pack_map(buf, 0);
    }
    return pack_raw(buf, map.data, map.len);
}

/* Half a message must never stay in what is going to be sent. */
static int undo(struct buf *buf, size_t len, int rv)
{
    if (rv != 0) {
        buf->len = len;
    }
    return rv;
}
