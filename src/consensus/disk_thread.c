/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <assert.h>
#include <stdlib.h>

#include "consensus/disk_internal.h"

struct disk_lane {
    const struct disk_lane_ops *ops;
    uv_thread_t threads[DISK_WORK_THREADS_MAX];
    unsigned threads_count;
    uv_mutex_t mutex; /* for the lists and ending */
    uv_cond_t cond;
    uv_async_t async;
    struct list waiting;
    struct list finished;
    bool ending;
    size_t open; /* the loop's: added and not told yet */
    void (*stop_cb)(void *data);
    void *stop_data;
};

static int start_threads(struct disk_lane *lane, unsigned threads);
static void end_threads(struct disk_lane *lane);
static void lane_main(void *data);
static void on_async(uv_async_t *async);
static void on_closed(uv_handle_t *handle);

int disk_lane_start(struct disk_lane **ret_lane, uv_loop_t *loop,
                    const struct disk_lane_ops *ops, unsigned threads,
                    struct err *err)
{
    struct disk_lane *lane = calloc(1, sizeof(*lane));
    int failed;

    assert(threads <= DISK_WORK_THREADS_MAX);
    if (lane == NULL) {
        return err_set(err, QL_NO_MEMORY, "start a disk thread: no memory");
    }
    lane->ops = ops;
    list_init(&lane->waiting);
    list_init(&lane->finished);
    if (uv_mutex_init(&lane->mutex) != 0) {
        goto free_lane;
    }
    if (uv_cond_init(&lane->cond) != 0) {
        goto destroy_mutex;
    }
    /* The threads first: the handle could only be closed by the loop. They send
     * nothing before they are given something to do. */
    failed = start_threads(lane, threads);
    if (failed != 0) {
        goto end_threads;
    }
    failed = uv_async_init(loop, &lane->async, on_async);
    if (failed != 0) {
        goto end_threads;
    }
    lane->async.data = lane;
    *ret_lane = lane;
    return 0;

end_threads:
    end_threads(lane);
    uv_cond_destroy(&lane->cond);
destroy_mutex:
    uv_mutex_destroy(&lane->mutex);
free_lane:
    free(lane);
    return err_set(err, QL_IO, "the system gives no thread for the disk");
}

void disk_lane_add(struct disk_lane *lane, struct list *link)
{
    lane->open++;
    uv_mutex_lock(&lane->mutex);
    list_push_back(&lane->waiting, link);
    uv_cond_signal(&lane->cond);
    uv_mutex_unlock(&lane->mutex);
}

bool disk_lane_is_idle(const struct disk_lane *lane)
{
    return lane->open == 0;
}

void disk_lane_stop(struct disk_lane *lane, void (*cb)(void *data), void *data)
{
    lane->stop_cb = cb;
    lane->stop_data = data;
    end_threads(lane);
    uv_close((uv_handle_t *)&lane->async, on_closed);
}

static void on_closed(uv_handle_t *handle)
{
    struct disk_lane *lane = handle->data;

    uv_cond_destroy(&lane->cond);
    uv_mutex_destroy(&lane->mutex);
    lane->stop_cb(lane->stop_data);
    free(lane);
}

/* Those that could be had are to be ended also when it fails. */
static int start_threads(struct disk_lane *lane, unsigned threads)
{
    while (lane->threads_count < threads) {
        int failed = uv_thread_create(&lane->threads[lane->threads_count],
                                      lane_main, lane);

        if (failed != 0) {
            return failed;
        }
        lane->threads_count++;
    }
    return 0;
}

static void end_threads(struct disk_lane *lane)
{
    uv_mutex_lock(&lane->mutex);
    lane->ending = true;
    uv_cond_broadcast(&lane->cond);
    uv_mutex_unlock(&lane->mutex);
    while (lane->threads_count > 0) {
        lane->threads_count--;
        (void)uv_thread_join(&lane->threads[lane->threads_count]);
    }
}

static void lane_main(void *data)
{
    struct disk_lane *lane = data;

    uv_mutex_lock(&lane->mutex);
    for (;;) {
        struct list *link;

        while (list_empty(&lane->waiting) && !lane->ending) {
            uv_cond_wait(&lane->cond, &lane->mutex);
        }
        if (list_empty(&lane->waiting)) {
            break;
        }
        link = lane->waiting.next;
        list_remove(link);
        uv_mutex_unlock(&lane->mutex);
        lane->ops->run(link);
        uv_mutex_lock(&lane->mutex);
        list_push_back(&lane->finished, link);
        (void)uv_async_send(&lane->async);
    }
    uv_mutex_unlock(&lane->mutex);
}

static void on_async(uv_async_t *async)
{
    struct disk_lane *lane = async->data;
    struct list finished;

    list_init(&finished);
    uv_mutex_lock(&lane->mutex);
    list_move_all(&finished, &lane->finished);
    uv_mutex_unlock(&lane->mutex);
    while (!list_empty(&finished)) {
        struct list *link = finished.next;

        list_remove(link);
        lane->open--;
        lane->ops->done(link);
    }
}
