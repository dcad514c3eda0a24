/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/report.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

static const struct field {
    const char *name;
    size_t at;
} fields[] = {
    {"ops_per_second", offsetof(struct load_result, rate)},
    {"p50_us", offsetof(struct load_result, p50_us)},
    {"p99_us", offsetof(struct load_result, p99_us)},
    {"server_cpu_us", offsetof(struct load_result, server_us)},
    {"client_cpu_us", offsetof(struct load_result, client_us)},
    {"client_share", offsetof(struct load_result, client_share)},
    {"rss_mib", offsetof(struct load_result, rss_mib)},
};

#define FIELDS (sizeof fields / sizeof fields[0])

static json_t *spread_json(struct spread spread)
{
    if (spread.count == 0) {
        return json_null();
    }
    return json_pack("{s:f, s:f, s:f}", "median", spread.median, "low",
                     spread.low, "high", spread.high);
}

static json_t *point_json(const struct results *results, size_t peer,
                          size_t point)
{
    json_t *object = json_object();
    json_t *ratios = json_object();

    (void)json_object_set_new(
        object, "outstanding",
        json_integer((json_int_t)results->options->outstanding[point]));
    for (size_t i = 0; i < FIELDS; i++) {
        (void)json_object_set_new(
            object, fields[i].name,
            spread_json(results_spread(results, peer, point, fields[i].at)));
        (void)json_object_set_new(
            ratios, fields[i].name,
            spread_json(results_ratio(results, peer, point, fields[i].at)));
    }
    (void)json_object_set_new(object, "quorlog_divided_by_this", ratios);
    return object;
}

static json_t *turn_json(const struct options *options, const struct turn *turn)
{
    json_t *object = json_pack(
        "{s:b, s:b, s:I, s:I, s:I, s:f}", "is_done", turn->is_done, "is_true",
        turn_is_true(turn), "acknowledged", (json_int_t)turn->acknowledged,
        "refused", (json_int_t)turn->refused, "stored",
        (json_int_t)turn->stored, "seconds", turn->seconds);
    json_t *points = json_array();

    for (size_t i = 0; i < options->points && turn->is_done; i++) {
        json_t *point = json_object();

        for (size_t k = 0; k < FIELDS; k++) {
            const char *at = (const char *)&turn->points[i] + fields[k].at;

            (void)json_object_set_new(
                point, fields[k].name,
                json_real(*(const double *)(const void *)at));
        }
        (void)json_array_append_new(points, point);
    }
    (void)json_object_set_new(object, "points", points);
    return object;
}

static json_t *peer_json(const struct results *results, size_t peer)
{
    const struct peer_kind *kind = results->peers[peer];
    json_t *points = json_array();
    json_t *turns = json_array();

    for (size_t i = 0; i < results->options->points; i++) {
        (void)json_array_append_new(points, point_json(results, peer, i));
    }
    for (unsigned i = 0; i < results->options->turns; i++) {
        (void)json_array_append_new(
            turns, turn_json(results->options, &results->turns[peer][i]));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o}", "name",
                     kind->name, "version", results_version(results, peer),
                     "durability", kind->durability, "client", kind->connected,
                     "connections",
                     (json_int_t)options_connections(results->options, kind),
                     "points", points, "turns", turns, "failover_seconds",
                     spread_json(results_failover(results, peer)));
}

void report_print_json(const struct results *results)
{
    const struct options *options = results->options;
    json_t *peers = json_array();
    json_t *object;

    for (size_t peer = 0; peer < results->count; peer++) {
        (void)json_array_append_new(peers, peer_json(results, peer));
    }
    object = json_pack("{s:I, s:I, s:f, s:f, s:f, s:o}", "size",
                       (json_int_t)options->size, "turns",
                       (json_int_t)options->turns, "seconds", options->seconds,
                       "warm_seconds", options->warm_seconds, "all_seconds",
                       results->seconds, "peers", peers);
    (void)json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    (void)putchar('\n');
    json_decref(object);
}
