/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the files of the link share. Only they include it.
 *
 *     link.c          start, stop, the table of peers, sending
 *     link_listen.c   what comes in
 *     link_connect.c  what goes out
 *     link_stream.c   one connection: bytes to frames, hello, end
 *     link_door.c     who may pass, and what is said of who may not
 */
#pragma once

#include <uv.h>

#include "consensus/link.h"
#include "consensus/link_frame.h"
#include "consensus/link_hello.h"
#include "consensus/link_queue.h"
#include "consensus/peer_pins.h"

#define LINK_READ_BYTES (64u * KIB) /* taken from a socket at once */
#define LINK_BAD_FRAMES 3u          /* kinds of them that are told apart */
/* Instances that one reason is said of; of more than these nothing is said. */
#define LINK_SAID_MAX 4u

/* One connection, in either direction. */
struct link_stream {
    struct list place; /* link->streams */
    struct link *owner;
    /* Incoming: NULL until proven. */
    struct link_peer *peer;
    bool outgoing;
    bool proven; /* the hello is done */
    bool closing;
    unsigned handles; /* not yet closed */
    uint64_t proven_ms;
    uv_tcp_t tcp;
    uv_timer_t deadline; /* of connecting and the hello */
    uv_connect_t connect;
    struct link_hello hello;
    struct link_reader reader;
    char remote[ADDRESS_MAX]; /* who it is, for diagnostics */
};

/* Another member. */
struct link_peer {
    struct link *owner;
    const struct member *member;
    struct link_stream *in;  /* the newest that is proven, or NULL */
    struct link_stream *out; /* NULL: none yet, or being looked up */
    /* Making the outgoing connection. */
    uv_timer_t retry;
    uv_getaddrinfo_t lookup;
    bool looking;
    struct addrinfo *addresses; /* of this attempt */
    struct addrinfo *next;      /* to be tried */
    bool refused_by_all;        /* those that were tried, by their kernel */
    unsigned hurries;           /* attempts that are made without waiting */
    unsigned failures; /* attempts since it was last reached, up to a limit */
    bool unreachable_said;
    /* Writing to it. */
    struct link_queue queue;
    struct link_write write;
    uv_buf_t bufs[LINK_WRITE_RUNS];
    uv_write_t request;
    bool writing;
    /* What was said already: the instances it was said of, or "-" when that was
     * not proved. Forgotten when it is reached. */
    char said[LINK_REFUSALS][LINK_SAID_MAX][ID_TEXT_LEN + 1];
    bool told[LINK_REFUSALS];
    bool said_bad_frame[LINK_BAD_FRAMES]; /* never forgotten */
};

struct link {
    struct link_options options;
    struct peer_pins pins;
    size_t peers_count;
    struct link_peer *peers; /* all members but this node */
    uv_tcp_t listeners[LINK_LISTENERS_MAX];
    size_t listeners_count;
    struct list streams;
    size_t strangers; /* incoming ones that are not proven, nor closing */
    struct link_counts counts;
    bool said_stranger[LINK_REFUSALS]; /* of nobody that is known */
    /* Sends that are lost and wait for their callback. */
    struct list lost;
    uv_timer_t later;
    uv_prepare_t turn; /* active: something was queued in this one */
    bool in_turn;      /* it is writing */
    bool stopping;
    size_t open; /* handles and requests that will call back */
    void (*on_stopped)(void *data);
    void *on_stopped_data;
    char read[LINK_READ_BYTES]; /* filled and used within one callback */
};

/* ---- link.c ---- */
struct link_peer *link_peer_of(const struct link *link, uint64_t node);
/* Writes what waits, if nothing is being written. Not from link_send(). */
void link_peer_flush(struct link_peer *peer);
/* Ends all sends that wait for @peer. */
void link_peer_drop(struct link_peer *peer);
/* One of link->open has ended. */
void link_ended(struct link *link);
void link_on_handle_closed(uv_handle_t *handle); /* data: the link */

/* ---- link_listen.c ---- */
int link_listen_start(struct link *link, struct err *err);
void link_listen_stop(struct link *link);

/* ---- link_connect.c ---- */
void link_connect_start(struct link_peer *peer);
void link_connect_stop(struct link_peer *peer);
/* It has just called us, so it is there: no waiting before the next attempt. */
void link_connect_hurry(struct link_peer *peer);
/* The outgoing @stream has ended, for whatever reason. */
void link_connect_on_end(struct link_stream *stream);
/* Says once, until it is reached again, why @peer cannot be reached. */
void link_connect_failed(struct link_peer *peer, const char *reason);

/* ---- link_stream.c ---- */
/* To @peer, or, when it is NULL, from whoever comes. The time for connecting and
 * the hello begins. */
struct link_stream *link_stream_new(struct link *link, struct link_peer *peer);
/* It is connected: begins the hello. */
void link_stream_begin(struct link_stream *stream);
/* Reads and writes no more; freed later. Safe to repeat. */
void link_stream_close(struct link_stream *stream);

/* ---- link_door.c ---- */
/* The instance of a proven node against the one seen before; a new one is on
 * disk before it returns LINK_ACCEPTED. */
enum link_refusal link_door_judge(struct link *link,
                                  const struct link_hello *hello);
void link_door_refused(struct link_stream *stream);
void link_door_told(struct link_stream *stream);
/* The two understand each other again. */
void link_door_passed(struct link_peer *peer);
void link_door_bad_frame(struct link_stream *stream, int code);
