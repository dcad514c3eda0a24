/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The text protocol of NATS, as far as a client of JetStream needs it. */
#pragma once

#include "util/buf.h"

#include <stdbool.h>

enum nats_kind {
    NATS_NONE,    /* it is not there whole */
    NATS_MESSAGE, /* MSG */
    NATS_PING,
    NATS_ERROR, /* -ERR */
    NATS_OTHER, /* INFO, PONG, +OK */
    NATS_DAMAGED,
};

struct nats_message { /* views */
    enum nats_kind kind;
    size_t len;           /* all of it, line ends too */
    struct bytes subject; /* of NATS_MESSAGE */
    struct bytes payload; /* of NATS_MESSAGE; of NATS_ERROR: the line */
};

/* Looks at the first message in @bytes. */
void nats_message_take(struct bytes bytes, struct nats_message *ret_message);

#define NATS_HEAD_MAX 128u
/* The line in front of a payload of @len bytes that is published to @subject
 * with "@reply@number" for its answer; behind the payload goes "\r\n". Subjects
 * have at most 40 bytes. Returns the length. */
size_t nats_publish_put(char at[NATS_HEAD_MAX], const char *subject,
                        const char *reply, size_t number, size_t len);
/* The digits behind @prefix in @subject. False: it is not of that kind. */
bool nats_number(struct bytes subject, const char *prefix, size_t *ret_number);
/* Does this answer of JetStream to a publish say that it is stored? */
bool nats_is_stored(struct bytes payload);
