/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The envelopes of MessagePack-RPC
 * (https://github.com/msgpack-rpc/msgpack-rpc/blob/master/spec.md):
 *
 *     [0, id, method, [params]]   request
 *     [1, id, error, result]      response
 *     [2, method, [params]]       notification
 *
 * Our params array holds one map, or nothing (then the params are an empty
 * map). Messages must have passed scan_feed().
 */
#pragma once

#include "util/buf.h"
#include "util/err.h"

enum rpc_type { RPC_REQUEST = 0, RPC_RESPONSE = 1, RPC_NOTIFICATION = 2 };

/* A view into the message; valid as long as its bytes. */
struct rpc_message {
    enum rpc_type type;
    uint32_t id;         /* requests and responses */
    struct bytes method; /* requests and notifications: the name */
    struct bytes params; /* requests and notifications: one encoded map */
    struct bytes error;  /* responses: encoded value; len 0 for nil */
    struct bytes result; /* responses: encoded value; len 0 for nil */
};

/* QL_PROTOCOL when it is no such envelope; then there is nothing to answer.
 * QL_INVALID when the envelope is sound but the method is no string or the
 * params are no array of at most one map: ret->type is set, and ret->id for a
 * request, so that it can be answered. */
int rpc_decode(struct rpc_message *ret, const uint8_t *bytes, size_t len,
               struct err *err);
/* The same for a message whose end scan_feed() has found: its last value, which may
 * be large, is not walked again. Its decoder does that. */
int rpc_decode_scanned(struct rpc_message *ret, const uint8_t *bytes,
                       size_t len, struct err *err);

/* @params and @result are encoded maps. Return 0 or QL_NO_MEMORY. */
int rpc_encode_request(struct buf *buf, uint32_t id, const char *method,
                       struct bytes params);
int rpc_encode_notification(struct buf *buf, const char *method,
                            struct bytes params);
int rpc_encode_result(struct buf *buf, uint32_t id, struct bytes result);

/* The error map: code, name, message, and where they help leader,
 * retry_after_ms, position. */
struct rpc_error {
    int code;
    struct bytes message;
    struct bytes leader;     /* client address, or len 0 */
    uint32_t retry_after_ms; /* 0: not said */
    uint64_t position;       /* 0: not said */
};

int rpc_encode_error(struct buf *buf, uint32_t id,
                     const struct rpc_error *error);
/* Views into @encoded. A code of 0 or a value that is no map: QL_PROTOCOL. */
int rpc_error_decode(struct rpc_error *ret, struct bytes encoded,
                     struct err *err);
