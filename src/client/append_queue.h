/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The appends of one client, in the order of the calls, each exactly once.
 *
 * Numbers. A producer is opened by the first append. An append gets its
 * sequence when it is first sent, so that one which never was can leave the
 * queue without a trace. From then on the number is its own: it is sent again
 * with it, after lost connections and refusals that say "not now", until the
 * machine has decided it.
 *
 * The machine takes a producer's numbers without gaps. When the append of a
 * number is settled without having reached the machine (the service refused
 * it, or its deadline passed and no copy can be on its way), the number is used
 * up by a filler: an append whose condition can never hold. Moving the later
 * ones down instead would not be safe: an old copy of one of them, read late
 * from a lost connection, could then be taken for the next one.
 *
 * Order. All of it travels on one connection, first to last. After a refusal
 * the later ones are refused as well, so nothing more is sent until everything
 * in flight is answered or lost; then it starts again from the first.
 *
 * The scheme is that of Kafka's idempotent producer (KIP-98) and of Raft's
 * client sessions (Ongaro, "Consensus: Bridging Theory and Practice", 6.3).
 */
#pragma once

#include "client/request.h"

struct append_call {
    struct request request; /* first: see client/request_pool.h */
    struct list order;      /* in append_queue.calls */
    ql_append_cb cb;        /* NULL: nobody waits for it (any more) */
    void *data;
    uint64_t writer; /* serial of the ql_writer it was made with, or 0 */
    uint64_t producer;
    uint64_t sequence; /* 0: never sent, or without a number */
    size_t parts_count;
    bool numbered; /* false: at_least_once */
    bool is_filler;
};

struct append_queue {
    struct list calls;   /* struct append_call */
    size_t count;        /* of them */
    struct request open; /* producer.open, or producer.close */
    uint64_t producer;   /* 0: none */
    uint64_t window;     /* as much may be in flight */
    uint64_t next_sequence;
    uint64_t not_before_ms;
    uint32_t refusals; /* in a row, for the back-off */
    size_t in_flight;
    bool opening; /* the open request is out */
    bool held;    /* send nothing until in_flight is 0 */
    bool lost;    /* the producer is gone: replace it then */
};

void append_queue_init(struct ql_client *client);
/* Cancels what is left, with its callbacks. */
void append_queue_cancel_all(struct ql_client *client);
/* Takes @call, whose params are encoded, with room for its numbers. */
void append_queue_add(struct ql_client *client, struct append_call *call);
/* Fine with one that is not in it. */
void append_queue_remove(struct append_call *call);
bool append_queue_wants_leader(const struct append_queue *queue);
/* Sends what may be sent now. An error ends the connection. */
int append_queue_send(struct ql_client *client, struct err *err);
void append_queue_expire(struct ql_client *client);
void append_queue_on_answer(struct request *request,
                            const struct rpc_error *error, struct bytes result);
void append_queue_on_lost(struct request *request);
/* Another cluster answered: its machine knows nothing of our producer. */
void append_queue_on_new_cluster(struct ql_client *client);
/* Sends producer.close without waiting, when nothing is left to do. */
void append_queue_say_goodbye(struct ql_client *client);
void append_call_free(struct append_call *call);
