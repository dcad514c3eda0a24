/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "qb_clock.h"

#define EVENTS_MAX 256
/* Timers of the clients are for retries and deadlines. Looking at few clients
 * costs nothing, so theirs are kept to the millisecond. */
#define FEW_CLIENTS 4u
#define SWEEP_NS (10u * QB_NS_PER_MS)
#define SWEEP_CLIENTS 100u /* at once: a sweep must not delay the calls */

static uint64_t run_timers(struct qb_loop *loop, uint64_t now_ns);
static uint64_t few_timers(struct qb_loop *loop, uint64_t now_ns);

int qb_loop_init(struct qb_loop *loop, const struct ql_client_options *options,
                 size_t count, struct err *err)
{
    struct ql_error error;
    int rv = 0;

    *loop = (struct qb_loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    loop->clients = calloc(count, sizeof(*loop->clients));
    if (loop->epoll_fd < 0) {
        rv = err_errno(err, errno, "epoll");
    } else if (loop->clients == NULL) {
        rv = err_set(err, QL_NO_MEMORY, "out of memory");
    }
    /* A wait for the next call of an open loop must not end 50 us late. */
    (void)prctl(PR_SET_TIMERSLACK, 1ul);
    while (rv == 0 && loop->count < count) {
        struct epoll_event event = {.events = EPOLLIN};
        struct ql_client *client;

        rv = ql_client_new(&client, options, &error);
        if (rv != 0) {
            (void)err_set(err, rv, "%s", error.text);
            break;
        }
        loop->clients[loop->count++] = client;
        event.data.ptr = client;
        if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, ql_client_fd(client),
                      &event) != 0) {
            rv = err_errno(err, errno, "epoll");
        }
    }
    if (rv != 0) {
        qb_loop_close(loop);
    }
    return rv;
}

void qb_loop_close(struct qb_loop *loop)
{
    for (size_t i = 0; i < loop->count; i++) {
        ql_client_free(loop->clients[i]);
    }
    free(loop->clients);
    if (loop->epoll_fd >= 0) {
        (void)close(loop->epoll_fd);
    }
    *loop = (struct qb_loop){.epoll_fd = -1};
}

void qb_loop_turn(struct qb_loop *loop, uint64_t until_ns)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t now_ns = qb_now_ns();
    uint64_t wake_ns = run_timers(loop, now_ns);
    struct timespec wait = {0};
    int ready;

    wake_ns = wake_ns < until_ns ? wake_ns : until_ns;
    if (wake_ns > now_ns) {
        wait.tv_sec = (time_t)((wake_ns - now_ns) / QB_NS_PER_S);
        wait.tv_nsec = (long)((wake_ns - now_ns) % QB_NS_PER_S);
    }
    ready = epoll_pwait2(loop->epoll_fd, events, EVENTS_MAX, &wait, NULL);
    for (int i = 0; i < ready; i++) {
        (void)ql_client_process(events[i].data.ptr);
    }
}

/* When the next ones are due. */
static uint64_t run_timers(struct qb_loop *loop, uint64_t now_ns)
{
    size_t end;

    if (loop->count <= FEW_CLIENTS) {
        return few_timers(loop, now_ns);
    }
    if (now_ns < loop->sweep_ns) {
        return loop->sweep_ns;
    }
    end = loop->swept + SWEEP_CLIENTS;
    end = end < loop->count ? end : loop->count;
    for (size_t i = loop->swept; i < end; i++) {
        if (ql_client_timeout_ms(loop->clients[i]) == 0) {
            (void)ql_client_process(loop->clients[i]);
        }
    }
    loop->swept = end < loop->count ? end : 0;
    loop->sweep_ns = now_ns + SWEEP_NS * SWEEP_CLIENTS /
                                  (loop->count > SWEEP_CLIENTS ? loop->count
                                                               : SWEEP_CLIENTS);
    return loop->sweep_ns;
}

static uint64_t few_timers(struct qb_loop *loop, uint64_t now_ns)
{
    uint64_t wake_ns = UINT64_MAX;

    for (size_t i = 0; i < loop->count; i++) {
        int timeout_ms = ql_client_timeout_ms(loop->clients[i]);
        uint64_t after_ms;

        if (timeout_ms == 0) {
            (void)ql_client_process(loop->clients[i]);
            timeout_ms = ql_client_timeout_ms(loop->clients[i]);
        }
        if (timeout_ms < 0) {
            continue;
        }
        after_ms = (uint64_t)timeout_ms;
        if (now_ns + after_ms * QB_NS_PER_MS < wake_ns) {
            wake_ns = now_ns + after_ms * QB_NS_PER_MS;
        }
    }
    return wake_ns;
}
