/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "catchup_node.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "util/diag.h"
#include "util/mem.h"
#include "wire/args_append.h"
#include "wire/args_log.h"

#define LOG_NAME "bench"
#define LOAD_AT_ONCE 2u
#define TRICKLE_MS 1u

struct request {
    enum bench_order order;
    uint64_t arg;
};

struct client_append {
    struct node_submit submit;
    uint64_t begun;
    bool busy;
};

struct client {
    struct bench_node *options;
    uv_loop_t loop;
    uv_poll_t control;
    uv_timer_t timer;
    struct node *node;
    struct client_append appends[LOAD_AT_ONCE];
    size_t at_once;  /* of those */
    uint64_t target; /* of last_index; 0: a trickle */
    struct bench_answer answer;
    uint8_t *value;
    uint64_t random;
};

static void run(struct bench_node *node, int fd);
static void open_node(struct client *client);
static void on_control(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);
static void create(struct client *client);
static void fill_value(struct client *client);
static void append_one(struct client *client, struct client_append *append);
static void on_appended(struct node_submit *submit, int status,
                        const struct outcome *outcome);

uint64_t bench_now_ns(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void bench_fail(const char *what)
{
    (void)fprintf(stderr, "bench/catchup: %s\n", what);
    exit(1);
}

void bench_node_start(struct bench_node *node)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) != 0) {
        bench_fail("no socket");
    }
    (void)fflush(stdout);
    node->pid = fork();
    if (node->pid < 0) {
        bench_fail("no process");
    }
    if (node->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(fds[0]);
        run(node, fds[1]);
    }
    (void)close(fds[1]);
    node->fd = fds[0];
}

void bench_node_kill(struct bench_node *node)
{
    if (node->pid != 0) {
        (void)kill(node->pid, SIGKILL);
        (void)waitpid(node->pid, NULL, 0);
        (void)close(node->fd);
        node->pid = 0;
    }
}

void bench_node_ask(struct bench_node *node, enum bench_order order,
                    uint64_t arg, struct bench_answer *ret)
{
    const struct request request = {order, arg};

    if (send(node->fd, &request, sizeof request, 0) != sizeof request ||
        recv(node->fd, ret, sizeof *ret, 0) != sizeof *ret) {
        bench_fail("a node has ended");
    }
}

/* ---- In the node's process ---- */

static void run(struct bench_node *node, int fd)
{
    static struct client client;

    client.options = node;
    client.value = mem_must_zalloc(node->value_len + sizeof(uint64_t));
    client.random = node->identity.node;
    (void)signal(SIGPIPE, SIG_IGN);
    diag_set_level(DIAG_WARNING);
    open_node(&client);
    (void)uv_poll_init(&client.loop, &client.control, fd);
    client.control.data = &client;
    (void)uv_timer_init(&client.loop, &client.timer);
    client.timer.data = &client;
    (void)uv_poll_start(&client.control, UV_READABLE, on_control);
    (void)uv_run(&client.loop, UV_RUN_DEFAULT);
    exit(0);
}

static void open_node(struct client *client)
{
    struct bench_node *options = client->options;
    struct node_options node = {.loop = &client->loop,
                                .identity = &options->identity,
                                .dir = options->dir,
                                .snapshot_entries = options->snapshot_entries,
                                .snapshot_bytes_min = options->snapshot_bytes};
    struct identity found;
    struct err err;
    int rv = identity_load(&found, options->dir, &err);

    if (rv == QL_NOT_FOUND) {
        rv = identity_init(&options->identity, options->dir, &err);
    }
    (void)uv_loop_init(&client->loop);
    if (rv == 0) {
        rv = node_start(&client->node, &node, &err);
    }
    if (rv != 0) {
        bench_fail(err.text);
    }
}

static void on_control(uv_poll_t *poll, int status, int events)
{
    struct client *client = poll->data;
    struct request request;
    uv_os_fd_t fd;

    (void)events;
    if (status != 0 || uv_fileno((uv_handle_t *)poll, &fd) != 0 ||
        recv(fd, &request, sizeof request, 0) != sizeof request) {
        exit(0);
    }
    if (request.order == BENCH_CREATE) {
        create(client);
    } else if (request.order != BENCH_TELL) {
        client->at_once = request.order == BENCH_LOAD ? LOAD_AT_ONCE : 1;
        client->target = request.arg;
        (void)uv_timer_start(&client->timer, on_timer, 0, TRICKLE_MS);
    }
    node_status(client->node, &client->answer.status);
    if (send(fd, &client->answer, sizeof client->answer, 0) < 0) {
        exit(0);
    }
    client->answer.slowest = 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct client *client = timer->data;

    for (size_t i = 0; i < client->at_once; i++) {
        if (!client->appends[i].busy) {
            append_one(client, &client->appends[i]);
        }
    }
}

static void on_created(struct node_submit *submit, int status,
                       const struct outcome *outcome)
{
    (void)submit;
    if (status != 0 || outcome->code != 0) {
        bench_fail("the log cannot be made");
    }
}

static void create(struct client *client)
{
    static struct node_submit submit;
    const struct log_config_args args = {
        .log = {(const uint8_t *)LOG_NAME, sizeof LOG_NAME - 1},
        .retention.entries = client->options->retain};
    struct buf params = BUF_INIT;

    if (log_config_args_encode(&args, &params) != 0 ||
        node_submit(client->node, &submit, COMMAND_LOG_CREATE,
                    (struct bytes){params.data, params.len}, on_created) != 0) {
        bench_fail("the log cannot be made");
    }
    buf_close(&params);
}

/* New each time, so that a snapshot cannot make it smaller. A linear congruential
 * generator (Knuth, volume 2, 3.3.4, table 1, line 26). */
static void fill_value(struct client *client)
{
    for (size_t at = 0; at < client->options->value_len; at += 4) {
        uint64_t high;

        client->random =
            client->random * 6364136223846793005u + 1442695040888963407u;
        high = client->random >> 32;
        memcpy(client->value + at, &high, 4);
    }
}

static void append_one(struct client *client, struct client_append *append)
{
    const struct append_entry entry = {
        .value = {client->value, client->options->value_len}};
    struct append_part_args part = {
        .log = {(const uint8_t *)LOG_NAME, sizeof LOG_NAME - 1},
        .entries = &entry,
        .entries_count = 1};
    const struct append_args args = {.parts = &part, .parts_count = 1};
    struct buf params = BUF_INIT;

    fill_value(client);
    append->submit.data = client;
    append->begun = bench_now_ns();
    if (append_args_encode(&args, &params) != 0) {
        bench_fail("out of memory");
    }
    if (node_submit(client->node, &append->submit, COMMAND_LOG_APPEND,
                    (struct bytes){params.data, params.len},
                    on_appended) == 0) {
        append->busy = true;
    } else {
        client->answer.refusals++;
    }
    buf_close(&params);
}

static void on_appended(struct node_submit *submit, int status,
                        const struct outcome *outcome)
{
    struct client_append *append =
        LIST_ITEM(submit, struct client_append, submit);
    struct client *client = submit->data;
    uint64_t took = bench_now_ns() - append->begun;

    append->busy = false;
    if (status != 0 || outcome->code != 0) {
        client->answer.refusals++;
        return;
    }
    client->answer.acked++;
    if (took > client->answer.slowest) {
        client->answer.slowest = took;
    }
    if (client->target == 0) {
        return;
    }
    node_status(client->node, &client->answer.status);
    if (client->answer.status.last_index < client->target) {
        append_one(client, append);
    } else {
        (void)uv_timer_stop(&client->timer);
    }
}
