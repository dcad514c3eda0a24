/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* log.read, log.follow and what they send. See args_log.h for common rules. */
#pragma once

#include <stdbool.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/limits.h"

/* log.read {log, from, to?, entries_max?, bytes_max?, stale?, incarnation?} */
struct read_args {
    struct bytes log;
    uint64_t from;        /* 0: the head */
    uint64_t to;          /* stop before; 0: the tail */
    uint32_t entries_max; /* clamped to 1..READ_ENTRIES_MAX; absent: the max */
    uint32_t bytes_max;   /* clamped to READ_BYTES_MAX; absent:
                             READ_BYTES_DEFAULT; one entry always fits */
    bool stale;
    uint64_t incarnation; /* not 0: refused with RESTORED when it is another */
};
int read_args_decode(struct read_args *ret, struct bytes params,
                     struct err *err);
int read_args_encode(const struct read_args *args, struct buf *buf);

/* An entry on the wire is [position, time_ms, key or nil, value]. */
struct read_entry {
    uint64_t position;
    uint64_t time_ms;
    struct bytes key; /* data NULL: no key */
    struct bytes value;
};

/* The array of entries, written one by one. */
struct entries_writer {
    struct buf *buf;
    size_t mark;
    uint32_t count;
};
int entries_writer_open(struct entries_writer *writer, struct buf *buf);
int entries_writer_add(struct entries_writer *writer,
                       const struct read_entry *entry);
void entries_writer_close(struct entries_writer *writer);

/* log.read's answer {entries: [...], next, head, tail, incarnation}: encoded as
 * read_result_open(), entries_writer_add() for each, read_result_close(). */
struct read_result {
    struct read_entry *entries; /* owned when decoded */
    size_t count;
    uint64_t next; /* where to go on */
    uint64_t head;
    uint64_t tail;
    uint64_t incarnation; /* 0: not told */
};
int read_result_open(struct entries_writer *writer, struct buf *buf);
/* Beside the entries, which are with the writer. */
int read_result_close(struct entries_writer *writer,
                      const struct read_result *result);
int read_result_decode(struct read_result *ret, struct bytes result,
                       struct err *err);
void read_result_free(struct read_result *result);

/* log.follow {log, from, credit, stale?, incarnation?} -> {follow, head, tail, uid,
 * incarnation}: from 0 is the head; credit is what may be sent, in bytes,
 * 1..FOLLOW_CREDIT_MAX. With stale any node serves it, otherwise the leader only.
 * The incarnation as in log.read. */
struct follow_args {
    struct bytes log;
    uint64_t from;
    uint32_t credit;
    bool stale;
    uint64_t incarnation;
};
int follow_args_decode(struct follow_args *ret, struct bytes params,
                       struct err *err);
int follow_args_encode(const struct follow_args *args, struct buf *buf);

struct follow_result {
    uint64_t follow; /* names the stream on this connection */
    uint64_t head;
    uint64_t tail;
    uint64_t uid;
    uint64_t incarnation; /* 0: not told */
};
int follow_result_decode(struct follow_result *ret, struct bytes result,
                         struct err *err);
int follow_result_encode(const struct follow_result *result, struct buf *buf);

/* log.credit {follow, bytes} -> {} and as a notification; log.unfollow
 * {follow} (bytes absent). */
struct credit_args {
    uint64_t follow;
    uint32_t bytes;
};
int credit_args_decode(struct credit_args *ret, struct bytes params,
                       struct err *err);
int credit_args_encode(const struct credit_args *args, struct buf *buf);

/* Notification log.entries {follow, cost, entries: [...], next}: cost is what it
 * takes from the credit (key and value bytes plus FOLLOW_ENTRY_COST each). */
#define FOLLOW_ENTRY_COST 32u
struct follow_entries {
    uint64_t follow;
    uint32_t cost;
    struct read_entry *entries; /* owned when decoded */
    size_t count;
    uint64_t next;
};
/* The map up to the entries; then entries_writer_add(); then
 * follow_entries_close(). */
int follow_entries_open(struct entries_writer *writer, struct buf *buf,
                        uint64_t follow);
int follow_entries_close(struct entries_writer *writer, uint64_t next,
                         uint32_t cost);
int follow_entries_decode(struct follow_entries *ret, struct bytes params,
                          struct err *err);
void follow_entries_free(struct follow_entries *entries);

/* Notification log.event {follow, event, position, leader?, incarnation?}. After
 * "DELETED", "LEADER_CHANGED", "UNREADABLE" (the entries at position are not to be
 * had here at present; log.read says why) and "RESTORED" (the log is that of a
 * backup now, of @incarnation; from position on it may differ from what was sent)
 * the stream has ended; after "TRIMMED" it goes on at position, the new head, and
 * after "HOLE" (there are no entries before it) at position, too. */
struct follow_event {
    uint64_t follow;
    struct bytes event;
    uint64_t position;
    struct bytes leader; /* client address, or len 0 */
    uint64_t incarnation;
};
#define FOLLOW_TRIMMED "TRIMMED"
#define FOLLOW_DELETED "DELETED"
#define FOLLOW_LEADER_CHANGED "LEADER_CHANGED"
#define FOLLOW_UNREADABLE "UNREADABLE"
#define FOLLOW_HOLE "HOLE"
#define FOLLOW_RESTORED "RESTORED"
int follow_event_decode(struct follow_event *ret, struct bytes params,
                        struct err *err);
int follow_event_encode(const struct follow_event *event, struct buf *buf);
