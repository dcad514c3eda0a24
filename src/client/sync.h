/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Blocking calls: the callback form, driven until its callback has run. The
 * deadline is the call's own, so this always ends. */
#pragma once

#include "client/error.h"

struct sync {
    struct ql_client *client;
    bool done;
    int code; /* 0, or error.code */
    struct ql_error error;
};

/* QL_INVALID from inside a callback: nothing may wait there. */
int sync_begin(struct sync *sync, struct ql_client *client,
               struct ql_error *error);
/* @rv is what starting the call gave, and then nothing is waited for. */
int sync_end(struct sync *sync, int rv, struct ql_error *error);
/* For the callbacks. */
void sync_done(struct sync *sync, const struct ql_error *error);
void sync_on_done(void *data, const struct ql_error *error); /* a ql_done_cb */
/* Processes for @ms, whatever comes. */
void sync_pause(struct ql_client *client, uint32_t ms);
