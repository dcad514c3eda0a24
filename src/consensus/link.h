/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Streams between the nodes: one connection for each direction and pair, framed
 * (length, type, CRC-32C; docs/formats.md, "Link"), begun by a hello in which
 * both sides prove that they know the cluster's secret (HMAC-SHA256 over both
 * sides' nonces and identities) and name cluster, node, instance, protocol
 * range and digest of the member list. A known node id with another instance is
 * refused. Made so that TLS fits underneath.
 *
 * Bounded: frames, bytes queued to a peer, connections that have not proved
 * themselves, and the time they have for it. A frame is taken only whole and
 * only when its checksum fits. Addresses may be IPv4, IPv6 or host names, which
 * are looked up again for each connection attempt (off the loop).
 */
#pragma once

#include <raft.h>
#include <stdbool.h>

#include "consensus/identity.h"
#include "util/buf.h"
#include "util/list.h"

#define LINK_FRAME_MAX (64u * 1024u * 1024u)  /* a snapshot may be in one */
#define LINK_QUEUE_MAX (80u * 1024u * 1024u)  /* bytes queued to one peer */
#define LINK_HELLO_MS 5000u
#define LINK_STRANGERS_MAX 64u /* connections that have not proved themselves */
#define LINK_PROTOCOL 1u

/* Frame types. Numbers are on the wire: never reuse one. */
enum link_frame {
    LINK_HELLO = 1,        /* the three messages of the hello */
    LINK_RAFT = 2,         /* one struct raft_message (link_message.h) */
    LINK_READ_INDEX = 3,   /* a round of a linearizable read */
    LINK_READ_INDEX_OK = 4,
    LINK_CHUNK_REQUEST = 5, /* reserved for fetching chunks */
    LINK_CHUNK = 6,
    LINK_REPORT = 7,       /* free space and digests, by and by */
};

struct link;
struct uv_loop_s;

struct link_options {
    struct uv_loop_s *loop;
    const struct identity *identity; /* outlives it */
    const char *dir;                 /* of the file `peers` (peer_pins.h) */
    const char *listen;              /* "host:port"; NULL: own peer address */
    uint32_t retry_ms;               /* between connection attempts */
    /* A whole frame from a proven peer. @bytes is valid during the call. A
     * non-zero return closes the connection (it did not make sense). */
    int (*on_frame)(void *data, uint64_t node, enum link_frame type,
                    const uint8_t *bytes, size_t len);
    void *data;
};

int link_start(struct link **ret_link, const struct link_options *options,
               struct err *err);
/* Closes everything; sends under way end with QL_CANCELED; then @cb. */
void link_stop(struct link *link, void (*cb)(void *data), void *data);
void link_free(struct link *link);

struct link_send;
/* @status 0: handed to the kernel. Otherwise it was lost: no connection, queue
 * full, or the connection broke. */
typedef void (*link_send_cb)(struct link_send *send, int status);
struct link_send {
    struct list link; /* the link's */
    link_send_cb cb;  /* may be NULL */
    void *data;       /* the caller's */
};
/* Copies nothing: @parts (at most LINK_PARTS_MAX) must stay until the callback,
 * which comes later, exactly once. QL_NOT_FOUND: no such member. Never queues
 * beyond LINK_QUEUE_MAX: such a send ends with QL_BUSY in its callback. */
#define LINK_PARTS_MAX 64u
int link_send(struct link *link, struct link_send *send, uint64_t node,
              enum link_frame type, const struct bytes *parts,
              size_t parts_count, link_send_cb cb);
/* Bytes queued to @node. */
size_t link_queued(const struct link *link, uint64_t node);

struct link_counts {
    uint64_t frames_in, frames_out;
    uint64_t bytes_in, bytes_out;
    uint64_t refused;  /* hellos that did not pass */
    uint64_t bad_frames;
    uint64_t dropped;  /* sends that were lost */
};
void link_counts(const struct link *link, struct link_counts *ret);
