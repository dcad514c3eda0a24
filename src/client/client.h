/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The handle, and what all its parts share. The engine is ql_client_process():
 * socket events, then deadlines, then the callbacks of readers and writers,
 * then whatever can be sent. Calls made in between only queue.
 */
#pragma once

#include "client/append_queue.h"
#include "client/request.h"
#include "client/request_pool.h"
#include "client/route.h"
#include "client/scout.h"
#include "client/uplink.h"

#define CLIENT_NAME_MAX 64

struct ql_client {
    uint32_t timeout_ms;
    uint32_t connect_timeout_ms;
    uint32_t calls_max;
    uint64_t bytes_max;
    char name[CLIENT_NAME_MAX];

    int epoll_fd;         /* what the program watches */
    int wake_fd;          /* eventfd: a call was queued outside of process() */
    uint64_t next_serial; /* of sockets and handles; never given twice */
    uint64_t random;      /* state of the generator for delays and tokens */

    struct route route;
    struct uplink uplink;
    struct scout scout;
    struct list probes;    /* struct probe: calls to one named endpoint */
    struct list waiting;   /* struct request */
    struct list in_flight; /* struct request, in the order they were sent */
    struct append_queue appends;
    struct request_pool append_calls;
    struct request_pool read_calls;
    struct list readers; /* struct ql_reader */
    struct list writers; /* struct ql_writer */

    size_t calls;   /* counted requests that exist */
    uint64_t bytes; /* of their parameters */
    size_t pending; /* those that somebody waits for */

    uint64_t now_ms;       /* when process() was entered */
    uint64_t timer_ms;     /* process() must run again; UINT64_MAX: never */
    uint64_t deadline_ms;  /* no deadline is earlier; may be too early */
    struct err trouble;    /* why nothing can be sent; code 0: nothing wrong */
    uint32_t no_leader_at; /* route.failures when a node said so last */
    bool processing;
    bool blocking; /* who makes the call processes next: none to wake */
    bool dirty;    /* something was queued since the last sending */
    bool closing;  /* being freed: nothing new is taken */
};

/* Something is to be done: process() must run soon. */
void client_wake(struct ql_client *client);
/* process() must run at @at_ms or earlier. */
void client_timer(struct ql_client *client, uint64_t at_ms);
/* SplitMix64 (Steele, Lea, Flood, 2014), seeded from the kernel: for delays and
 * for tokens that must differ, never for secrets. */
uint64_t client_random(struct ql_client *client);
/* The time now; outside of process() the clock is read. */
uint64_t client_now(struct ql_client *client);
/* Copies an options struct of another version's size: @ret (of @room bytes) is
 * zeroed first. @options may be NULL. QL_INVALID when its size is nonsense. */
int client_options_copy(void *ret, size_t room, const void *options,
                        struct ql_error *error);
