/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One open call, from its message to its answer. It survives its connection:
 * what the node still holds of it comes back, and then the answer is dropped.
 *
 * The bytes of a request are not kept: a write's params are copied by the node
 * (bounded by SUBMIT_BYTES_MAX), those of a read that must wait by the call
 * (bounded by CALL_PARAMS_MAX).
 */
#pragma once

#include "consensus/node.h"
#include "service/channel.h"
#include "service/chunk_wait.h"
#include "service/service.h"
#include "wire/args_read.h"

struct call;
struct follow;

/* A write was applied and is about to be answered. call->channel may be NULL. */
typedef void (*call_applied_fn)(struct call *call,
                                const struct outcome *outcome);
/* Appends the result to @message, or returns a code and fills @err. CALL_LEFT: it
 * has answered the call or will do so later, with another message; the call may be
 * gone. */
#define CALL_LEFT (-1)
typedef int (*call_answer_fn)(struct call *call, struct bytes params,
                              struct buf *message, struct err *err);

struct call {
    struct list link;        /* channel->calls */
    struct list ready;       /* channel->ready; empty while it waits */
    struct service *service; /* borrowed */
    struct channel *channel; /* NULL: the connection is gone */
    uint32_t id;
    bool silent; /* came as a notification: nobody waits for an answer */
    union {
        struct node_submit submit;
        struct node_read read;
        struct node_transfer transfer;
    } node;                     /* the node's, while it has the call */
    enum command_kind kind;     /* a write's */
    call_applied_fn on_applied; /* a write's; may be NULL */
    call_answer_fn answer;      /* a read's */
    struct buf params;          /* a read's */
    struct read_args read;      /* a log.read's: views into them */
    struct chunk_wait wait;     /* a read's, for its first entry */
    struct follow *follow;      /* opened by the answer: begins behind it */
    void *work;                 /* what makes the answer in later turns */
    void (*stop)(struct call *call); /* ends that when the call goes; or NULL */
};

/* Counts as open on @channel from now on. */
struct call *call_new(struct service *service, struct channel *channel,
                      uint32_t id, bool silent);
/* Ends the call without an answer. */
void call_free(struct call *call);
/* Frees those that are kept to be used again. */
void calls_drop_spare(struct service *service);

/* These three answer and free the call. */
/* @message is a whole response, begun by envelope_open_result(); taken. */
void call_finish(struct call *call, struct buf *message);
void call_finish_empty(struct call *call);
/* @code is what failed; @err has the sentence and the position. The leader's
 * address and when to retry are added where they help. */
void call_fail(struct call *call, int code, const struct err *err);

/* Submits a command with the request's own params; answers with what the machine
 * says. @on_applied may be NULL. Returns 0, or the node's refusal. */
int call_write(struct call *call, enum command_kind kind, struct bytes params,
               call_applied_fn on_applied, struct err *err);
/* Answers by @answer as soon as the machine may be read (@stale: now) and the
 * channel has room. Returns 0, or the node's refusal. */
int call_read(struct call *call, struct bytes params, bool stale,
              call_answer_fn answer, struct err *err);
/* The two halves of it, for one who decodes the params only once: @call keeps a
 * copy of them, which is where they are decoded from. */
int call_keep_params(struct call *call, struct bytes params, struct err *err);
int call_read_kept(struct call *call, bool stale, call_answer_fn answer,
                   struct err *err);
/* Makes the answer of a call that waits for nothing any more. */
void call_answer(struct call *call);
/* For a call_answer_fn whose @reader found a chunk absent while about @entries
 * more are wanted: it returns what this does. 0: what it has put into the message
 * is dropped, and it is called again when the bytes are there, or when it is
 * certain that they are not to be had and whatever else is the matter with the log
 * counts first. */
int call_wait(struct call *call, const struct machine_reader *reader,
              uint64_t entries, struct err *err);
/* It has waited already, in vain or not: what is there is the answer. */
bool call_has_waited(const struct call *call);

/* Puts the sentence for a code that the node gave into @err; returns @code. */
int call_node_refusal(int code, struct err *err);
