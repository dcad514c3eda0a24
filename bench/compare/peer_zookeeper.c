/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ZooKeeper: three servers with their defaults. Setting the data of one node
 * stands for an append, although nothing of the ones before is kept. */
#include "compare/peer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compare/servers.h"
#include "compare/zookeeper_client.h"
#include "scale_process.h"
#include "util/limits.h"

#define JAVA "/usr/bin/env"
#define CLASS_PATH_MAX 8192u

struct server {
    char dir[PATH_LEN_MAX];
    char identity[PATH_LEN_MAX];
    char configuration[PATH_LEN_MAX];
    char output[PATH_LEN_MAX];
    unsigned port;
    unsigned peer_port;
    unsigned election_port;
};

/* What it needs of the libraries that Debian's package depends on: nothing to
 * compile, to log or to administer. */
static const char *const jars[] = {"zookeeper",
                                   "zookeeper-jute",
                                   "slf4j-api",
                                   "slf4j-nop",
                                   "metrics-core",
                                   "snappy-java",
                                   "netty-buffer",
                                   "netty-common",
                                   "netty-handler",
                                   "netty-transport",
                                   NULL};

static void write_files(const struct server *servers, size_t at)
{
    FILE *file = fopen(servers[at].identity, "w");

    if (file == NULL || fprintf(file, "%zu\n", at + 1) < 0 ||
        fclose(file) != 0) {
        scale_fail("%s cannot be written", servers[at].identity);
    }
    file = fopen(servers[at].configuration, "w");
    if (file == NULL) {
        scale_fail("%s cannot be written", servers[at].configuration);
    }
    /* The first three are those of the package's own file. */
    (void)fprintf(file,
                  "tickTime=2000\ninitLimit=10\nsyncLimit=5\n"
                  "admin.enableServer=false\ndataDir=%s\n"
                  "clientPortAddress=127.0.0.1\nclientPort=%u\n",
                  servers[at].dir, servers[at].port);
    for (size_t i = 0; i < PEER_SERVERS; i++) {
        (void)fprintf(file, "server.%zu=127.0.0.1:%u:%u\n", i + 1,
                      servers[i].peer_port, servers[i].election_port);
    }
    (void)fclose(file);
}

static void describe(struct server *servers, const struct peer_setup *setup)
{
    unsigned ports[3 * PEER_SERVERS];

    servers_find_ports(ports, 3 * PEER_SERVERS);
    for (unsigned i = 0; i < PEER_SERVERS; i++) {
        struct server *server = &servers[i];

        server->port = ports[i];
        server->peer_port = ports[PEER_SERVERS + i];
        server->election_port = ports[2 * PEER_SERVERS + i];
        (void)snprintf(server->dir, sizeof server->dir, "%s/n%u", setup->dir,
                       i + 1);
        (void)snprintf(server->identity, sizeof server->identity, "%s/n%u/myid",
                       setup->dir, i + 1);
        (void)snprintf(server->output, sizeof server->output, "%s/n%u.log",
                       setup->dir, i + 1);
        (void)snprintf(server->configuration, sizeof server->configuration,
                       "%s/n%u.cfg", setup->dir, i + 1);
        if (mkdir(server->dir, 0700) != 0) {
            scale_fail("%s cannot be made", server->dir);
        }
    }
    for (size_t i = 0; i < PEER_SERVERS; i++) {
        write_files(servers, i);
    }
}

/* All in the directory of @jar. */
static void class_path(const char *jar, char *ret_path)
{
    int dir_len = (int)(strrchr(jar, '/') - jar);
    size_t len = 0;

    for (size_t i = 0; jars[i] != NULL && len < CLASS_PATH_MAX; i++) {
        len += (size_t)snprintf(ret_path + len, CLASS_PATH_MAX - len,
                                "%s%.*s/%s.jar", i > 0 ? ":" : "", dir_len, jar,
                                jars[i]);
    }
    if (len >= CLASS_PATH_MAX) {
        scale_fail("%s is too long", jar);
    }
}

static void start_servers(struct peer *peer, const struct server *servers,
                          const char *jar)
{
    char path[CLASS_PATH_MAX];

    class_path(jar, path);
    for (size_t i = 0; i < PEER_SERVERS; i++) {
        const char *const words[] = {
            JAVA,
            "java",
            "-cp",
            path,
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            servers[i].configuration,
            NULL};

        peer->pids[i] = server_start(words, servers[i].output);
        peer->ports[i] = servers[i].port;
    }
}

static size_t find_leader(struct peer *peer, const struct server *servers)
{
    double until = scale_now() + SERVERS_START_SECONDS;

    while (scale_now() < until) {
        for (size_t i = 0; i < PEER_SERVERS; i++) {
            if (zookeeper_leads(servers[i].port, peer->version)) {
                return i;
            }
            server_check(peer->pids[i], servers[i].output);
        }
        (void)usleep(SERVERS_LOOK_US);
    }
    scale_fail("no server of zookeeper leads");
}

static void start(struct peer *peer, const struct peer_setup *setup)
{
    struct server servers[PEER_SERVERS];

    describe(servers, setup);
    start_servers(peer, servers, setup->program);
    peer->leader = find_leader(peer, servers);
    peer->self = zookeeper_client_new(peer->ports[peer->leader],
                                      setup->connections, setup->load);
    if (peer->self == NULL || !zookeeper_client_make(peer->self)) {
        scale_fail("zookeeper does not make a node");
    }
}

static void submit(void *self, size_t slot, struct bytes value)
{
    zookeeper_client_set(self, slot, value);
}

static bool wait_answers(void *self, int timeout_ms)
{
    return zookeeper_client_wait(self, timeout_ms);
}

static void *connect_to_one(unsigned port, struct load *load)
{
    return zookeeper_client_new(port, 1, load);
}

static void disconnect(void *self)
{
    zookeeper_client_free(self);
}

static uint64_t count(void *self)
{
    return zookeeper_client_count(self);
}

const struct peer_kind peer_zookeeper = {
    .name = "zookeeper",
    .durability = "synced on a quorum",
    .program = "zookeeper.jar",
    .needs = "java",
    /* The jar that is looked for comes last: it is there when all are. */
    .packages = {"libslf4j-java", "libdropwizard-metrics-java",
                 "libsnappy-java", "libnetty-java", "libzookeeper-java"},
    .connected = "sets one node's data, at the leader",
    .connections = 1,
    .learn_seconds = 5,
    .start = start,
    .submit = submit,
    .wait = wait_answers,
    .count = count,
    .connect = connect_to_one,
    .disconnect = disconnect,
};
