/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/request_pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/limits.h"

/* An instrumented build is to see the use of a call that has ended. */
#ifdef __SANITIZE_ADDRESS__
#define SPARE_MAX 0u
#else
#define SPARE_MAX CLIENT_CALLS_SPARE
#endif

void request_pool_init(struct request_pool *pool, size_t size)
{
    assert(size >= sizeof(struct request));
    *pool = (struct request_pool){.size = size};
    list_init(&pool->spare);
}

void request_pool_close(struct request_pool *pool)
{
    while (!list_empty(&pool->spare)) {
        struct request *request =
            LIST_ITEM(pool->spare.next, struct request, link);

        list_remove(&request->link);
        buf_close(&request->params);
        free(request);
    }
    pool->count = 0;
}

struct request *request_pool_take(struct request_pool *pool,
                                  struct ql_client *client, enum method method,
                                  request_done_cb done)
{
    struct buf params = BUF_INIT;
    struct request *request;

    if (list_empty(&pool->spare)) {
        request = malloc(pool->size);
        if (request == NULL) {
            return NULL;
        }
    } else {
        request = LIST_ITEM(pool->spare.prev, struct request, link);
        list_remove(&request->link);
        pool->count--;
        params = request->params;
    }
    memset(request, 0, pool->size);
    request_init(request, client, method, done);
    request->params = params;
    return request;
}

void request_pool_give(struct request_pool *pool, struct request *request)
{
    request_cancel(request);
    if (request->params.room > CLIENT_PARAMS_SPARE) {
        buf_close(&request->params);
    }
    if (pool->count + 1 > SPARE_MAX) {
        buf_close(&request->params);
        free(request);
        return;
    }
    request->params.len = 0;
    list_push_back(&pool->spare, &request->link);
    pool->count++;
}
