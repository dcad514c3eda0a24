/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Disk and network of the core, by libraft's own raft_uv; to be replaced by our
 * own. Whatever takes its place keeps this shape: new, a raft_io that is closed
 * through its close function, free.
 */
#pragma once

#include <raft.h>
#include <stdbool.h>

#include "consensus/identity.h"

struct raft_io_uv;
struct uv_loop_s;

struct raft_io_uv_options {
    struct uv_loop_s *loop;
    const struct identity *identity; /* outlives it */
    const char *dir;                 /* the data directory */
    const char *listen_peer;         /* "host:port"; NULL: own peer address */
    bool offline;                    /* no network, whatever the members */
};

/* Neither reads nor listens before raft_init() and raft_start(). */
int raft_io_uv_new(struct raft_io_uv **ret_io,
                   const struct raft_io_uv_options *options, struct err *err);
struct raft_io *raft_io_uv_io(struct raft_io_uv *io);
/* Why start failed, when the network is the reason; else "". */
const char *raft_io_uv_reason(const struct raft_io_uv *io);
/* After the callback of its raft_io's close, or when raft_init() failed. */
void raft_io_uv_free(struct raft_io_uv *io);
