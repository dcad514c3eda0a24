/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale_cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scale_process.h"

#define LEADER_SECONDS 60
#define SETTLE_SECONDS 600
#define LOOK_US 10000u
#define SECRET_TEXT_LEN 64u
#define OUTPUT_SAID 2000u
/* Below the ports that the kernel gives to clients. */
#define PORT_FIRST 10000u
#define PORT_COUNT 20000u

unsigned scale_free_port(void)
{
    for (unsigned turn = 0; turn < 1000; turn++) {
        unsigned port = PORT_FIRST + (unsigned)(random_u64() % PORT_COUNT);
        struct sockaddr_in address = {.sin_family = AF_INET};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool taken;

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons((uint16_t)port);
        taken =
            bind(fd, (const struct sockaddr *)&address, sizeof address) != 0;
        (void)close(fd);
        if (!taken) {
            return port;
        }
    }
    scale_fail("no free port on loopback");
}

/* In a process of its own, which ends with this one. */
static pid_t run(const struct scale_node *node, const char *const *words)
{
    pid_t pid;

    (void)fflush(stdout);
    pid = fork();
    if (pid < 0) {
        scale_fail("no process");
    }
    if (pid == 0) {
        int out = open(node->output, O_WRONLY | O_CREAT | O_APPEND, 0600);

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(out, STDOUT_FILENO);
        (void)dup2(out, STDERR_FILENO);
        (void)execv(words[0], (char *const *)words);
        _exit(127);
    }
    return pid;
}

/* The last of what it said, as its directory will be removed. */
static void say_output(const struct scale_node *node)
{
    FILE *file = fopen(node->output, "r");
    char bytes[OUTPUT_SAID];
    size_t len;

    if (file == NULL) {
        return;
    }
    if (fseek(file, -(long)sizeof bytes, SEEK_END) != 0) {
        rewind(file);
    }
    len = fread(bytes, 1, sizeof bytes, file);
    (void)fwrite(bytes, 1, len, stderr);
    (void)fclose(file);
}

static void write_secret(struct scale_cluster *cluster, const char *dir)
{
    uint8_t secret[SECRET_TEXT_LEN / 2];
    FILE *file;

    random_bytes(secret, sizeof secret);
    random_uuid(cluster->id);
    (void)snprintf(cluster->secret, sizeof cluster->secret, "%s/secret", dir);
    file = fopen(cluster->secret, "w");
    if (file == NULL || fchmod(fileno(file), 0600) != 0) {
        scale_fail("%s cannot be written", cluster->secret);
    }
    for (size_t i = 0; i < sizeof secret; i++) {
        (void)fprintf(file, "%02x", secret[i]);
    }
    (void)fclose(file);
}

static void init_node(const struct scale_cluster *cluster,
                      const struct scale_node *node)
{
    char id[8];
    const char *const words[] = {cluster->daemon,
                                 "init",
                                 "--data-dir",
                                 node->dir,
                                 "--node",
                                 id,
                                 "--members",
                                 cluster->members,
                                 "--cluster",
                                 cluster->id,
                                 "--secret-file",
                                 cluster->secret,
                                 "--quorum-size",
                                 "2",
                                 NULL};
    int status;

    (void)snprintf(id, sizeof id, "%u", node->id);
    if (waitpid(run(node, words), &status, 0) < 0 || status != 0) {
        say_output(node);
        scale_fail("%s init failed", cluster->daemon);
    }
}

void scale_cluster_init(struct scale_cluster *cluster, const char *dir)
{
    size_t members = 0;
    size_t endpoints = 0;

    write_secret(cluster, dir);
    for (unsigned i = 0; i < SCALE_NODES; i++) {
        struct scale_node *node = &cluster->nodes[i];

        node->id = i + 1;
        (void)snprintf(node->dir, sizeof node->dir, "%s/node%u", dir, i + 1);
        (void)snprintf(node->output, sizeof node->output, "%s/node%u.log", dir,
                       i + 1);
        (void)snprintf(node->peer, sizeof node->peer, "127.0.0.1:%u",
                       scale_free_port());
        (void)snprintf(node->address, sizeof node->address, "127.0.0.1:%u",
                       scale_free_port());
        members += (size_t)snprintf(
            cluster->members + members, sizeof cluster->members - members,
            "%s%u=%s/%s", i > 0 ? "," : "", i + 1, node->peer, node->address);
        endpoints += (size_t)snprintf(cluster->endpoints + endpoints,
                                      sizeof cluster->endpoints - endpoints,
                                      "%s%s", i > 0 ? "," : "", node->address);
    }
    for (unsigned i = 0; i < SCALE_NODES; i++) {
        init_node(cluster, &cluster->nodes[i]);
    }
}

void scale_node_start(const struct scale_cluster *cluster,
                      struct scale_node *node, const char *const *more)
{
    const char *words[4 + 2 * SCALE_WORDS_MAX + 1] = {cluster->daemon, "run",
                                                      "--data-dir", node->dir};
    size_t count = 4;

    for (size_t i = 0; cluster->options[i] != NULL; i++) {
        words[count++] = cluster->options[i];
    }
    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        words[count++] = more[i];
    }
    node->pid = run(node, words);
}

void scale_node_kill(struct scale_node *node)
{
    if (node->pid != 0) {
        (void)kill(node->pid, SIGKILL);
        (void)waitpid(node->pid, NULL, 0);
        node->pid = 0;
    }
}

void scale_cluster_kill(struct scale_cluster *cluster)
{
    for (unsigned i = 0; i < SCALE_NODES; i++) {
        scale_node_kill(&cluster->nodes[i]);
    }
}

void scale_cluster_restart(struct scale_cluster *cluster,
                           const char *const *more)
{
    scale_cluster_kill(cluster);
    for (unsigned i = 0; i < SCALE_NODES; i++) {
        scale_node_start(cluster, &cluster->nodes[i], more);
    }
}

void scale_cluster_check(struct scale_cluster *cluster)
{
    for (unsigned i = 0; i < SCALE_NODES; i++) {
        struct scale_node *node = &cluster->nodes[i];

        if (node->pid != 0 && waitpid(node->pid, NULL, WNOHANG) != 0) {
            node->pid = 0;
            say_output(node);
            scale_fail("node %u has ended", node->id);
        }
    }
}

struct scale_node *scale_cluster_leader(struct scale_cluster *cluster)
{
    double until = scale_now() + LEADER_SECONDS;

    while (scale_now() < until) {
        for (unsigned i = 0; i < SCALE_NODES; i++) {
            if (cluster->nodes[i].pid != 0 &&
                scale_node_fact(&cluster->nodes[i], "role=leader") == 1) {
                return &cluster->nodes[i];
            }
        }
        scale_cluster_check(cluster);
        (void)usleep(LOOK_US);
    }
    scale_fail("nobody leads");
}

struct scale_node *scale_cluster_follower(struct scale_cluster *cluster)
{
    struct scale_node *leader = scale_cluster_leader(cluster);

    for (unsigned i = 0; i < SCALE_NODES; i++) {
        if (cluster->nodes[i].pid != 0 && &cluster->nodes[i] != leader) {
            return &cluster->nodes[i];
        }
    }
    scale_fail("nobody follows");
}

static bool is_settled(const struct scale_node *node, double index)
{
    struct scale_facts facts;

    return scale_ask_status(node->address, &facts) &&
           scale_fact(&facts, "applied_index") >= index &&
           scale_fact(&facts, "store.waiting_bytes") <= 0 &&
           scale_fact(&facts, "store.merges_bytes") <= 0;
}

double scale_cluster_settle(struct scale_cluster *cluster)
{
    double begun = scale_now();
    double index =
        scale_node_fact(scale_cluster_leader(cluster), "commit_index");

    for (unsigned i = 0; i < SCALE_NODES; i++) {
        const struct scale_node *node = &cluster->nodes[i];

        while (node->pid != 0 && !is_settled(node, index)) {
            if (scale_now() > begun + SETTLE_SECONDS) {
                scale_fail("node %u does not come to rest", node->id);
            }
            scale_cluster_check(cluster);
            (void)usleep(LOOK_US);
        }
    }
    return scale_now() - begun;
}

double scale_node_fact(const struct scale_node *node, const char *name)
{
    struct scale_facts facts;

    return scale_ask_status(node->address, &facts) ? scale_fact(&facts, name)
                                                   : -1;
}
