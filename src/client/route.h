/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where to connect next, and when: the endpoints in turn, or the leader that a
 * node named, which need not be among them. Delays grow with each full turn
 * without success and are jittered, so that many clients do not come back in
 * step ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
#pragma once

#include "util/buf.h"
#include "util/text.h"

struct route {
    struct address *endpoints; /* owned */
    size_t count;
    size_t next;
    struct address hint;
    bool has_hint;
    uint32_t failures;      /* since something last went well */
    uint64_t not_before_ms; /* when the next attempt may start */
};

/* @endpoints: "host:port,unix:/path,..."; the default port is 7420. */
int route_init(struct route *route, const char *endpoints, struct err *err);
void route_close(struct route *route);
/* The address to try now; a hint is given once. Valid until the next call. */
const struct address *route_take(struct route *route);
/* Remembers a leader's client address; ignores what is none. */
void route_hint(struct route *route, struct bytes leader);
void route_forget_hint(struct route *route);
/* The address of a leader, as a node names it; false: it is none. */
bool route_parse_leader(struct bytes leader, struct address *ret);
/* @leader said itself that it leads: it is next, and without delay. */
void route_found(struct route *route, const struct address *leader);
/* An attempt or a redirection that led nowhere; sets not_before_ms. */
void route_failed(struct route *route, uint64_t now_ms, uint64_t random);
/* A call was answered. */
void route_good(struct route *route);
/* A delay for attempt number @attempt (from 1). */
uint64_t route_delay_ms(uint32_t attempt, uint64_t random);
