/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What was found, as people read it. */
#include <stdio.h>
#include <string.h>

#include "qb_progress.h"
#include "qb_report.h"

#include "util/code.h"
#include "util/text.h"

#define CELL_LEN 32u

static void print_head(const struct qb_result *result, FILE *out);
static void print_latencies(const struct qb_result *result, size_t track,
                            FILE *out);
static void print_latency(const struct qb_result *result,
                          const struct qb_point *point, size_t track,
                          FILE *out);
static void print_costs(const struct qb_result *result, FILE *out);
static void print_stages(const struct qb_result *result, FILE *out);
static void print_failures(const struct qb_result *result, FILE *out);
static void print_late(const struct qb_result *result, FILE *out);

void qb_result_print(const struct qb_result *result, FILE *out)
{
    size_t tracks;

    print_head(result, out);
    if (result->floor_known) {
        qb_floor_print(&result->floor, out);
    }
    if (result->point_count == 0 || result->points[0].repetition_count == 0) {
        return;
    }
    tracks = result->points[0].repetitions[0].track_count;
    for (size_t i = 0; i < tracks; i++) {
        print_latencies(result, i, out);
    }
    print_late(result, out);
    if (result->options->mode != QB_FAILOVER) {
        print_costs(result, out);
    }
    print_stages(result, out);
    qb_phase_print(result, out);
    print_failures(result, out);
    for (size_t i = 0; i < result->note_count; i++) {
        (void)fprintf(out, "%s%s\n", i == 0 ? "\n" : "", result->notes[i]);
    }
}

static void print_head(const struct qb_result *result, FILE *out)
{
    const struct qb_options *options = result->options;
    char size[CELL_LEN];

    text_bytes_human(options->size, size, sizeof size);
    (void)fprintf(out, "%s: values of %s", qb_mode_name(options->mode), size);
    if (options->key_size > 0) {
        (void)fprintf(out, " with keys of %llu bytes",
                      (unsigned long long)options->key_size);
    }
    if (options->batch > 1) {
        (void)fprintf(out, ", %llu entries a call",
                      (unsigned long long)options->batch);
    }
    if (options->mode == QB_FAILOVER) {
        (void)fputs(", appends go on until the leader is gone", out);
    } else if (options->rate > 0) {
        (void)fprintf(out, ", open loop at %llu calls/s",
                      (unsigned long long)options->rate);
    } else {
        (void)fputs(", closed loop", out);
    }
    (void)fprintf(out, "\n%llu log%s, %zu nodes%s, %s%llu ",
                  (unsigned long long)options->logs,
                  options->logs == 1 ? "" : "s", result->nodes,
                  result->own ? " here" : "",
                  result->ended_early ? "up to " : "",
                  (unsigned long long)options->repetitions);
    if (options->mode == QB_FAILOVER) {
        (void)fputs("rounds", out);
    } else {
        (void)fprintf(out, "x %.1f s after %.1f s",
                      (double)options->duration_ms / 1000,
                      (double)options->warmup_ms / 1000);
    }
    (void)fprintf(out, ", quorlog %s\n%s\n", result->server, result->host);
}

static void print_latencies(const struct qb_result *result, size_t track,
                            FILE *out)
{
    (void)fprintf(out, "\n%-15s %9s %17s %8s %7s %8s %7s %8s %7s %8s %7s %7s\n",
                  result->points[0].repetitions[0].tracks[track].name, "ops/s",
                  "lowest-highest", "p50", "x floor", "p99", "x floor", "p99.9",
                  "x floor", "max", "x floor", "failed");
    for (size_t i = 0; i < result->point_count; i++) {
        if (result->points[i].repetition_count > 0) {
            print_latency(result, &result->points[i], track, out);
        }
    }
}

/* "1.93", or "-" without a floor. */
static void format_times(char ret[CELL_LEN], double us, double floor_us)
{
    if (floor_us > 0) {
        (void)snprintf(ret, CELL_LEN, "%.*f", us / floor_us < 100 ? 2 : 0,
                       us / floor_us);
    } else {
        (void)snprintf(ret, CELL_LEN, "-");
    }
}

static void print_latency(const struct qb_result *result,
                          const struct qb_point *point, size_t index, FILE *out)
{
    const struct qb_repetition *median = qb_point_median(point);
    const struct qb_track *track = &median->tracks[index];
    double floor_us = qb_result_floor_us(result, track);
    static const double percents[] = {50, 99, 99.9, 100};
    char times[4][CELL_LEN];
    char cells[4][CELL_LEN];
    char range[CELL_LEN];
    char name[CELL_LEN];
    double least = -1;
    double most = 0;

    for (size_t i = 0; i < point->repetition_count; i++) {
        const struct qb_repetition *one = &point->repetitions[i];
        double rate = qb_track_rate(&one->tracks[index], one->seconds);

        least = least < 0 || rate < least ? rate : least;
        most = rate > most ? rate : most;
    }
    for (size_t i = 0; i < 4; i++) {
        double ns = (double)histogram_percentile(&track->latency, percents[i]);

        qb_format_ns(ns, cells[i], sizeof cells[i]);
        format_times(times[i], ns / 1000, floor_us);
        if (track->latency.count == 0) {
            (void)snprintf(cells[i], CELL_LEN, "-");
            (void)snprintf(times[i], CELL_LEN, "-");
        }
    }
    (void)snprintf(range, sizeof range, "%.0f-%.0f", least, most);
    qb_point_name(point, name, sizeof name);
    (void)fprintf(out,
                  "%-15s %9.0f %17s %8s %7s %8s %7s %8s %7s %8s %7s %7llu\n",
                  name, qb_track_rate(track, median->seconds), range, cells[0],
                  times[0], cells[1], times[1], cells[2], times[2], cells[3],
                  times[3], (unsigned long long)track->errors.count);
}

/* Open loop: a client that is too slow itself must be seen. */
static void print_late(const struct qb_result *result, FILE *out)
{
    for (size_t i = 0; i < result->point_count; i++) {
        const struct qb_point *point = &result->points[i];
        const struct histogram *late;
        char p50[CELL_LEN];
        char p99[CELL_LEN];
        char max[CELL_LEN];

        if (point->repetition_count == 0 ||
            qb_point_median(point)->late.count == 0) {
            continue;
        }
        late = &qb_point_median(point)->late;
        qb_format_ns((double)histogram_percentile(late, 50), p50, sizeof p50);
        qb_format_ns((double)histogram_percentile(late, 99), p99, sizeof p99);
        qb_format_ns((double)late->max, max, sizeof max);
        (void)fprintf(out,
                      "%llu at once: calls went out p50 %s, p99 %s, at most %s "
                      "after they were due; that is in the latencies\n",
                      (unsigned long long)point->outstanding, p50, p99, max);
    }
}

static void print_costs(const struct qb_result *result, FILE *out)
{
    (void)fprintf(out, "\n%-15s %12s %12s %15s %15s %15s\n", "cost",
                  "connections", "entries/s", "client us/op", "servers us/op",
                  "servers' memory");
    for (size_t i = 0; i < result->point_count; i++) {
        const struct qb_point *point = &result->points[i];
        const struct qb_repetition *one;
        char name[CELL_LEN];
        char client[CELL_LEN] = "-";
        char servers[CELL_LEN] = "-";
        char memory[CELL_LEN] = "-";
        double entries = 0;
        double ops = 0;
        double cpu = 0;
        uint64_t rss = 0;

        if (point->repetition_count == 0) {
            continue;
        }
        one = qb_point_median(point);
        /* Of a follow the first track stands for all: an append and its
         * deliveries. */
        for (size_t j = 0;
             j < (result->options->mode == QB_FOLLOW ? 1 : one->track_count);
             j++) {
            ops += (double)one->tracks[j].ops;
            entries += (double)one->tracks[j].entries;
        }
        for (size_t j = 0; j < one->node_count; j++) {
            cpu += one->nodes[j].cpu_seconds;
            rss += one->nodes[j].rss_bytes;
        }
        if (ops > 0) {
            (void)snprintf(client, sizeof client, "%.2f",
                           one->client_cpu_seconds * 1e6 / ops);
        }
        if (ops > 0 && one->node_count > 0) {
            (void)snprintf(servers, sizeof servers, "%.2f", cpu * 1e6 / ops);
            text_bytes_human(rss, memory, sizeof memory);
        }
        qb_point_name(point, name, sizeof name);
        (void)fprintf(out, "%-15s %12llu %12.0f %15s %15s %15s\n", name,
                      (unsigned long long)qb_options_connections(
                          result->options, point->outstanding),
                      entries / one->seconds, client, servers, memory);
    }
}

static void print_stages(const struct qb_result *result, FILE *out)
{
    for (size_t i = 0; i < result->point_count; i++) {
        const struct qb_point *point = &result->points[i];

        if (point->stages == NULL || point->stages->count == 0) {
            continue;
        }
        (void)fprintf(out,
                      "\n%llu at once: where the leader's time went, of %llu "
                      "appends\n",
                      (unsigned long long)point->outstanding,
                      (unsigned long long)point->stages->stages[0].times.count);
        for (size_t j = 0; j < point->stages->count; j++) {
            const struct qb_stage *stage = &point->stages->stages[j];
            char p50[CELL_LEN];
            char p99[CELL_LEN];
            char mean[CELL_LEN];

            qb_format_ns((double)histogram_percentile(&stage->times, 50), p50,
                         sizeof p50);
            qb_format_ns((double)histogram_percentile(&stage->times, 99), p99,
                         sizeof p99);
            qb_format_ns(histogram_mean(&stage->times), mean, sizeof mean);
            (void)fprintf(out, "  %-17s p50 %8s  p99 %8s  mean %8s\n",
                          stage->name, p50, p99, mean);
        }
    }
}

/* Of all repetitions, the one shown or not. */
static void print_failures(const struct qb_result *result, FILE *out)
{
    for (size_t i = 0; i < result->point_count; i++) {
        const struct qb_point *point = &result->points[i];

        for (size_t j = 0; j < point->repetition_count; j++) {
            const struct qb_repetition *one = &point->repetitions[j];

            for (size_t k = 0; k < one->track_count; k++) {
                const struct qb_errors *errors = &one->tracks[k].errors;

                for (size_t code = 0; code < QB_CODES; code++) {
                    if (errors->by_code[code] > 0) {
                        (void)fprintf(
                            out,
                            "%llu at once, repetition %zu: %llu %s failed with "
                            "%s, the first of all: %s\n",
                            (unsigned long long)point->outstanding, j + 1,
                            (unsigned long long)errors->by_code[code],
                            one->tracks[k].name, code_name((int)code),
                            errors->first);
                    }
                }
            }
            if (one->warmup_failed > 0) {
                (void)fprintf(out,
                              "%llu at once, repetition %zu: %llu calls of the "
                              "warm-up failed\n",
                              (unsigned long long)point->outstanding, j + 1,
                              (unsigned long long)one->warmup_failed);
            }
        }
    }
}
