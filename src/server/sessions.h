/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * All connections together: what they share, the turn at the end of which their
 * answers leave, the slow look at each of them, and the bound on the memory of
 * all. One timer serves them all, so that many idle connections cost nothing.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "server/output.h"
#include "service/service.h"
#include "util/limits.h"
#include "util/list.h"

struct sessions {
    uv_loop_t *loop;
    struct service *service;
    uint64_t request_bytes_max;
    uint64_t idle_ms;
    struct list open; /* struct session, not closing */
    size_t open_count;
    size_t memory_count;          /* also those whose handle is still closing */
    struct list turns;            /* struct session with something to do */
    size_t bytes;                 /* in the buffers of the open ones */
    uint64_t complained_ms;       /* when a line was printed last */
    uint64_t complaints_held;     /* not printed since */
    void (*on_freed)(void *data); /* a session's memory is gone */
    void *data;
    struct output_pool outputs;
    /* What libuv has read, from its allocation to its callback. */
    uint8_t read_bytes[SESSION_READ_BYTES];
};

void sessions_init(struct sessions *sessions);
/* When the last session is freed. */
void sessions_close(struct sessions *sessions);
/* Does what the sessions owe before the loop waits: goes on with requests that
 * were held back, and sends what they queued. True: the service has more to send
 * than fits in one turn, so the loop must not wait before the next. */
bool sessions_run_turns(struct sessions *sessions);
/* Every SERVER_TICK_MS: closes who idles, stalls or never says anything. */
void sessions_tick(struct sessions *sessions);
void sessions_close_all(struct sessions *sessions);
/* A line for the operator about a client that misbehaves; at most one a second,
 * so that a client cannot fill the journal. */
void sessions_complain(struct sessions *sessions, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
