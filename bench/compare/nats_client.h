/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A client of NATS JetStream 2.9: publishes to a stream, many at once over a few
 * connections, each acknowledged by the stream. */
#pragma once

#include "compare/peer.h"

#include <jansson.h>

#define NATS_STREAM "COMPARE"

struct nats_client;

/* NULL: nobody listens at @port yet. */
struct nats_client *nats_client_new(unsigned port, size_t connections,
                                    struct load *load);
void nats_client_free(struct nats_client *client);
void nats_client_publish(struct nats_client *client, size_t slot,
                         struct bytes value);
/* False: a connection is lost. */
bool nats_client_wait(struct nats_client *client, int timeout_ms);
/* Asks the API of JetStream. NULL: no answer within a second. The caller
 * decrefs it. */
json_t *nats_client_ask(struct nats_client *client, const char *subject,
                        const char *text);
