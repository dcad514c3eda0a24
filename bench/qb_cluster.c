/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_cluster.h"

#include <arpa/inet.h>
#include <errno.h>
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

#include "quorlog.h"

#define PORT_TRIES 1000u
#define SECRET_LEN 32u
#define OUTPUT_SAID 2000u
/* Below the ports that the kernel gives to clients. */
#define PORT_FIRST 10000u
#define PORT_COUNT 20000u

static int choose_address(const struct qb_cluster *cluster, char *ret,
                          struct err *err);
static int name_nodes(struct qb_cluster *cluster, const char *dir,
                      struct err *err);
static int write_secret(struct qb_cluster *cluster, const char *dir,
                        struct err *err);
static int init_node(const struct qb_cluster *cluster,
                     const struct qb_node *node, struct err *err);
static int run(const struct qb_node *node, const char *const *words,
               pid_t *ret_pid, struct err *err);
static void say_output(const struct qb_node *node);

int qb_cluster_init(struct qb_cluster *cluster, size_t nodes, const char *dir,
                    struct err *err)
{
    int rv;

    if (nodes < 1 || nodes > MEMBERS_MAX) {
        return err_set(err, QL_INVALID, "a cluster has 1 to %u nodes",
                       MEMBERS_MAX);
    }
    cluster->node_count = nodes;
    rv = write_secret(cluster, dir, err);
    if (rv == 0) {
        rv = name_nodes(cluster, dir, err);
    }
    for (size_t i = 0; rv == 0 && i < nodes; i++) {
        rv = init_node(cluster, &cluster->nodes[i], err);
    }
    return rv;
}

int qb_node_start(const struct qb_cluster *cluster, struct qb_node *node,
                  const char *const *more, struct err *err)
{
    const char *words[4 + 2 * QB_WORDS_MAX + 1] = {cluster->daemon, "run",
                                                   "--data-dir", node->dir};
    size_t count = 4;

    for (size_t i = 0; i < QB_WORDS_MAX && cluster->options[i] != NULL; i++) {
        words[count++] = cluster->options[i];
    }
    for (size_t i = 0; i < QB_WORDS_MAX && more != NULL && more[i] != NULL;
         i++) {
        words[count++] = more[i];
    }
    return run(node, words, &node->pid, err);
}

int qb_cluster_start(struct qb_cluster *cluster, struct err *err)
{
    int rv = 0;

    for (size_t i = 0; rv == 0 && i < cluster->node_count; i++) {
        rv = qb_node_start(cluster, &cluster->nodes[i], NULL, err);
    }
    return rv;
}

void qb_node_kill(struct qb_node *node)
{
    if (node->pid != 0) {
        (void)kill(node->pid, SIGKILL);
        (void)waitpid(node->pid, NULL, 0);
        node->pid = 0;
    }
}

void qb_cluster_kill(struct qb_cluster *cluster)
{
    for (size_t i = 0; i < cluster->node_count; i++) {
        qb_node_kill(&cluster->nodes[i]);
    }
}

int qb_cluster_check(struct qb_cluster *cluster, struct err *err)
{
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct qb_node *node = &cluster->nodes[i];
        int status = 0;

        if (node->pid == 0 || waitpid(node->pid, &status, WNOHANG) == 0) {
            continue;
        }
        node->pid = 0;
        say_output(node);
        return WIFSIGNALED(status)
                   ? err_set(err, QL_IO, "node %u was ended by signal %d (%s)",
                             node->id, WTERMSIG(status),
                             strsignal(WTERMSIG(status)))
                   : err_set(err, QL_IO, "node %u has ended with status %d",
                             node->id, WEXITSTATUS(status));
    }
    return 0;
}

int qb_free_port(unsigned *ret_port, struct err *err)
{
    for (unsigned i = 0; i < PORT_TRIES; i++) {
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
            *ret_port = port;
            return 0;
        }
    }
    return err_set(err, QL_IO, "no free port on loopback");
}

struct qb_node *qb_cluster_node(struct qb_cluster *cluster, uint64_t id)
{
    for (size_t i = 0; i < cluster->node_count; i++) {
        if (cluster->nodes[i].id == id) {
            return &cluster->nodes[i];
        }
    }
    return NULL;
}

static bool is_chosen(const struct qb_cluster *cluster, const char *address)
{
    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct qb_node *node = &cluster->nodes[i];

        if (strcmp(node->peer, address) == 0 ||
            strcmp(node->address, address) == 0) {
            return true;
        }
    }
    return false;
}

/* A port that is free is so until it is used: none is to be chosen twice. */
static int choose_address(const struct qb_cluster *cluster, char *ret,
                          struct err *err)
{
    char address[QB_ADDRESS_LEN];

    do {
        unsigned port;
        int rv = qb_free_port(&port, err);

        if (rv != 0) {
            return rv;
        }
        (void)snprintf(address, sizeof address, "127.0.0.1:%u", port);
    } while (is_chosen(cluster, address));
    memcpy(ret, address, sizeof address);
    return 0;
}

static int name_nodes(struct qb_cluster *cluster, const char *dir,
                      struct err *err)
{
    size_t members = 0;
    size_t endpoints = 0;

    for (unsigned i = 0; i < cluster->node_count; i++) {
        struct qb_node *node = &cluster->nodes[i];
        const char *comma = i > 0 ? "," : "";
        int rv;

        node->id = i + 1;
        node->pid = 0;
        if ((size_t)snprintf(node->dir, sizeof node->dir, "%s/node%u", dir,
                             node->id) >= sizeof node->dir ||
            (size_t)snprintf(node->output, sizeof node->output, "%s/node%u.log",
                             dir, node->id) >= sizeof node->output) {
            return err_set(err, QL_INVALID, "the name of %s is too long", dir);
        }
        rv = choose_address(cluster, node->peer, err);
        if (rv == 0) {
            rv = choose_address(cluster, node->address, err);
        }
        if (rv != 0) {
            return rv;
        }
        members += (size_t)snprintf(
            cluster->members + members, sizeof cluster->members - members,
            "%s%u=%s/%s", comma, node->id, node->peer, node->address);
        endpoints += (size_t)snprintf(cluster->endpoints + endpoints,
                                      sizeof cluster->endpoints - endpoints,
                                      "%s%s", comma, node->address);
    }
    return 0;
}

static int write_secret(struct qb_cluster *cluster, const char *dir,
                        struct err *err)
{
    uint8_t secret[SECRET_LEN];
    FILE *file;

    random_bytes(secret, sizeof secret);
    random_uuid(cluster->id);
    if ((size_t)snprintf(cluster->secret, sizeof cluster->secret, "%s/secret",
                         dir) >= sizeof cluster->secret) {
        return err_set(err, QL_INVALID, "the name of %s is too long", dir);
    }
    file = fopen(cluster->secret, "w");
    if (file == NULL) {
        return err_set(err, QL_IO, "%s cannot be written", cluster->secret);
    }
    (void)fchmod(fileno(file), 0600);
    for (size_t i = 0; i < sizeof secret; i++) {
        (void)fprintf(file, "%02x", secret[i]);
    }
    return fclose(file) == 0
               ? 0
               : err_set(err, QL_IO, "%s cannot be written", cluster->secret);
}

static int init_node(const struct qb_cluster *cluster,
                     const struct qb_node *node, struct err *err)
{
    char id[16];
    char quorum[24];
    const char *const words[] = {
        cluster->daemon, "init",           "--data-dir",
        node->dir,       "--node",         id,
        "--members",     cluster->members, "--cluster",
        cluster->id,     "--secret-file",  cluster->secret,
        "--quorum-size", quorum,           NULL};
    pid_t pid;
    int status;
    int rv;

    (void)snprintf(id, sizeof id, "%u", node->id);
    (void)snprintf(quorum, sizeof quorum, "%zu", cluster->node_count / 2 + 1);
    rv = run(node, words, &pid, err);
    if (rv != 0) {
        return rv;
    }
    if (waitpid(pid, &status, 0) < 0 || status != 0) {
        say_output(node);
        return err_set(err, QL_IO, "%s init failed for %s", cluster->daemon,
                       node->dir);
    }
    return 0;
}

/* In a process of its own, which ends with this one. */
static int run(const struct qb_node *node, const char *const *words,
               pid_t *ret_pid, struct err *err)
{
    pid_t parent = getpid();
    pid_t pid;

    (void)fflush(stdout);
    pid = fork();
    if (pid < 0) {
        return err_set(err, QL_IO, "no process for %s", words[0]);
    }
    if (pid == 0) {
        int out = open(node->output, O_WRONLY | O_CREAT | O_APPEND, 0600);
        sigset_t none;

        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        /* Whoever started us may be gone before we could ask to be told. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
            _exit(127);
        }
        (void)dup2(out, STDOUT_FILENO);
        (void)dup2(out, STDERR_FILENO);
        (void)execv(words[0], (char *const *)words);
        (void)dprintf(STDERR_FILENO, "%s: %s\n", words[0], strerror(errno));
        _exit(127);
    }
    *ret_pid = pid;
    return 0;
}

/* The last of what it said, as its directory may be removed. */
static void say_output(const struct qb_node *node)
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
