/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Round trips: of the kernel's loopback alone, and to a node that answers. */
#pragma once

#include <stdbool.h>

#include "util/err.h"
#include "util/histogram.h"

/* Adds to @histogram, in ns, what a message of @message_len bytes and a short
 * answer take over a TCP connection on loopback with a thread at the other end,
 * one after the other for @ms. @one_cpu: both ends run on the same processor; else
 * wherever they are put, and a processor at rest takes its time to wake up. */
int qb_floor_net_loopback(struct histogram *histogram, size_t message_len,
                          bool one_cpu, unsigned ms, struct err *err);
/* The same of server.ping to the node at @endpoint, as of a client's list.
 * QL_CONNECT: it does not answer. */
int qb_floor_net_ping(struct histogram *histogram, const char *endpoint,
                      unsigned ms, struct err *err);
/* CLOCK_MONOTONIC. */
uint64_t qb_floor_now_ns(void);
