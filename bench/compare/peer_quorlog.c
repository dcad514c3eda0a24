/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlog: three quorlogd with their defaults, and the client library. */
#include "compare/peer.h"

#include <stdio.h>
#include <stdlib.h>

#include "compare/load.h"
#include "compare/servers.h"
#include "quorlog.h"
#include "scale_cluster.h"
#include "scale_process.h"

#define LOG "compare"
#define TIMEOUT_MS 20000u

struct slot {
    struct load *load;
    size_t number;
};

struct quorlog {
    struct ql_client *client;
    struct qb_cluster cluster;
    struct slot slots[PEER_SLOTS_MAX];
};

static void connect_client(struct quorlog *quorlog)
{
    struct ql_client_options options = QL_CLIENT_OPTIONS_INIT;
    struct ql_error error;

    options.endpoints = quorlog->cluster.endpoints;
    options.name = "bench/compare";
    options.timeout_ms = TIMEOUT_MS;
    if (ql_client_new(&quorlog->client, &options, &error) != 0 ||
        ql_log_create(quorlog->client, LOG, NULL, NULL, &error) != 0) {
        scale_fail("quorlog: %s", error.text);
    }
}

static void start(struct peer *peer, const struct peer_setup *setup)
{
    struct quorlog *quorlog = calloc(1, sizeof *quorlog);

    if (quorlog == NULL) {
        scale_fail("out of memory");
    }
    quorlog->cluster.daemon = setup->program;
    for (size_t i = 0; i < PEER_SLOTS_MAX; i++) {
        quorlog->slots[i] = (struct slot){setup->load, i};
    }
    server_version(setup->program, "--version", peer->version,
                   sizeof peer->version);
    scale_cluster_init(&quorlog->cluster, setup->dir);
    scale_cluster_restart(&quorlog->cluster, NULL);
    for (size_t i = 0; i < PEER_SERVERS; i++) {
        peer->pids[i] = quorlog->cluster.nodes[i].pid;
    }
    peer->leader = (size_t)(scale_cluster_leader(&quorlog->cluster) -
                            quorlog->cluster.nodes);
    connect_client(quorlog);
    peer->self = quorlog;
}

static void on_append(void *data, const struct ql_append_result *result,
                      const struct ql_error *error)
{
    const struct slot *slot = data;

    (void)result;
    load_on_answer(slot->load, slot->number,
                   error != NULL ? error->text : NULL);
}

static void submit(void *self, size_t slot, struct bytes value)
{
    struct quorlog *quorlog = self;
    struct ql_entry entry = {.value = value.data, .value_len = value.len};
    struct ql_append_part part = {.log = LOG, .entries = &entry, .count = 1};
    struct ql_error error;

    if (ql_append_async(quorlog->client, &part, 1, NULL, on_append,
                        &quorlog->slots[slot], &error) != 0) {
        scale_fail("quorlog: %s", error.text);
    }
}

/* The client finds a new connection itself. */
static bool wait_answers(void *self, int timeout_ms)
{
    struct quorlog *quorlog = self;

    (void)ql_client_wait(quorlog->client, timeout_ms);
    return true;
}

static uint64_t count(void *self)
{
    struct quorlog *quorlog = self;
    struct ql_log_stat stat;
    struct ql_error error;

    if (ql_log_stat(quorlog->client, LOG, QL_LINEARIZABLE, &stat, &error) !=
        0) {
        scale_fail("quorlog: %s", error.text);
    }
    return stat.entries;
}

const struct peer_kind peer_quorlog = {
    .name = "quorlog",
    .durability = "synced on a quorum",
    .program = "quorlogd",
    .connected = "libquorlog, one connection to the leader",
    .start = start,
    .submit = submit,
    .wait = wait_answers,
    .count = count,
};
