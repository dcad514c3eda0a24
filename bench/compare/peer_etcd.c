/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* etcd: three servers with their defaults. A put under a new key each time
 * stands for an append. */
#include "compare/peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compare/etcd_client.h"
#include "compare/servers.h"
#include "scale_process.h"
#include "util/limits.h"

#define URL_MAX 32u

struct server {
    char name[8];
    char dir[PATH_LEN_MAX];
    char output[PATH_LEN_MAX];
    unsigned port;
    char client_url[URL_MAX];
    char peer_url[URL_MAX];
};

static void describe(struct server *servers, const struct peer_setup *setup,
                     char *ret_cluster, size_t room)
{
    unsigned ports[2 * PEER_SERVERS];
    size_t used = 0;

    servers_find_ports(ports, 2 * PEER_SERVERS);
    for (unsigned i = 0; i < PEER_SERVERS; i++) {
        struct server *server = &servers[i];

        server->port = ports[i];
        (void)snprintf(server->name, sizeof server->name, "n%u", i + 1);
        (void)snprintf(server->dir, sizeof server->dir, "%s/n%u", setup->dir,
                       i + 1);
        (void)snprintf(server->output, sizeof server->output, "%s/n%u.log",
                       setup->dir, i + 1);
        (void)snprintf(server->client_url, URL_MAX, "http://127.0.0.1:%u",
                       ports[i]);
        (void)snprintf(server->peer_url, URL_MAX, "http://127.0.0.1:%u",
                       ports[PEER_SERVERS + i]);
        used +=
            (size_t)snprintf(ret_cluster + used, room - used, "%s%s=%s",
                             i > 0 ? "," : "", server->name, server->peer_url);
    }
}

static pid_t start_server(const struct server *server, const char *program,
                          const char *cluster)
{
    const char *const words[] = {program,
                                 "--name",
                                 server->name,
                                 "--data-dir",
                                 server->dir,
                                 "--listen-client-urls",
                                 server->client_url,
                                 "--advertise-client-urls",
                                 server->client_url,
                                 "--listen-peer-urls",
                                 server->peer_url,
                                 "--initial-advertise-peer-urls",
                                 server->peer_url,
                                 "--initial-cluster",
                                 cluster,
                                 NULL};

    return server_start(words, server->output);
}

static size_t find_leader(struct peer *peer, const struct server *servers)
{
    double until = scale_now() + SERVERS_START_SECONDS;

    while (scale_now() < until) {
        for (size_t i = 0; i < PEER_SERVERS; i++) {
            struct etcd_client *client =
                etcd_client_new(servers[i].port, 1, NULL);
            bool is_leader = client != NULL &&
                             etcd_client_is_at_leader(client, peer->version);

            if (client != NULL) {
                etcd_client_free(client);
            }
            if (is_leader) {
                return i;
            }
            server_check(peer->pids[i], servers[i].output);
        }
        (void)usleep(SERVERS_LOOK_US);
    }
    scale_fail("no server of etcd leads");
}

static void start(struct peer *peer, const struct peer_setup *setup)
{
    struct server servers[PEER_SERVERS];
    char cluster[PEER_SERVERS * (URL_MAX + 16)];

    describe(servers, setup, cluster, sizeof cluster);
    for (size_t i = 0; i < PEER_SERVERS; i++) {
        peer->pids[i] = start_server(&servers[i], setup->program, cluster);
        peer->ports[i] = servers[i].port;
    }
    peer->leader = find_leader(peer, servers);
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
