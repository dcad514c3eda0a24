/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ZooKeeper's messages, as far as a client needs them that makes one node, sets
 * its data and asks how often that was done. Each has its length in front. */
#pragma once

#include "util/buf.h"

#include <stdbool.h>

/* Of all that is put here, without the data. Paths have at most 64 bytes. */
#define JUTE_MAX 192u

struct jute_answer {
    int32_t xid;       /* of the request */
    int32_t error;     /* 0: it was done */
    struct bytes body; /* a view */
};

/* All return the length. */
size_t jute_connect_put(uint8_t at[JUTE_MAX], uint32_t timeout_ms);
/* With no data, for everybody. */
size_t jute_create_put(uint8_t at[JUTE_MAX], int32_t xid, const char *path);
/* What stands in front of the data and behind it. */
size_t jute_set_put(uint8_t at[JUTE_MAX], int32_t xid, const char *path,
                    size_t data_len);
size_t jute_set_end_put(uint8_t at[JUTE_MAX]);
size_t jute_exists_put(uint8_t at[JUTE_MAX], int32_t xid, const char *path);

/* Takes the first message off @bytes and returns its length; 0: it is not there
 * whole, or (*ret_is_damaged) never will be. */
size_t jute_take(struct bytes bytes, struct bytes *ret_message,
                 bool *ret_is_damaged);
/* False: it is no answer. */
bool jute_answer_read(struct bytes message, struct jute_answer *ret_answer);
/* How often data was set, of the Stat in the body of an answer to exists. */
bool jute_version_read(struct bytes body, uint32_t *ret_version);
