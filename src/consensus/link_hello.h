/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The hello of a connection between nodes: who both are, proved both ways, with
 * nothing in it that could be replayed or reflected. docs/formats.md, "Link".
 *
 *     caller                                   answerer
 *       call: who I am, whom I want, nonce  ->
 *           <- answer: who I am, nonce, proof over both
 *       (knows the answerer)
 *       proof over both                     ->
 *                                             (knows the caller)
 *           <- verdict
 *
 * A proof is HMAC-SHA256 (RFC 2104) keyed with the cluster's secret over a label
 * of the role and all bytes of call and answer. Either side may send a verdict
 * in place of its next message: the refused one then knows why. What a verdict
 * says is told to people and not proved.
 *
 * Pure functions: bytes in, bytes out.
 */
#pragma once

#include "consensus/identity.h"

#define LINK_PROTOCOL_MIN 1u
#define LINK_PROTOCOL_MAX 1u
#define LINK_NONCE_LEN 32u
#define LINK_CALL_LEN 168u
#define LINK_ANSWER_LEN 200u
#define LINK_PROOF_LEN 48u
#define LINK_VERDICT_LEN 16u

/* On the wire: never renumber. */
enum link_refusal {
    LINK_ACCEPTED = 0,
    LINK_MALFORMED = 1, /* not our protocol at all */
    LINK_VERSION = 2,   /* no protocol version in common */
    LINK_CLUSTER = 3,
    LINK_TARGET = 4,   /* another node was wanted */
    LINK_UNKNOWN = 5,  /* no such member, or this node itself */
    LINK_SECRET = 6,   /* the proof does not fit */
    LINK_MEMBERS = 7,  /* initialised with another member list */
    LINK_INSTANCE = 8, /* not the directory it had before */
    LINK_REFUSALS      /* how many there are */
};

/* What to do after a message was taken. */
enum link_hello_step {
    LINK_HELLO_WAIT,    /* send the reply, if any, and wait */
    LINK_HELLO_JUDGE,   /* node and instance are proved: look at the instance,
                           then link_hello_accept() or link_hello_refuse() */
    LINK_HELLO_DONE,    /* frames may go */
    LINK_HELLO_REFUSED, /* by us: send the reply, if any, and close */
    LINK_HELLO_TOLD,    /* by the other side */
};

struct link_hello {
    const struct identity *identity;
    uint64_t wanted; /* the caller's: whom it calls; 0: we answer */
    int state;       /* see link_hello.c */
    uint64_t node;   /* who the other says it is; 0: not said */
    char instance[ID_TEXT_LEN + 1]; /* "": not proved */
    uint16_t protocol;              /* agreed, once proved */
    enum link_refusal refusal;      /* when refused or told */
    uint8_t call[LINK_CALL_LEN];
    uint8_t answer[LINK_ANSWER_LEN];
};

struct link_hello_reply {
    uint8_t bytes[LINK_ANSWER_LEN];
    size_t len; /* 0: nothing to send */
};

/* @wanted 0: waits for a call. @nonce must be new and random; an answerer uses
 * it in its answer. @identity outlives @hello. */
void link_hello_open(struct link_hello *hello, const struct identity *identity,
                     uint64_t wanted, const uint8_t nonce[LINK_NONCE_LEN]);
/* The caller's first message. */
void link_hello_call(const struct link_hello *hello,
                     struct link_hello_reply *ret_reply);
enum link_hello_step link_hello_take(struct link_hello *hello,
                                     const uint8_t *bytes, size_t len,
                                     struct link_hello_reply *ret_reply);
/* After LINK_HELLO_JUDGE. Returns LINK_HELLO_WAIT or LINK_HELLO_DONE. */
enum link_hello_step link_hello_accept(struct link_hello *hello,
                                       struct link_hello_reply *ret_reply);
enum link_hello_step link_hello_refuse(struct link_hello *hello,
                                       enum link_refusal refusal,
                                       struct link_hello_reply *ret_reply);
/* "belongs to another cluster: ..." for "node 2 ..."; static. */
const char *link_refusal_text(enum link_refusal refusal);
/* The same said by the other side: "this node ..."; static. */
const char *link_refusal_told_text(enum link_refusal refusal);
