/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ZooKeeper: three servers with their defaults. Setting the data of one node
 * stands for an append, although nothing of the ones before is kept. */
#include "compare/peer.h"

#include <stdio.h>
#include <string.h>

#include "compare/servers.h"
#include "compare/zookeeper_client.h"
#include "scale_process.h"

#define JAVA "/usr/bin/env"
#define CLASS_PATH_MAX 8192u

/* Which of a server's ports is whose. */
enum { CLIENT_PORT, PEER_PORT, ELECTION_PORT };

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
    char identity[PATH_LEN_MAX + 8];
    FILE *file;

    (void)snprintf(identity, sizeof identity, "%s/myid", servers[at].dir);
    file = fopen(identity, "w");
    if (file == NULL || fprintf(file, "%zu\n", at + 1) < 0 ||
        fclose(file) != 0) {
        scale_fail("%s cannot be written", identity);
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
                  servers[at].dir, servers[at].ports[CLIENT_PORT]);
    for (size_t i = 0; i < PEER_SERVERS; i++) {
        (void)fprintf(file, "server.%zu=127.0.0.1:%u:%u\n", i + 1,
                      servers[i].ports[PEER_PORT],
                      servers[i].ports[ELECTION_PORT]);
    }
    (void)fclose(file);
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
        peer->ports[i] = servers[i].ports[CLIENT_PORT];
    }
}

static void start(struct peer *peer, const struct peer_setup *setup)
{
    struct server servers[PEER_SERVERS];

    servers_place(servers, setup->dir);
    for (size_t i = 0; i < PEER_SERVERS; i++) {
        write_files(servers, i);
    }
    start_servers(peer, servers, setup->program);
    peer->leader = servers_find_leader(peer, servers, zookeeper_leads);
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
