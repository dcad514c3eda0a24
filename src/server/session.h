/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One connection: takes requests out of its bytes, gives them to the service,
 * and sends what the service queues.
 *
 * What a client can make us hold is bounded in four places: unread bytes stay
 * with the kernel while too many calls are open or too much output is queued;
 * `in` holds one unfinished request of at most request_bytes_max (or as much of
 * unread requests as had been read by then); the output at most
 * SESSION_OUTPUT_MAX; and all connections together SESSIONS_BYTES_MAX. One that is
 * idle holds nothing: what arrives is read into memory that all share.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "server/output.h"
#include "server/sessions.h"
#include "service/channel.h"
#include "wire/scan.h"

enum session_state {
    SESSION_OPEN,
    SESSION_ENDING, /* SESSION_LINGER_MS to answer the calls that are open; reads
                       only to throw away */
    SESSION_CLOSED, /* waits for its handle's close callback */
};

struct session {
    struct channel channel;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct sessions *sessions;
    struct list link; /* sessions->open */
    struct list turn; /* sessions->turns */
    enum session_state state;
    bool is_unix;
    bool reading;      /* libuv reads */
    bool read_ended;   /* the client sends no more */
    bool writing;      /* a write is under way */
    bool shutting;     /* so is a shutdown */
    bool has_more;     /* the service goes on in the next turn */
    const char *fault; /* close at the next turn, and say this */
    struct scan scan;  /* of the message at the start of @in */
    struct buf in;     /* of a message that is not whole, or must wait */
    struct output output;
    size_t counted;      /* of sessions->bytes */
    uint64_t messages;   /* taken so far */
    uint64_t opened_ms;  /* loop times */
    uint64_t active_ms;  /* something was read, or a call ended */
    uint64_t ending_ms;  /* SESSION_ENDING since */
    uint64_t written_ms; /* the client took something, or owed nothing */
    size_t unwritten;    /* libuv's queue at the last look */
    uv_write_t write;
    uv_shutdown_t shutdown;
};

/* Accepts from @listener, a uv_tcp_t or a uv_pipe_t. Never NULL, but the session
 * may be closing already when the connection is gone. */
struct session *session_accept(struct sessions *sessions, uv_stream_t *listener,
                               bool is_unix);
/* Does what is due; see sessions_run_turns(). */
void session_turn(struct session *session);
void session_tick(struct session *session, uint64_t now_ms);
/* Tells the operator why, then closes. Static text. */
void session_fail(struct session *session, const char *why);
/* Tells the operator why; what is open is answered, nothing more is taken, and then
 * it closes. After a broken message nothing tells where the next one begins. */
void session_linger(struct session *session, const char *why);
/* Sends what the kernel takes at once, then closes; the memory goes later. */
void session_close(struct session *session);
