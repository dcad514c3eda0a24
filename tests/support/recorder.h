/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A connection without a socket: takes requests in notation and keeps what the
 * service sends, until the test takes it out. */
#pragma once

#include "service/channel.h"
#include "support/rig.h"
#include "wire/rpc.h"

struct recorder {
    struct channel channel;
    struct rig *rig;
    struct buf *messages; /* sent and not taken out */
    size_t count;
    size_t bytes;
    size_t stuffed;  /* more bytes that seem to be queued */
    size_t later;    /* how often there was more for the next turn */
    struct buf last; /* the message taken out last */
};

void recorder_open(struct recorder *recorder, struct rig *rig,
                   bool is_operator);
void recorder_close(struct recorder *recorder);

/* A request with this id; returns what service_handle() returns. */
int recorder_send(struct recorder *recorder, uint32_t id, const char *method,
                  const char *params);
int recorder_notify(struct recorder *recorder, const char *method,
                    const char *params);
int recorder_send_raw(struct recorder *recorder, const char *message);

/* Takes the oldest message out; valid until the next is. Fails when there is
 * none. */
struct rpc_message recorder_next(struct recorder *recorder);
/* The same; it must be the answer to @id, a result. */
struct bytes recorder_result(struct recorder *recorder, uint32_t id);
/* The same; it must be the answer to @id, an error of @code. */
struct rpc_error recorder_error(struct recorder *recorder, uint32_t id,
                                int code);
/* The same; it must be this notification. Returns the params. */
struct bytes recorder_notice(struct recorder *recorder, const char *method);
void recorder_expect_nothing(const struct recorder *recorder);
/* Sends, settles, and takes the result out. */
struct bytes recorder_call(struct recorder *recorder, const char *method,
                           const char *params);
/* Sends, settles, and takes the error out. */
struct rpc_error recorder_refused(struct recorder *recorder, int code,
                                  const char *method, const char *params);
