/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* NATS JetStream: three servers with their defaults and a stream of three
 * replicas in files; and the same on a file system that syncs every write. */
#include "compare/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "compare/nats_client.h"
#include "compare/servers.h"
#include "scale_process.h"

#define CREATE                                                                 \
    "{\"name\":\"" NATS_STREAM "\",\"subjects\":[\"compare\"],"                \
    "\"retention\":\"limits\",\"discard\":\"old\",\"storage\":\"file\","       \
    "\"num_replicas\":3,\"max_consumers\":-1,\"max_msgs\":-1,"                 \
    "\"max_bytes\":-1,\"max_age\":0,\"max_msg_size\":-1}"

/* Which of a server's ports is whose. */
enum { CLIENT_PORT, PEER_PORT };

/* Version 2.9 cannot be told to sync; ext4 and others can be told to sync what
 * is written below a directory. */
static void sync_all_below(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int flags;

    if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) {
        scale_fail("%s has no flags: %s", dir, strerror(errno));
    }
    flags |= FS_SYNC_FL;
    if (ioctl(fd, FS_IOC_SETFLAGS, &flags) != 0) {
        scale_fail("%s cannot be made to sync: %s", dir, strerror(errno));
    }
    (void)close(fd);
}

static void write_configuration(const struct server *servers, size_t at)
{
    const struct server *server = &servers[at];
    FILE *file = fopen(server->configuration, "w");

    if (file == NULL) {
        scale_fail("%s cannot be written", server->configuration);
    }
    (void)fprintf(file,
                  "server_name: %s\nlisten: 127.0.0.1:%u\n"
                  "jetstream { store_dir: \"%s\" }\n"
                  "cluster {\n  name: compare\n  listen: 127.0.0.1:%u\n"
                  "  routes: [",
                  server->name, server->ports[CLIENT_PORT], server->dir,
                  server->ports[PEER_PORT]);
    for (size_t i = 0; i < PEER_SERVERS; i++) {
        if (i != at) {
            (void)fprintf(file, "\"nats://127.0.0.1:%u\", ",
                          servers[i].ports[PEER_PORT]);
        }
    }
    (void)fprintf(file, " ]\n}\n");
    (void)fclose(file);
}

static void start_servers(struct peer *peer, const struct server *servers,
                          const char *program)
{
    for (size_t i = 0; i < PEER_SERVERS; i++) {
        const char *const words[] = {program, "-c", servers[i].configuration,
                                     NULL};

        peer->pids[i] = server_start(words, servers[i].output);
        peer->ports[i] = servers[i].ports[CLIENT_PORT];
    }
}

/* A client of server @at as soon as it listens. */
static struct nats_client *connect_to(const struct peer *peer,
                                      const struct server *servers, size_t at,
                                      const struct peer_setup *setup,
                                      size_t connections)
{
    double until = scale_now() + SERVERS_START_SECONDS;

    while (scale_now() < until) {
        struct nats_client *client = nats_client_new(
            servers[at].ports[CLIENT_PORT], connections, setup->load);

        if (client != NULL) {
            return client;
        }
        server_check(peer->pids[at], servers[at].output);
        (void)usleep(SERVERS_LOOK_US);
    }
    scale_fail("nats does not listen");
}

static bool make_stream(struct nats_client *client)
{
    json_t *told =
        nats_client_ask(client, "$JS.API.STREAM.CREATE." NATS_STREAM, CREATE);
    bool is_made = told != NULL && json_object_get(told, "error") == NULL;

    json_decref(told);
    return is_made;
}

/* The server that leads the stream while its followers keep up; or none. */
static size_t leader_of(struct nats_client *client,
                        const struct server *servers)
{
    json_t *told =
        nats_client_ask(client, "$JS.API.STREAM.INFO." NATS_STREAM, "");
    json_t *cluster = json_object_get(told, "cluster");
    const char *leader = json_string_value(json_object_get(cluster, "leader"));
    json_t *replicas = json_object_get(cluster, "replicas");
    size_t current = 0;
    size_t at;
    json_t *replica;

    json_array_foreach(replicas, at, replica)
    {
        current += json_is_true(json_object_get(replica, "current"));
    }
    for (at = 0; at < PEER_SERVERS; at++) {
        if (leader != NULL && strcmp(leader, servers[at].name) == 0 &&
            current == PEER_SERVERS - 1) {
            break;
        }
    }
    json_decref(told);
    return at;
}

static size_t find_leader(const struct peer *peer, const struct server *servers,
                          const struct peer_setup *setup)
{
    double until = scale_now() + SERVERS_START_SECONDS;
    struct nats_client *client = connect_to(peer, servers, 0, setup, 1);
    size_t leader = PEER_SERVERS;

    while (!make_stream(client)) {
        if (scale_now() > until) {
            scale_fail("nats does not make a stream");
        }
        (void)usleep(SERVERS_LOOK_US);
    }
    while ((leader = leader_of(client, servers)) == PEER_SERVERS) {
        if (scale_now() > until) {
            scale_fail("no server of nats leads the stream");
        }
        (void)usleep(SERVERS_LOOK_US);
    }
    nats_client_free(client);
    return leader;
}

static void start(struct peer *peer, const struct peer_setup *setup)
{
    struct server servers[PEER_SERVERS];

    server_version(setup->program, "--version", peer->version,
                   sizeof peer->version);
    servers_place(servers, setup->dir);
    for (size_t i = 0; i < PEER_SERVERS; i++) {
        if (peer->kind->syncs_all) {
            sync_all_below(servers[i].dir);
        }
        write_configuration(servers, i);
    }
    start_servers(peer, servers, setup->program);
    peer->leader = find_leader(peer, servers, setup);
    peer->self =
        connect_to(peer, servers, peer->leader, setup, setup->connections);
}

static void submit(void *self, size_t slot, struct bytes value)
{
    nats_client_publish(self, slot, value);
}

static bool wait_answers(void *self, int timeout_ms)
{
    return nats_client_wait(self, timeout_ms);
}

static void *connect_to_one(unsigned port, struct load *load)
{
    return nats_client_new(port, 1, load);
}

static void disconnect(void *self)
{
    nats_client_free(self);
}

static uint64_t count(void *self)
{
    json_t *told =
        nats_client_ask(self, "$JS.API.STREAM.INFO." NATS_STREAM, "");
    json_t *messages =
        json_object_get(json_object_get(told, "state"), "messages");
    uint64_t value = (uint64_t)json_integer_value(messages);

    if (!json_is_integer(messages)) {
        scale_fail("nats does not say how many messages it has");
    }
    json_decref(told);
    return value;
}

const struct peer_kind peer_nats = {
    .name = "nats",
    .durability = "in the page cache of a quorum, not synced",
    .program = "nats-server",
    .packages = {"nats-server"},
    .connected = "publishes to JetStream, to the stream's leader",
    .connections = 1,
    .start = start,
    .submit = submit,
    .wait = wait_answers,
    .count = count,
    .connect = connect_to_one,
    .disconnect = disconnect,
};

const struct peer_kind peer_nats_synced = {
    .name = "nats-synced",
    .durability = "synced on a quorum: every write of the servers is synced",
    .program = "nats-server",
    .packages = {"nats-server"},
    .connected = "publishes to JetStream, to the stream's leader",
    .connections = 1,
    .syncs_all = true,
    .start = start,
    .submit = submit,
    .wait = wait_answers,
    .count = count,
    .connect = connect_to_one,
    .disconnect = disconnect,
};
