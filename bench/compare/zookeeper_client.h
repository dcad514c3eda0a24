/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A client of ZooKeeper 3.8: sets the data of one node, many times at once over
 * a few connections. */
#pragma once

#include "compare/peer.h"

struct zookeeper_client;

/* Does the server at @port lead? False as well while it does not answer. */
bool zookeeper_leads(unsigned port, char ret_version[64]);
/* NULL: nobody listens at @port. */
struct zookeeper_client *zookeeper_client_new(unsigned port, size_t connections,
                                              struct load *load);
void zookeeper_client_free(struct zookeeper_client *client);
/* Makes the node. False: it cannot. */
bool zookeeper_client_make(struct zookeeper_client *client);
void zookeeper_client_set(struct zookeeper_client *client, size_t slot,
                          struct bytes value);
/* False: a connection is lost. */
bool zookeeper_client_wait(struct zookeeper_client *client, int timeout_ms);
/* How often the node's data was set. */
uint64_t zookeeper_client_count(struct zookeeper_client *client);
