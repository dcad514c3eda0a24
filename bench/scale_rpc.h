/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One call to one node, and the numbers in its answer by name: also those that
 * the client library does not show. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SCALE_FACTS_MAX 256u
#define SCALE_FACT_NAME_MAX 64u

/* {"store": {"packs": 3}} is "store.packs", 3; the second of an array is
 * "members.1.id"; {"role": "leader"} is "role=leader", 1. */
struct scale_fact {
    char name[SCALE_FACT_NAME_MAX];
    double value;
};

struct scale_facts {
    size_t count;
    struct scale_fact facts[SCALE_FACTS_MAX];
};

/* cluster.status. False: the node did not answer. */
bool scale_ask_status(const char *address, struct scale_facts *ret);
/* True: the node answered a stale read of the oldest entry of @log. */
bool scale_ask_oldest(const char *address, const char *log);
/* -1 when there is none of that name. */
double scale_fact(const struct scale_facts *facts, const char *name);
/* The same of a counter, which is left out while it is 0. */
double scale_fact_count(const struct scale_facts *facts, const char *name);
