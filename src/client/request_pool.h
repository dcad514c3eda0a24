/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Calls that have ended and are used again, of one kind: those that a program makes
 * very many of. Each keeps the memory of its parameters if it is small.
 */
#pragma once

#include "client/request.h"

struct request_pool {
    size_t size;       /* of a call, which begins with its request */
    struct list spare; /* struct request: CLIENT_CALLS_SPARE at most */
    size_t count;
};

void request_pool_init(struct request_pool *pool, size_t size);
void request_pool_close(struct request_pool *pool);
/* A call of zeros, but for its request, which is started as by request_init().
 * NULL: no memory. */
struct request *request_pool_take(struct request_pool *pool,
                                  struct ql_client *client, enum method method,
                                  request_done_cb done);
/* Closes the request; the call is gone. */
void request_pool_give(struct request_pool *pool, struct request *request);
