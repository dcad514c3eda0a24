/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The core's raft_io over a real directory and real sockets: raft_disk.h in
 * DIR/raft, raft_net.h between the members, and the loop's clock and threads.
 * New, a raft_io that is closed through its close function, free.
 */
#pragma once

#include <raft.h>
#include <stdbool.h>

#include "consensus/disk_writer.h"
#include "consensus/identity.h"
#include "consensus/install.h"
#include "consensus/raft_disk.h"
#include "consensus/raft_net.h"

struct raft_io_real;

struct raft_io_real_options {
    struct uv_loop_s *loop;
    const struct identity *identity; /* outlives it */
    const char *dir;                 /* the data directory */
    const char *listen_peer;         /* "host:port"; NULL: own peer address */
    uint64_t reserve_bytes;          /* see struct raft_disk_options */
    struct chunk_store *chunks;      /* likewise */
    enum disk_writer writer;         /* of the raft log */
    struct metrics *metrics;         /* counts its writes; NULL: nobody */
    /* A write failed: must not return in production. */
    void (*on_fatal)(void *data, const char *reason);
    /* Entries up to @index are on disk; before the core hears it. May be NULL. */
    void (*on_stored)(void *data, uint64_t index);
    /* See raft_io_real_in_doubt(); it has ended. May be NULL. */
    void (*on_healed)(void *data);
    /* The work of a snapshot that the core takes is done. May be NULL. */
    void (*on_encoded)(void *data);
    /* The core has spent @ns of the loop's time on a snapshot that was encoded, or
     * stored; what it calls meanwhile is in it. May be NULL. */
    void (*on_snapshot_time)(void *data, uint64_t ns);
    /* See struct raft_net_options. */
    int (*on_frame)(void *data, uint64_t node, enum link_frame type,
                    const uint8_t *bytes, size_t len);
    /* See struct link_options. May be NULL. */
    void (*on_gone)(void *data, uint64_t node);
    void *data;
};

/* Neither reads nor listens before raft_bootstrap() or raft_start(). */
int raft_io_real_new(struct raft_io_real **ret_real,
                     const struct raft_io_real_options *options,
                     struct err *err);
struct raft_io *raft_io_real_io(struct raft_io_real *real);
/* After the callback of its raft_io's close, or when raft_init() failed. */
void raft_io_real_free(struct raft_io_real *real);

/* What went wrong in load, start or bootstrap; its code is 0 if nothing did. */
const struct err *raft_io_real_err(const struct raft_io_real *real);
/* After load: the node has lost entries that it may have acknowledged, and must
 * neither vote nor stand for election until on_healed (guard_doubt()). */
bool raft_io_real_in_doubt(const struct raft_io_real *real);
/* How the raft log is written, for status: "io_uring, direct". After load. */
const char *raft_io_real_writer(const struct raft_io_real *real);
/* Messages are shown to @install, which may keep them, before the core gets them;
 * NULL: no more. */
void raft_io_real_hold_back(struct raft_io_real *real, struct install *install);
/* It holds one back. */
bool raft_io_real_holds(const struct raft_io_real *real);
/* Gives the core what was held back, which is taken with what it points to. Not
 * from inside the core. */
void raft_io_real_receive(struct raft_io_real *real,
                          struct raft_message *message);
/* For struct guard_options. */
void raft_io_real_tick_within(struct raft_io *io, unsigned ms);
/* The end of a turn of the loop: what it brought leaves for the peers now, before
 * what the timers take, and before it goes to the disk. */
void raft_io_real_flush(struct raft_io_real *real);
/* NULL before start, and while it closes. */
struct raft_disk *raft_io_real_disk(struct raft_io_real *real);
/* NULL before start. */
struct raft_net *raft_io_real_net(struct raft_io_real *real);
