/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the files of raft_io_real share. */
#pragma once

#include <uv.h>

#include "consensus/disk_real.h"
#include "consensus/loop_works.h"
#include "consensus/raft_disk.h"
#include "consensus/raft_io_real.h"
#include "util/limits.h"

struct raft_io_real {
    struct raft_io io;
    struct raft_io_real_options options;
    char dir[PATH_LEN_MAX]; /* of the raft log */
    struct raft_buffer first_configuration;
    struct disk_real *files; /* NULL: not opened */
    struct raft_disk *disk;
    struct raft_net *net;    /* NULL: not started */
    struct install *install; /* NULL: nothing is held back */
    /* Ticks; while closing, looks at whether the disk is done. Lives as long as
     * files. */
    uv_timer_t timer;
    raft_io_tick_cb tick;
    raft_io_recv_cb recv;
    struct loop_works works;
    struct raft_io_snapshot_put put; /* the one under way, and whose it is */
    struct raft_io_snapshot_put *put_request; /* NULL: none */
    raft_io_snapshot_put_cb put_cb;
    uint64_t random;
    struct err err;
    bool made;
    bool failed;
    bool closing;
    unsigned open; /* parts that must still close */
    raft_io_close_cb on_closed;
};

/* The core spent so much of the loop's time on a snapshot. @data: real. */
void raft_io_real_spent(void *data, uint64_t ns);
/* Puts in what goes to the disk. */
void raft_io_real_fill_disk(struct raft_io *io);
/* The core's code for @code; its text is that of real->err. */
int raft_io_real_code(struct raft_io_real *real, int code);
