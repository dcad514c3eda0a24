/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a run of quorlog-bench found, as the table, the JSON document and the page
 * show it:
 *
 *     result            one run of the program
 *       point           one number of outstanding calls
 *         repetition    one measurement; the table shows the median one
 *           track       one kind of call: its latencies, errors, slices of time
 *           phase       what was done to the cluster meanwhile, and its cost
 *         stage         where the server says that the time of its appends went
 *
 * Times are nanoseconds (_ns) or seconds; memory is bytes. All latencies are those
 * of calls that were due within the measurement, however long they took; rates
 * count the calls that ended within it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qb_floor.h"
#include "qb_gaps.h"
#include "qb_options.h"
#include "qb_series.h"

#include "util/histogram.h"
#include "util/limits.h"

#define QB_TRACKS_MAX 3u
#define QB_PHASES_MAX 32u /* of one repetition */
#define QB_STAGES_MAX 16u
#define QB_CODES 64u /* more than there are QL_* codes */
#define QB_NAME_MAX 63u
#define QB_NOTE_MAX 255u
#define QB_NOTES_MAX 32u

/* Calls that failed: never part of a latency, always told beside it. */
struct qb_errors {
    uint64_t count;
    uint64_t by_code[QB_CODES];  /* index: QL_* */
    char first[QB_NOTE_MAX + 1]; /* the first one's text; "": none */
};

struct qb_track {
    char name[QB_NAME_MAX +
              1];     /* "append", "read", "delivery", "last delivery" */
    uint64_t ops;     /* that ended well within the measurement */
    uint64_t entries; /* of them */
    struct histogram latency; /* ns; in open loop from when it was due */
    struct qb_errors errors;
    struct qb_series series;
    struct qb_gaps gaps; /* without a call that went well */
};

struct qb_node_usage {
    unsigned id;
    bool running; /* at the end */
    double cpu_seconds;
    uint64_t rss_bytes; /* at the end */
};

/* Something that was done to the cluster during a measurement. */
struct qb_phase_cost {
    char what[QB_NAME_MAX + 1]; /* "kill leader" */
    char note[QB_NOTE_MAX + 1]; /* more for a person, or "" */
    double begun_seconds;       /* since the measurement began */
    double ended_seconds;       /* the cause is over */
    double recovered_seconds;   /* latencies are as before again; < 0: never */
    uint64_t outage_ns; /* longest time without an acknowledged call in it */
    uint64_t failed;    /* calls that failed from begun to recovered */
    uint64_t p50_ns;    /* of calls that ended from begun to recovered */
    uint64_t p99_ns;
    uint64_t max_ns;
    uint64_t before_p50_ns; /* of calls that ended before it began */
    uint64_t before_p99_ns;
    uint64_t after_p50_ns; /* and after it was recovered from */
    uint64_t after_p99_ns;
};

struct qb_repetition {
    double seconds; /* that were measured, without warm-up */
    size_t track_count;
    struct qb_track *tracks; /* the first is what the mode is about */
    /* Everything since the load began, with warm-up: what a log must hold. */
    uint64_t entries_acknowledged;
    uint64_t entries_unknown; /* of calls with QL_OUTCOME_UNKNOWN */
    uint64_t warmup_failed;   /* calls; not among the tracks' errors */
    /* Open loop: how late a call went out after it was due. */
    struct histogram late;
    double client_cpu_seconds; /* of the threads that make the load */
    size_t node_count;         /* 0: the nodes are not ours */
    struct qb_node_usage nodes[MEMBERS_MAX];
    size_t phase_count;
    struct qb_phase_cost phases[QB_PHASES_MAX];
};

struct qb_stage {
    char name[QB_NAME_MAX + 1]; /* as the server calls it */
    struct histogram times;     /* ns, of sampled appends */
};

struct qb_stages {
    size_t count; /* 0: the server tells none */
    struct qb_stage stages[QB_STAGES_MAX];
};

struct qb_point {
    uint64_t outstanding;
    char label[QB_NAME_MAX + 1]; /* "": outstanding tells it */
    size_t repetition_count;
    struct qb_repetition *repetitions;
    size_t median;            /* index, by the rate of the main track */
    struct qb_stages *stages; /* since the point's first measurement; or NULL */
};

struct qb_result {
    const struct qb_options *options;
    char version[32]; /* of quorlog-bench */
    char server[32];  /* of the node that was asked */
    char endpoints[QB_ENDPOINTS_MAX + 1];
    char host[QB_NOTE_MAX + 1]; /* kernel, machine, processors */
    uint64_t started_ms;        /* Unix time */
    size_t nodes;               /* that vote */
    bool own;                   /* we started them */
    bool ended_early;           /* the last note says why */
    bool floor_known;
    struct qb_floor floor; /* of an append of these sizes */
    size_t point_count;
    struct qb_point *points;
    size_t note_count; /* what a mode says in words */
    char notes[QB_NOTES_MAX][QB_NOTE_MAX + 1];
};

int qb_point_init(struct qb_point *point, uint64_t outstanding,
                  size_t repetitions);
void qb_point_close(struct qb_point *point);
/* Room for @count tracks with these names; QL_NO_MEMORY. */
int qb_repetition_init(struct qb_repetition *repetition,
                       const char *const *names, size_t count);
void qb_repetition_close(struct qb_repetition *repetition);
void qb_errors_add(struct qb_errors *errors, int code, const char *text);
/* @count with the same text. */
void qb_errors_add_many(struct qb_errors *errors, int code, const char *text,
                        uint64_t count);
void qb_errors_merge(struct qb_errors *into, const struct qb_errors *from);
/* The first track with calls, as a mixed load may be of one kind alone; the first
 * of all when no call ended. */
size_t qb_repetition_main(const struct qb_repetition *repetition);
/* Calls a second. */
double qb_track_rate(const struct qb_track *track, double seconds);
/* Chooses the repetition in the middle. */
void qb_point_choose(struct qb_point *point);
const struct qb_repetition *qb_point_median(const struct qb_point *point);
/* What the median of a track's latencies cannot be faster than: the quorum's
 * floor for an append, the round trips for a read. 0: not known. */
double qb_result_floor_us(const struct qb_result *result,
                          const struct qb_track *track);
/* Adds a sentence for people; past QB_NOTES_MAX it is dropped. */
void qb_result_note(struct qb_result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "16 at once", or the point's label. */
void qb_point_name(const struct qb_point *point, char *ret_text, size_t room);
/* What phases cost, as part of the table. */
void qb_phase_print(const struct qb_result *result, FILE *out);
/* Closes all points. */
void qb_result_close(struct qb_result *result);
/* The table for people. */
void qb_result_print(const struct qb_result *result, FILE *out);
