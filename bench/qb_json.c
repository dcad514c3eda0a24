/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "quorlog.h"
#include "util/code.h"

#define US(ns) json_real((double)(ns) / 1000)

static json_t *result_json(const struct qb_result *result);
static json_t *parameters_json(const struct qb_options *options);
static json_t *floor_json(const struct qb_floor *floor);
static json_t *point_json(const struct qb_result *result,
                          const struct qb_point *point);
static json_t *repetition_json(const struct qb_result *result,
                               const struct qb_repetition *repetition);
static json_t *track_json(const struct qb_result *result,
                          const struct qb_repetition *repetition,
                          const struct qb_track *track);
static json_t *latency_json(const struct histogram *histogram);
static json_t *buckets_json(const struct histogram *histogram);
static json_t *errors_json(const struct qb_errors *errors);
static json_t *series_json(const struct qb_series *series);
static json_t *gaps_json(const struct qb_gaps *gaps);
static json_t *phase_json(const struct qb_phase_cost *phase);
static json_t *stages_json(const struct qb_stages *stages);

static json_t *u64(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* JSON is UTF-8; names of files and texts that were cut may not be. */
static json_t *text(const char *bytes)
{
    json_t *json = json_string(bytes);
    size_t len = strlen(bytes);
    char *plain;

    if (json != NULL) {
        return json;
    }
    plain = strdup(bytes);
    for (size_t i = 0; plain != NULL && i < len; i++) {
        plain[i] = (unsigned char)plain[i] < 0x80 ? plain[i] : '?';
    }
    json = plain != NULL ? json_string(plain) : NULL;
    free(plain);
    return json;
}

/* A member that could not be made makes the whole document fail at the end, as
 * jansson refuses NULL. */
static void set(json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) != 0) {
        (void)json_object_set_new(object, "incomplete", json_true());
    }
}

int qb_json_write(const struct qb_result *result, FILE *out, struct err *err)
{
    json_t *json = result_json(result);
    int failed;

    if (json == NULL || json_object_get(json, "incomplete") != NULL) {
        json_decref(json);
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    failed = json_dumpf(json, out, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    json_decref(json);
    if (failed != 0 || fputc('\n', out) == EOF || fflush(out) != 0) {
        return err_errno(err, errno, "write the JSON document");
    }
    return 0;
}

int qb_json_write_file(const struct qb_result *result, const char *path,
                       struct err *err)
{
    FILE *file = fopen(path, "w");
    int rv;

    if (file == NULL) {
        return err_errno(err, errno, "open %s", path);
    }
    rv = qb_json_write(result, file, err);
    if (fclose(file) != 0 && rv == 0) {
        rv = err_errno(err, errno, "write %s", path);
    }
    return rv;
}

static json_t *result_json(const struct qb_result *result)
{
    json_t *json = json_object();
    json_t *points = json_array();
    json_t *notes = json_array();

    set(json, "format", u64(QB_JSON_FORMAT));
    set(json, "mode", text(qb_mode_name(result->options->mode)));
    set(json, "version", text(result->version));
    set(json, "server_version", text(result->server));
    set(json, "host", text(result->host));
    set(json, "started_ms", u64(result->started_ms));
    set(json, "endpoints", text(result->endpoints));
    set(json, "nodes", u64(result->nodes));
    set(json, "own_cluster", json_boolean(result->own));
    set(json, "parameters", parameters_json(result->options));
    set(json, "floor",
        result->floor_known ? floor_json(&result->floor) : json_null());
    for (size_t i = 0; i < result->point_count; i++) {
        if (result->points[i].repetition_count > 0) {
            (void)json_array_append_new(points,
                                        point_json(result, &result->points[i]));
        }
    }
    set(json, "points", points);
    for (size_t i = 0; i < result->note_count; i++) {
        (void)json_array_append_new(notes, text(result->notes[i]));
    }
    set(json, "notes", notes);
    return json;
}

static json_t *parameters_json(const struct qb_options *options)
{
    json_t *json = json_object();

    set(json, "size", u64(options->size));
    set(json, "key_size", u64(options->key_size));
    set(json, "keys", u64(options->keys));
    set(json, "batch", u64(options->batch));
    set(json, "logs", u64(options->logs));
    set(json, "prefill", u64(options->prefill));
    set(json, "stale", json_boolean(options->stale));
    set(json, "tail", json_boolean(options->tail));
    set(json, "reads_percent", u64(options->reads));
    set(json, "followers", u64(options->followers));
    set(json, "threads", u64(options->threads));
    set(json, "rate", u64(options->rate));
    set(json, "open_loop", json_boolean(options->rate > 0));
    set(json, "duration_ms", u64(options->duration_ms));
    set(json, "warm_up_ms", u64(options->warmup_ms));
    set(json, "repetitions", u64(options->repetitions));
    set(json, "timeout_ms", u64(options->timeout_ms));
    return json;
}

static json_t *cost_json(const struct qb_floor_cost *cost)
{
    json_t *json = json_object();

    set(json, "p50_us", json_real(cost->p50_us));
    set(json, "p99_us", json_real(cost->p99_us));
    return json;
}

static json_t *floor_json(const struct qb_floor *floor)
{
    json_t *json = json_object();
    json_t *dirs = json_array();

    set(json, "p50_us", json_real(floor->p50_us));
    set(json, "p99_us", json_real(floor->p99_us));
    set(json, "write_bytes", u64(floor->write_len));
    set(json, "disks_known", json_boolean(floor->disks_known));
    set(json, "trips_real", json_boolean(floor->trips_real));
    set(json, "client_trip", cost_json(&floor->client_trip));
    set(json, "peer_trip", cost_json(&floor->peer_trip));
    set(json, "loopback_one_cpu", cost_json(&floor->loopback[0]));
    set(json, "loopback_any_cpu", cost_json(&floor->loopback[1]));
    for (size_t i = 0; i < floor->dir_count; i++) {
        const struct qb_floor_dir *dir = &floor->dirs[i];
        json_t *one = json_object();

        set(one, "path", text(dir->path));
        set(one, "kind", text(dir->kind));
        set(one, "way", text(qb_disk_way_name(dir->best)));
        set(one, "alone", cost_json(&dir->write));
        set(one, "together", cost_json(&dir->together));
        (void)json_array_append_new(dirs, one);
    }
    set(json, "dirs", dirs);
    return json;
}

static json_t *point_json(const struct qb_result *result,
                          const struct qb_point *point)
{
    json_t *json = json_object();
    json_t *repetitions = json_array();

    set(json, "outstanding", u64(point->outstanding));
    set(json, "connections",
        u64(qb_options_connections(result->options, point->outstanding)));
    set(json, "label", text(point->label));
    set(json, "median", u64(point->median));
    for (size_t i = 0; i < point->repetition_count; i++) {
        (void)json_array_append_new(
            repetitions, repetition_json(result, &point->repetitions[i]));
    }
    set(json, "repetitions", repetitions);
    set(json, "stages", stages_json(point->stages));
    return json;
}

static json_t *repetition_json(const struct qb_result *result,
                               const struct qb_repetition *repetition)
{
    json_t *json = json_object();
    json_t *tracks = json_array();
    json_t *nodes = json_array();
    json_t *phases = json_array();

    set(json, "seconds", json_real(repetition->seconds));
    set(json, "entries_acknowledged", u64(repetition->entries_acknowledged));
    set(json, "entries_unknown", u64(repetition->entries_unknown));
    set(json, "warm_up_failed", u64(repetition->warmup_failed));
    set(json, "client_cpu_seconds", json_real(repetition->client_cpu_seconds));
    set(json, "late", latency_json(&repetition->late));
    for (size_t i = 0; i < repetition->track_count; i++) {
        (void)json_array_append_new(
            tracks, track_json(result, repetition, &repetition->tracks[i]));
    }
    for (size_t i = 0; i < repetition->node_count; i++) {
        const struct qb_node_usage *node = &repetition->nodes[i];
        json_t *one = json_object();

        set(one, "id", u64(node->id));
        set(one, "running", json_boolean(node->running));
        set(one, "cpu_seconds", json_real(node->cpu_seconds));
        set(one, "rss_bytes", u64(node->rss_bytes));
        (void)json_array_append_new(nodes, one);
    }
    for (size_t i = 0; i < repetition->phase_count; i++) {
        (void)json_array_append_new(phases, phase_json(&repetition->phases[i]));
    }
    set(json, "tracks", tracks);
    set(json, "nodes", nodes);
    set(json, "phases", phases);
    return json;
}

static json_t *track_json(const struct qb_result *result,
                          const struct qb_repetition *repetition,
                          const struct qb_track *track)
{
    json_t *json = json_object();
    double floor_us = qb_result_floor_us(result, track);

    set(json, "name", text(track->name));
    set(json, "ops", u64(track->ops));
    set(json, "entries", u64(track->entries));
    set(json, "ops_per_second",
        json_real(qb_track_rate(track, repetition->seconds)));
    set(json, "latency", latency_json(&track->latency));
    set(json, "floor_us", floor_us > 0 ? json_real(floor_us) : json_null());
    set(json, "errors", errors_json(&track->errors));
    set(json, "gaps", gaps_json(&track->gaps));
    set(json, "series", series_json(&track->series));
    set(json, "histogram", buckets_json(&track->latency));
    return json;
}

static json_t *latency_json(const struct histogram *histogram)
{
    static const struct {
        const char *name;
        double percent;
    } rows[] = {{"p50_us", 50}, {"p90_us", 90},     {"p95_us", 95},
                {"p99_us", 99}, {"p99_9_us", 99.9}, {"p99_99_us", 99.99},
                {"max_us", 100}};
    json_t *json = json_object();

    set(json, "count", u64(histogram->count));
    if (histogram->count == 0) {
        return json;
    }
    set(json, "mean_us", json_real(histogram_mean(histogram) / 1000));
    set(json, "min_us", US(histogram->min));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set(json, rows[i].name,
            US(histogram_percentile(histogram, rows[i].percent)));
    }
    return json;
}

/* [[highest ns of the bucket, count], ...] */
static json_t *buckets_json(const struct histogram *histogram)
{
    json_t *json = json_array();
    uint64_t count;

    for (uint32_t i = 0; histogram_next(histogram, &i, &count); i++) {
        json_t *pair = json_array();

        (void)json_array_append_new(pair, u64(histogram_high(i)));
        (void)json_array_append_new(pair, u64(count));
        (void)json_array_append_new(json, pair);
    }
    return json;
}

static json_t *errors_json(const struct qb_errors *errors)
{
    json_t *json = json_object();
    json_t *codes = json_object();

    set(json, "count", u64(errors->count));
    for (size_t i = 0; i < QB_CODES; i++) {
        if (errors->by_code[i] > 0) {
            set(codes, code_name((int)i), u64(errors->by_code[i]));
        }
    }
    set(json, "by_code", codes);
    set(json, "first", text(errors->first));
    return json;
}

static json_t *gaps_json(const struct qb_gaps *gaps)
{
    json_t *json = json_array();

    for (size_t i = 0; i < gaps->count; i++) {
        json_t *gap = json_object();

        set(gap, "from_us", US(gaps->gaps[i].from_ns));
        set(gap, "to_us", US(gaps->gaps[i].to_ns));
        (void)json_array_append_new(json, gap);
    }
    return json;
}

static json_t *series_json(const struct qb_series *series)
{
    json_t *json = json_object();
    json_t *slices = json_array();

    for (size_t i = 0; i < series->count; i++) {
        const struct qb_slice *slice = &series->slices[i];
        json_t *one = json_object();

        set(one, "count", u64(slice->count));
        set(one, "failed", u64(slice->failed));
        set(one, "p50_us", US(slice->p50_ns));
        set(one, "p99_us", US(slice->p99_ns));
        set(one, "max_us", US(slice->max_ns));
        (void)json_array_append_new(slices, one);
    }
    set(json, "slice_ms", json_real((double)series->slice_ns / 1e6));
    set(json, "slices", slices);
    return json;
}

static json_t *phase_json(const struct qb_phase_cost *phase)
{
    json_t *json = json_object();

    set(json, "what", text(phase->what));
    set(json, "note", text(phase->note));
    set(json, "begun_seconds", json_real(phase->begun_seconds));
    set(json, "ended_seconds", json_real(phase->ended_seconds));
    set(json, "recovered_seconds",
        phase->recovered_seconds < 0 ? json_null()
                                     : json_real(phase->recovered_seconds));
    set(json, "outage_us", US(phase->outage_ns));
    set(json, "failed", u64(phase->failed));
    set(json, "p50_us", US(phase->p50_ns));
    set(json, "p99_us", US(phase->p99_ns));
    set(json, "max_us", US(phase->max_ns));
    set(json, "before_p50_us", US(phase->before_p50_ns));
    set(json, "before_p99_us", US(phase->before_p99_ns));
    set(json, "after_p50_us", US(phase->after_p50_ns));
    set(json, "after_p99_us", US(phase->after_p99_ns));
    return json;
}

static json_t *stages_json(const struct qb_stages *stages)
{
    json_t *json = json_array();

    for (size_t i = 0; stages != NULL && i < stages->count; i++) {
        json_t *one = json_object();

        set(one, "name", text(stages->stages[i].name));
        set(one, "times", latency_json(&stages->stages[i].times));
        (void)json_array_append_new(json, one);
    }
    return json;
}
