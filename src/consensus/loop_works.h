/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The core's work on the threads of the loop. */
#pragma once

#include <raft.h>
#include <stdint.h>

struct uv_loop_s;

struct loop_works {
    struct uv_loop_s *loop;
    unsigned open; /* not yet called back */
    /* A callback has taken @ns of the loop's time. */
    void (*on_time)(void *data, uint64_t ns);
    void *data;
};

/* The callback comes later, on the loop's thread. */
void loop_works_run(struct loop_works *works,
                    struct raft_io_async_work *request,
                    raft_io_async_work_cb cb);
