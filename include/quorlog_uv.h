/* SPDX-License-Identifier: LGPL-3.0-or-later */

/*
 * Drives a libquorlog client from a libuv loop. Nothing but inline functions:
 * a program that includes it links libuv itself.
 *
 *     struct ql_uv driver;
 *     ql_uv_start(&driver, loop, client);
 *     ... ql_append_async(client, ...), at any time on the loop's thread ...
 *     ql_uv_stop(&driver, on_stopped);   then free the client
 */
#ifndef QUORLOG_UV_H
#define QUORLOG_UV_H

#include <quorlog.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ql_uv;

typedef void (*ql_uv_stop_cb)(struct ql_uv *driver);

/* The caller's memory; it must stay until the callback of ql_uv_stop(). */
struct ql_uv {
    uv_poll_t poll;
    uv_timer_t timer;
    struct ql_client *client;
    ql_uv_stop_cb stop_cb;
    int open;   /* handles not closed yet */
    void *data; /* the caller's */
};

static inline void ql_uv_process(struct ql_uv *driver);

static inline void ql_uv_on_timer(uv_timer_t *timer)
{
    ql_uv_process((struct ql_uv *)timer->data);
}

static inline void ql_uv_on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    ql_uv_process((struct ql_uv *)poll->data);
}

static inline void ql_uv_on_close(uv_handle_t *handle)
{
    struct ql_uv *driver = (struct ql_uv *)handle->data;

    driver->open--;
    if (driver->open == 0 && driver->stop_cb != NULL) {
        driver->stop_cb(driver);
    }
}

/* A callback of the client may have called ql_uv_stop(). */
static inline void ql_uv_process(struct ql_uv *driver)
{
    int timeout_ms;

    ql_client_process(driver->client);
    if (uv_is_closing((const uv_handle_t *)&driver->timer)) {
        return;
    }
    timeout_ms = ql_client_timeout_ms(driver->client);
    if (timeout_ms < 0) {
        uv_timer_stop(&driver->timer);
    } else {
        uv_timer_start(&driver->timer, ql_uv_on_timer, (uint64_t)timeout_ms, 0);
    }
}

/* Returns 0 or an error code of libuv; then nothing was started. The client
 * makes its descriptor readable when a call is started, so starting one needs
 * nothing else. */
static inline int ql_uv_start(struct ql_uv *driver, uv_loop_t *loop,
                              struct ql_client *client)
{
    int rv = uv_poll_init(loop, &driver->poll, ql_client_fd(client));

    if (rv != 0) {
        return rv;
    }
    driver->poll.data = driver;
    driver->client = client;
    driver->stop_cb = NULL;
    driver->open = 2;
    uv_timer_init(loop, &driver->timer);
    driver->timer.data = driver;
    /* Neither can fail: the descriptor is good and the handles are open. */
    uv_poll_start(&driver->poll, UV_READABLE, ql_uv_on_poll);
    uv_timer_start(&driver->timer, ql_uv_on_timer, 0, 0);
    return 0;
}

/* Stops driving. @cb (may be NULL) runs when the handles are closed; the client
 * may be freed from then on, but not from inside one of its callbacks. */
static inline void ql_uv_stop(struct ql_uv *driver, ql_uv_stop_cb cb)
{
    driver->stop_cb = cb;
    uv_close((uv_handle_t *)&driver->poll, ql_uv_on_close);
    uv_close((uv_handle_t *)&driver->timer, ql_uv_on_close);
}

#ifdef __cplusplus
}
#endif
#endif
