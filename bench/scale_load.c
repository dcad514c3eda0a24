/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "scale.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "quorlog.h"
#include "scale_data.h"
#include "scale_process.h"

#include "util/limits.h"
#include "util/mem.h"

#define CALL_BYTES (64u * KIB) /* of entries in one call */
#define CALL_TIMEOUT_MS 120000u
#define WAIT_MS 20
#define REST_SECONDS 0.02 /* after the cluster said that it is busy */
#define LOOK_SECONDS 0.25
#define SAY_SECONDS 5.0

struct load;

struct load_call {
    struct load *load;
    size_t entries;
    double begun;
    bool busy;
};

struct load {
    struct scale *scale;
    struct ql_client *client;
    struct load_call *calls;
    struct scale_data data;
    uint8_t *values; /* of one call */
    uint64_t left;   /* entries not given to a call */
    uint64_t acked;
    uint64_t refused; /* calls */
    uint64_t next;    /* number of the next log, or how many there are */
    double rest_until;
    double slowest;
    double anonymous_most[SCALE_NODES]; /* MiB */
};

void scale_log_name(char *ret, size_t room, uint64_t number)
{
    (void)snprintf(ret, room, "log%llu", (unsigned long long)number);
}

static void open_load(struct load *load, struct scale *scale)
{
    struct ql_client_options client = QL_CLIENT_OPTIONS_INIT;
    struct ql_error error;

    *load = (struct load){.scale = scale};
    client.endpoints = scale->cluster.endpoints;
    client.timeout_ms = CALL_TIMEOUT_MS;
    load->calls =
        mem_must_zalloc(scale->options.outstanding * sizeof *load->calls);
    load->values = mem_must_zalloc(CALL_BYTES + scale->options.entry_len);
    load->data.random = random_u64();
    for (size_t i = 0; i < scale->options.outstanding; i++) {
        load->calls[i].load = load;
    }
    if (ql_client_new(&load->client, &client, &error) != 0) {
        scale_fail("%s", error.text);
    }
}

static void close_load(struct load *load)
{
    ql_client_free(load->client);
    free(load->calls);
    free(load->values);
}

/* ---- Logs ---- */

static void create_next(struct load *load);

static void on_created(void *data, const struct ql_log_stat *stat,
                       const struct ql_error *error)
{
    struct load *load = data;

    (void)stat;
    if (error != NULL) {
        scale_fail("a log cannot be made: %s", error->text);
    }
    create_next(load);
}

static void create_next(struct load *load)
{
    char name[32] = SCALE_PROBE_LOG;
    struct ql_error error;

    if (load->next > load->scale->options.logs) {
        return;
    }
    if (load->next < load->scale->options.logs) {
        scale_log_name(name, sizeof name, load->next);
    }
    load->next++;
    if (ql_log_create_async(load->client, name, NULL, on_created, load,
                            &error) != 0) {
        scale_fail("a log cannot be made: %s", error.text);
    }
}

void scale_make_logs(struct scale *scale)
{
    struct load load;

    open_load(&load, scale);
    for (size_t i = 0; i < scale->options.outstanding; i++) {
        create_next(&load);
    }
    while (ql_client_pending(load.client) > 0) {
        (void)ql_client_wait(load.client, WAIT_MS);
    }
    close_load(&load);
}

/* ---- Entries ---- */

static void on_appended(void *data, const struct ql_append_result *result,
                        const struct ql_error *error)
{
    struct load_call *call = data;
    struct load *load = call->load;
    double took = scale_now() - call->begun;

    (void)result;
    call->busy = false;
    if (error == NULL) {
        load->acked += call->entries;
        load->slowest = took > load->slowest ? took : load->slowest;
        return;
    }
    if (error->error_class != QL_CLASS_RETRY &&
        error->error_class != QL_CLASS_REDIRECT) {
        scale_fail("append: %s", error->text);
    }
    load->left += call->entries;
    load->refused++;
    load->rest_until = scale_now() + REST_SECONDS;
}

/* All entries of a call go to one log when there is one, each to another when
 * there are many. */
static void append(struct load *load, struct load_call *call)
{
    size_t len = load->scale->options.entry_len;
    uint64_t logs = load->scale->options.logs;
    struct ql_append_part parts[APPEND_PARTS_MAX] = {0};
    struct ql_entry entries[CALL_BYTES / 64];
    char names[APPEND_PARTS_MAX][32];
    size_t count = CALL_BYTES / len;
    size_t parts_count;
    struct ql_error error;

    count = count > load->left ? load->left : count;
    count = count == 0 ? 1 : count;
    parts_count = logs < APPEND_PARTS_MAX ? (size_t)logs : APPEND_PARTS_MAX;
    parts_count = parts_count > count ? count : parts_count;
    count -= count % parts_count;
    scale_data_fill(&load->data, load->values, count * len);
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct ql_entry){.value = load->values + i * len,
                                       .value_len = len};
    }
    for (size_t i = 0; i < parts_count; i++) {
        scale_log_name(names[i], sizeof names[i], load->next++ % logs);
        parts[i].log = names[i];
        parts[i].entries = entries + i * (count / parts_count);
        parts[i].count = count / parts_count;
    }
    call->begun = scale_now();
    call->entries = count;
    if (ql_append_async(load->client, parts, parts_count, NULL, on_appended,
                        call, &error) != 0) {
        scale_fail("append: %s", error.text);
    }
    call->busy = true;
    load->left -= count;
}

static void look(struct load *load)
{
    for (unsigned i = 0; i < SCALE_NODES; i++) {
        const struct qb_node *node = &load->scale->cluster.nodes[i];
        struct scale_memory memory;

        scale_memory_of(node->pid, &memory);
        if (memory.anonymous > load->anonymous_most[i]) {
            load->anonymous_most[i] = memory.anonymous;
        }
    }
    scale_cluster_check(&load->scale->cluster);
}

static void append_all(struct load *load)
{
    double begun = scale_now();
    double looked = 0;
    double said = begun;

    while (load->left > 0 || ql_client_pending(load->client) > 0) {
        double now = scale_now();

        for (size_t i = 0; i < load->scale->options.outstanding &&
                           load->left > 0 && now >= load->rest_until;
             i++) {
            if (!load->calls[i].busy) {
                append(load, &load->calls[i]);
            }
        }
        (void)ql_client_wait(load->client, WAIT_MS);
        if (now > looked + LOOK_SECONDS) {
            looked = now;
            look(load);
        }
        if (now > said + SAY_SECONDS) {
            said = now;
            (void)fprintf(stderr, "  %.0f MiB in %.0f s\n",
                          (double)load->acked *
                              (double)load->scale->options.entry_len / MIB,
                          now - begun);
        }
    }
}

static void say_memory(struct load *load, const char *when)
{
    struct scale *scale = load->scale;

    for (unsigned i = 0; i < SCALE_NODES; i++) {
        const struct qb_node *node = &scale->cluster.nodes[i];
        struct scale_memory memory;
        struct scale_row *row;

        if (node->pid == 0) {
            continue;
        }
        scale_memory_of(node->pid, &memory);
        row = scale_report_add(&scale->report, memory.peak, "MiB",
                               "load, %s: peak RSS of node %u", when, node->id);
        row->most = 128;
        row->floor = scale->empty_rss;
        row->floor_what = "a node that has nothing";
        scale_report_add(&scale->report, load->anonymous_most[i], "MiB",
                         "load, %s: most anonymous memory of node %u", when,
                         node->id);
        scale_report_add(&scale->report, memory.rss, "MiB",
                         "after load, %s: RSS of node %u", when, node->id)
            ->most = 128;
        scale_report_add(&scale->report, memory.anonymous, "MiB",
                         "after load, %s: anonymous, node %u", when, node->id);
        scale_report_add(&scale->report, memory.shared, "MiB",
                         "after load, %s: Pss of node %u", when, node->id);
    }
}

void scale_load(struct scale *scale, uint64_t bytes, const char *when)
{
    struct scale_row *row;
    struct load load;
    double begun;
    double rate;

    for (unsigned i = 0; i < SCALE_NODES; i++) {
        if (scale->cluster.nodes[i].pid != 0) {
            scale_memory_forget_peak(scale->cluster.nodes[i].pid);
        }
    }
    open_load(&load, scale);
    load.left = bytes / scale->options.entry_len;
    begun = scale_now();
    append_all(&load);
    rate = (double)bytes / MIB / (scale_now() - begun);
    row = scale_report_add(&scale->report, rate, "MiB/s", "load, %s", when);
    row->floor = scale->disk;
    row->floor_what = "the disk, one file";
    scale_report_add(&scale->report, load.slowest * 1000, "ms",
                     "load, %s: slowest append of %u KiB, %zu outstanding",
                     when, CALL_BYTES / KIB, scale->options.outstanding);
    scale_report_add(&scale->report, (double)load.refused, "",
                     "load, %s: appends refused as busy", when);
    scale_report_add(&scale->report, scale_cluster_settle(&scale->cluster), "s",
                     "load, %s: until all is written", when);
    say_memory(&load, when);
    close_load(&load);
}

double scale_fill(struct scale *scale, uint64_t bytes)
{
    struct load load;
    double begun;

    open_load(&load, scale);
    load.left = bytes / scale->options.entry_len;
    begun = scale_now();
    append_all(&load);
    close_load(&load);
    return scale_now() - begun;
}

void scale_say_snapshots(struct scale *scale, const char *when)
{
    for (unsigned i = 0; i < SCALE_NODES; i++) {
        const struct qb_node *node = &scale->cluster.nodes[i];
        struct scale_facts facts;
        double loop;
        double wall;

        if (node->pid == 0 || !scale_ask_status(node->address, &facts)) {
            continue;
        }
        loop = scale_fact(&facts, "snapshots.loop_us_max");
        wall = scale_fact(&facts, "snapshots.wall_us_max");
        scale_report_add(&scale->report,
                         scale_fact_count(&facts, "snapshots.taken"), "",
                         "%s: snapshots of node %u", when, node->id);
        scale_report_add(&scale->report, scale_fact(&facts, "snapshots.bytes"),
                         "B", "%s: the last one's size, node %u", when,
                         node->id);
        scale_report_add(&scale->report, loop < 0 ? -1 : loop / 1000, "ms",
                         "%s: most loop time of one, node %u", when, node->id)
            ->most = 20;
        scale_report_add(&scale->report, wall < 0 ? -1 : wall / 1000, "ms",
                         "%s: longest, node %u", when, node->id)
            ->most = 1000;
    }
}
