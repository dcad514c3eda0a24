/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A client of etcd 3.4: KV.Put of gRPC, many at once over a few connections. */
#pragma once

#include "compare/peer.h"

struct etcd_client;

/* NULL: nobody listens at @port yet. */
struct etcd_client *etcd_client_new(unsigned port, size_t connections,
                                    struct load *load);
void etcd_client_free(struct etcd_client *client);
/* Puts @value under a key that no other put has. */
void etcd_client_put(struct etcd_client *client, size_t slot,
                     struct bytes value);
/* False: a connection is lost. */
bool etcd_client_wait(struct etcd_client *client, int timeout_ms);
/* True: the server has a leader and is it; @ret_version has room for 64. */
bool etcd_client_is_at_leader(struct etcd_client *client, char *ret_version);
/* How many keys there are, by a linearizable read. */
uint64_t etcd_client_count(struct etcd_client *client);
