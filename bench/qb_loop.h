/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Drives many clients on one thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "quorlog.h"
#include "util/err.h"

struct qb_loop {
    int epoll_fd;
    struct ql_client **clients;
    size_t count;
    size_t swept;      /* clients before it had their timers looked at */
    uint64_t sweep_ns; /* when the next ones are due */
};

/* Makes @count clients with @options. */
int qb_loop_init(struct qb_loop *loop, const struct ql_client_options *options,
                 size_t count, struct err *err);
/* Calls that are open get their callbacks. */
void qb_loop_close(struct qb_loop *loop);
/* Waits for something to do, but not past @until_ns, and does it once; callbacks
 * run from here. */
void qb_loop_turn(struct qb_loop *loop, uint64_t until_ns);
