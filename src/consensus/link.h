/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Streams between the nodes: each node makes one connection to each other
 * member, on which only it sends, in checksummed frames (docs/formats.md,
 * "Link"). A connection begins with a hello in which both sides prove that they
 * know the cluster's secret and name cluster, node, instance and member list
 * (link_hello.h). A known node id with another instance is refused, in both
 * directions. Nothing here depends on TCP beyond link_stream.c, so that TLS fits
 * underneath.
 *
 * Bounded: frames, bytes queued to a peer, connections that have not proved
 * themselves, what they may send and the time they have for it. Addresses may be
 * IPv4, IPv6 or host names, which are looked up again for each connection
 * attempt, off the loop.
 *
 * One loop thread. Out of memory ends the process; SIGPIPE must be ignored.
 */
#pragma once

#include <stdbool.h>

#include "consensus/identity.h"
#include "util/buf.h"
#include "util/list.h"

#define LINK_FRAME_MAX (16u * MIB) /* bytes in one frame */
#define LINK_SNAPSHOT_MAX                                                      \
    (2048u * MIB) /* bytes in one LINK_SNAPSHOT or LINK_STATE */
#define LINK_QUEUE_MAX (48u * MIB)  /* bytes queued to one peer */
#define LINK_CHUNKS_MAX (16u * MIB) /* and of chunks and backups beside them */
#define LINK_PARTS_MAX (PEER_MESSAGE_ENTRIES_MAX + 1u)
#define LINK_HELLO_MS 5000u    /* connect and hello, both sides */
#define LINK_STRANGERS_MAX 64u /* connections that have not proved themselves */
#define LINK_LISTENERS_MAX 8u  /* addresses of the name to listen on */
/* So long without an answer from the other machine's kernel, or without the peer
 * reading anything: then the connection is taken for broken. */
#define LINK_SILENCE_MS 5000u

/* Frame types. Numbers are on the wire: never reuse one. Frames of one type
 * arrive in the order they were sent; snapshots, states, chunks and pieces of
 * backups travel in pieces, and other frames overtake them. */
enum link_frame {
    LINK_HELLO = 1,
    LINK_RAFT = 2,            /* one struct raft_message (link_message.h) */
    LINK_READ_INDEX = 3,      /* a round of a linearizable read */
    LINK_READ_INDEX_OK = 4,   /* and its answer */
    LINK_CHUNK_REQUEST = 5,   /* asks for a chunk (link_chunk.h) */
    LINK_CHUNK = 6,           /* and its answer */
    LINK_REPORT = 7,          /* free space, by and by */
    LINK_SNAPSHOT = 8,        /* an InstallSnapshot, encoded as for LINK_RAFT */
    LINK_DIGESTS = 9,         /* of the state (digest_report.h) */
    LINK_STATE_REQUEST = 10,  /* asks for a snapshot (rebuild.h) */
    LINK_STATE = 11,          /* and its answer, as LINK_SNAPSHOT */
    LINK_BACKUP_REPORT = 12,  /* which backups a node has (backup_frame.h) */
    LINK_BACKUP_REQUEST = 13, /* asks for a piece of one */
    LINK_BACKUP_PIECE = 14,   /* and its answer */
    LINK_FRAMES               /* one more than the last */
};

struct link;
struct uv_loop_s;

struct link_options {
    struct uv_loop_s *loop;
    const struct identity *identity; /* outlives it */
    const char *dir;                 /* of the file `peers` (peer_pins.h) */
    const char *listen;              /* "host:port"; NULL: own peer address */
    uint32_t retry_ms; /* before the first new attempt; 0: PEER_RETRY_MS */
    uint32_t hello_ms; /* 0: LINK_HELLO_MS */
    /* A whole frame from a proven peer. @bytes is valid during the call. A
     * non-zero return closes the connection: it did not make sense. */
    int (*on_frame)(void *data, uint64_t node, enum link_frame type,
                    const uint8_t *bytes, size_t len);
    /* @node has no connection to this one, and its machine has refused ours at
     * each of its addresses: there is no process any more. Comes again with each
     * attempt. From the loop, not from inside a call. May be NULL. */
    void (*on_gone)(void *data, uint64_t node);
    void *data;
};

/* Listens and begins to connect; a cluster of one member does neither. Looks
 * its own address up before it returns. QL_INVALID, QL_CORRUPT, QL_IO. */
int link_start(struct link **ret_link, const struct link_options *options,
               struct err *err);
/* Closes everything. Sends under way end with QL_CANCELED; then @cb fires, after
 * which link_free() is allowed. Fine from inside on_frame. */
void link_stop(struct link *link, void (*cb)(void *data), void *data);
void link_free(struct link *link);

struct link_send;
/* @status 0: handed to the kernel, which does not mean that it arrived. Else it
 * was lost: QL_DISCONNECTED (no connection, or it broke), QL_BUSY (the queue is
 * full) or QL_CANCELED. */
typedef void (*link_send_cb)(struct link_send *send, int status);
struct link_send {
    void *data; /* the caller's */
    /* The link's: */
    struct list link;
    link_send_cb cb;
    enum link_frame type;
    const struct bytes *parts;
    size_t parts_count;
    size_t len;         /* of all parts */
    size_t part;        /* where the next write goes on: this part, */
    size_t part_offset; /* this byte of it, */
    size_t offset;      /* this byte of all of them */
    bool begun;         /* the header is written */
    uint8_t header[12];
    int status;
};
/* Queues a frame. @send, @parts and what they point to must stay until @cb
 * (which may be NULL), which comes later, exactly once. A frame for a peer to
 * which there is no connection is lost at once: nothing is kept for later.
 * One LINK_SNAPSHOT or LINK_STATE can be queued to a peer at a time. QL_NOT_FOUND: no such
 * other member. QL_TOO_LARGE. QL_SHUTTING_DOWN. */
int link_send(struct link *link, struct link_send *send, uint64_t node,
              enum link_frame type, const struct bytes *parts,
              size_t parts_count, link_send_cb cb);
/* Writes what was queued in this turn of the loop, which is done by itself before
 * the loop waits. Not from inside a callback of a send. */
void link_flush(struct link *link);
/* Bytes queued to @node and not yet handed to the kernel. */
size_t link_queued(const struct link *link, uint64_t node);
/* Whether what is sent to @node now has a connection to go by. */
bool link_connected(const struct link *link, uint64_t node);
/* Whether what @node sends has one: answers come by a connection of their own. */
bool link_heard(const struct link *link, uint64_t node);

struct link_counts {
    uint64_t frames_in, frames_out; /* a piece counts as one */
    uint64_t bytes_in, bytes_out;   /* with headers and hellos */
    uint64_t refused;     /* connections to or from a peer that we refused */
    uint64_t refused_us;  /* that the other side refused */
    uint64_t bad_frames;  /* connections closed for what came on them */
    uint64_t unfinished;  /* strangers closed before their hello was done */
    uint64_t dropped;     /* sends that were lost */
    uint64_t connections; /* outgoing ones that got as far as frames */
};
void link_counts(const struct link *link, struct link_counts *ret);
