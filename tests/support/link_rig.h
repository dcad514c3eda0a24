/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Three nodes' links in one loop, on loopback, and strangers who call them. */
#pragma once

#include <uv.h>

#include "consensus/link.h"
#include "consensus/link_hello.h"
#include "support/tmpdir.h"

#define LINK_RIG_NODES 3u

struct link_rig;

struct link_rig_node {
    struct link_rig *rig;
    struct identity identity; /* may be changed before the start */
    char dir[96];
    const char *listen;
    uint32_t hello_ms;
    uint32_t retry_ms; /* 0: a few */
    struct link *link; /* NULL: not running */
    size_t frames;     /* that came */
    uint64_t from;     /* who sent the last one */
    enum link_frame type;
    struct buf last; /* its bytes */
    uint32_t crc;    /* CRC-32C of the bytes of all of them, in order */
    int answer;      /* to each */
    size_t
        gone[LINK_RIG_NODES]; /* how often it was told so of each, by place */
};

struct link_rig {
    struct tmpdir *dir;
    uv_loop_t loop;
    uv_timer_t alarm; /* a test that waits too long has failed */
    struct link_rig_node nodes[LINK_RIG_NODES];
};

/* A cmocka fixture: *state is a struct link_rig on 127.0.0.1. */
int link_rig_setup(void **state);
int link_rig_teardown(void **state);
/* Ids 1 to 3, each on a free port of @host ("127.0.0.1", "[::1]", a name). */
void link_rig_open(struct link_rig *rig, struct tmpdir *dir, const char *host);
/* Stops what runs; the directory stays. */
void link_rig_close(struct link_rig *rig);
/* Nodes are named by their ids. */
struct link_rig_node *link_rig_node(struct link_rig *rig, uint64_t id);
void link_rig_start(struct link_rig *rig, uint64_t id);
void link_rig_start_all(struct link_rig *rig);
void link_rig_stop(struct link_rig *rig, uint64_t id);
void link_rig_run_until(struct link_rig *rig, bool (*is_so)(void *data),
                        void *data);
/* Until @from's frames have a connection to @to. */
void link_rig_meet(struct link_rig *rig, uint64_t from, uint64_t to);
/* Until @frames have come to node @id. */
void link_rig_wait_frames(struct link_rig *rig, uint64_t id, size_t frames);
struct link_counts link_rig_counts(struct link_rig *rig, uint64_t id);
/* Until that counter of node @id, by its offset, is @least or more. */
#define LINK_COUNT(field) offsetof(struct link_counts, field)
void link_rig_wait_count(struct link_rig *rig, uint64_t id, size_t offset,
                         uint64_t least);
/* Sends and waits for the callback; returns its status. */
int link_rig_send(struct link_rig *rig, uint64_t from, uint64_t to,
                  enum link_frame type, const void *bytes, size_t len);

/* A socket connected to the port of node @id on 127.0.0.1. */
int link_rig_call(struct link_rig *rig, uint64_t id);
/* Sends all and runs the loop for a few turns; a closed socket is no fault. */
void link_rig_tell(struct link_rig *rig, int fd, const void *bytes, size_t len);
/* One frame with a right checksum. */
void link_rig_tell_frame(struct link_rig *rig, int fd, enum link_frame type,
                         const void *bytes, size_t len);
/* The payload of the next frame; 0: it was closed. */
size_t link_rig_hear(struct link_rig *rig, int fd, uint8_t *ret_bytes,
                     size_t room);
/* Until the other side has closed it; closes it here too. */
void link_rig_expect_end(struct link_rig *rig, int fd);
/* Calls node @to as @identity says, with the whole hello. */
int link_rig_call_as(struct link_rig *rig, const struct identity *identity,
                     uint64_t to);
