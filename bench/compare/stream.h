/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The connections of a client to a server on loopback. They never block: what is
 * written waits for the next streams_wait(), which writes all of it at once,
 * waits in one poll(2) for all of them and reads once from each that has
 * something.
 */
#pragma once

#include "util/buf.h"

#include <stdbool.h>

struct stream {
    int fd;
    struct buf in;    /* what came */
    size_t in_taken;  /* the owner has seen it; it may move it on */
    struct buf out;   /* what is to be sent */
    size_t out_taken; /* the kernel has it */
    bool is_lost;     /* closed by the server */
};

/* False: nobody listens there yet. */
bool stream_open(struct stream *stream, unsigned port);
void stream_close(struct stream *stream);
/* What came and was not taken yet; valid until the next streams_wait(). */
struct bytes stream_bytes(const struct stream *stream);
void stream_add(struct stream *stream, const void *bytes, size_t len);
/* False: one of them is lost. */
bool streams_wait(struct stream *streams, size_t count, int timeout_ms);
