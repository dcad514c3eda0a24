/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* etcd: three servers with their defaults. A put under a new key each time
 * stands for an append. */
#include "compare/peer.h"

#include <stdio.h>

#include "compare/etcd_client.h"
#include "compare/servers.h"
#include "scale_process.h"

#define URL_MAX 32u

struct urls {
    char client[URL_MAX];
    char peer[URL_MAX];
};

/* And all servers for --initial-cluster. */
static void name_urls(const struct server *servers, struct urls *ret_urls,
                      char *ret_cluster, size_t room)
{
    size_t used = 0;

    for (unsigned i = 0; i < PEER_SERVERS; i++) {
        struct urls *urls = &ret_urls[i];

        (void)snprintf(urls->client, URL_MAX, "http://127.0.0.1:%u",
                       servers[i].ports[0]);
        (void)snprintf(urls->peer, URL_MAX, "http://127.0.0.1:%u",
                       servers[i].ports[1]);
        used += (size_t)snprintf(ret_cluster + used, room - used, "%s%s=%s",
                                 i > 0 ? "," : "", servers[i].name, urls->peer);
    }
}

static pid_t start_server(const struct server *server, const struct urls *urls,
                          const char *program, const char *cluster)
{
    const char *const words[] = {program,      "--name",
                                 server->name, "--data-dir",
                                 server->dir,  "--listen-client-urls",
                                 urls->client, "--advertise-client-urls",
                                 urls->client, "--listen-peer-urls",
                                 urls->peer,   "--initial-advertise-peer-urls",
                                 urls->peer,   "--initial-cluster",
                                 cluster,      NULL};

    return server_start(words, server->output);
}

static bool leads(unsigned port, char *ret_version)
{
    struct etcd_client *client = etcd_client_new(port, 1, NULL);
    bool is_leader =
        client != NULL && etcd_client_is_at_leader(client, ret_version);

    if (client != NULL) {
        etcd_client_free(client);
    }
    return is_leader;
}

static void start(struct peer *peer, const struct peer_setup *setup)
{
    struct server servers[PEER_SERVERS];
    struct urls urls[PEER_SERVERS];
    char cluster[PEER_SERVERS * (URL_MAX + 16)];

    servers_place(servers, setup->dir);
    name_urls(servers, urls, cluster, sizeof cluster);
    for (size_t i = 0; i < PEER_SERVERS; i++) {
        peer->pids[i] =
            start_server(&servers[i], &urls[i], setup->program, cluster);
        peer->ports[i] = servers[i].ports[0];
    }
    peer->leader = servers_find_leader(peer, servers, leads);
    peer->self = etcd_client_new(peer->ports[peer->leader], setup->connections,
                                 setup->load);
    if (peer->self == NULL) {
        scale_fail("the leader of etcd takes no connection");
    }
}

static void submit(void *self, size_t slot, struct bytes value)
{
    etcd_client_put(self, slot, value);
}

static bool wait_answers(void *self, int timeout_ms)
{
    return etcd_client_wait(self, timeout_ms);
}

static void *connect_to_one(unsigned port, struct load *load)
{
    return etcd_client_new(port, 1, load);
}

static void disconnect(void *self)
{
    etcd_client_free(self);
}

static uint64_t count(void *self)
{
    return etcd_client_count(self);
}

const struct peer_kind peer_etcd = {
    .name = "etcd",
    .durability = "synced on a quorum",
    .program = "etcd",
    .packages = {"etcd-server"},
    .connected = "gRPC to the leader, a new key each time",
    .connections = 1,
    .start = start,
    .submit = submit,
    .wait = wait_answers,
    .count = count,
    .connect = connect_to_one,
    .disconnect = disconnect,
};
