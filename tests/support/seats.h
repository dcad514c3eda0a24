/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A cluster of real nodes in one process: one loop, loopback, temporary
 * directories. Time passes by running the loop until something is true.
 */
#pragma once

#include <uv.h>

#include "consensus/node.h"

#define SEATS_MAX 3u

struct seat {
    struct identity identity;
    char dir[PATH_LEN_MAX];
    struct node *node;    /* NULL: not running */
    unsigned states_told; /* calls of on_state */
    bool stopped;
};

struct seats {
    uv_loop_t loop;
    char dir[64];
    size_t count;
    struct node_options options; /* what all are started with */
    struct seat seats[SEATS_MAX];
};

/* Initialises @count nodes on free ports; none runs. */
void seats_open(struct seats *seats, size_t count);
/* Stops what runs, checks that nothing was left on the loop, removes all. */
void seats_close(struct seats *seats);
void seats_start(struct seats *seats, size_t place);
/* Until it has stopped; then it may be started again. */
void seats_stop(struct seats *seats, size_t place);
/* Closes one that has stopped by itself. */
void seats_end(struct seats *seats, size_t place);
/* Runs the loop until @is_true; fails the test after a generous while. */
void seats_run_until(struct seats *seats, bool (*is_true)(void *data),
                     void *data);
/* Until one leads and is ready; returns its place. */
size_t seats_await_leader(struct seats *seats);
/* Until all that run have applied what the one at @place has. */
void seats_await_equal(struct seats *seats, size_t place);
