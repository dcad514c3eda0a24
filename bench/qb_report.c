/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quorlog.h"

int qb_point_init(struct qb_point *point, uint64_t outstanding,
                  size_t repetitions)
{
    *point = (struct qb_point){.outstanding = outstanding};
    point->repetitions = calloc(repetitions, sizeof *point->repetitions);
    return point->repetitions != NULL ? 0 : QL_NO_MEMORY;
}

void qb_point_close(struct qb_point *point)
{
    for (size_t i = 0; i < point->repetition_count; i++) {
        qb_repetition_close(&point->repetitions[i]);
    }
    free(point->repetitions);
    free(point->stages);
    *point = (struct qb_point){.outstanding = 0};
}

int qb_repetition_init(struct qb_repetition *repetition,
                       const char *const *names, size_t count)
{
    memset(repetition, 0, sizeof *repetition);
    histogram_init(&repetition->late);
    repetition->tracks = calloc(count, sizeof *repetition->tracks);
    if (repetition->tracks == NULL) {
        return QL_NO_MEMORY;
    }
    repetition->track_count = count;
    for (size_t i = 0; i < count; i++) {
        struct qb_track *track = &repetition->tracks[i];

        histogram_init(&track->latency);
        (void)snprintf(track->name, sizeof track->name, "%s", names[i]);
    }
    return 0;
}

void qb_repetition_close(struct qb_repetition *repetition)
{
    for (size_t i = 0; i < repetition->track_count; i++) {
        qb_series_close(&repetition->tracks[i].series);
    }
    free(repetition->tracks);
    repetition->tracks = NULL;
    repetition->track_count = 0;
}

size_t qb_repetition_main(const struct qb_repetition *repetition)
{
    for (size_t i = 0; i < repetition->track_count; i++) {
        const struct qb_track *track = &repetition->tracks[i];

        if (track->latency.count > 0 || track->errors.count > 0) {
            return i;
        }
    }
    return 0;
}

void qb_errors_add(struct qb_errors *errors, int code, const char *text)
{
    qb_errors_add_many(errors, code, text, 1);
}

void qb_errors_add_many(struct qb_errors *errors, int code, const char *text,
                        uint64_t count)
{
    if (count == 0) {
        return;
    }
    if (errors->count == 0) {
        (void)snprintf(errors->first, sizeof errors->first, "%s", text);
    }
    errors->count += count;
    errors->by_code[code > 0 && (unsigned)code < QB_CODES ? code : 0] += count;
}

void qb_errors_merge(struct qb_errors *into, const struct qb_errors *from)
{
    if (into->count == 0) {
        memcpy(into->first, from->first, sizeof into->first);
    }
    into->count += from->count;
    for (size_t i = 0; i < QB_CODES; i++) {
        into->by_code[i] += from->by_code[i];
    }
}

double qb_track_rate(const struct qb_track *track, double seconds)
{
    return seconds > 0 ? (double)track->ops / seconds : 0;
}

static uint64_t main_ops(const struct qb_repetition *repetition)
{
    return repetition->tracks[qb_repetition_main(repetition)].ops;
}

void qb_point_choose(struct qb_point *point)
{
    size_t order[QB_REPETITIONS_MAX];

    /* By insertion: there are few. */
    for (size_t i = 0; i < point->repetition_count; i++) {
        uint64_t ops = main_ops(&point->repetitions[i]);
        size_t at = i;

        while (at > 0 && main_ops(&point->repetitions[order[at - 1]]) > ops) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    if (point->repetition_count > 0) {
        point->median = order[(point->repetition_count - 1) / 2];
    }
}

const struct qb_repetition *qb_point_median(const struct qb_point *point)
{
    return &point->repetitions[point->median];
}

double qb_result_floor_us(const struct qb_result *result,
                          const struct qb_track *track)
{
    const struct qb_floor *floor = &result->floor;

    if (!result->floor_known) {
        return 0;
    }
    if (strcmp(track->name, "read") != 0) {
        return floor->p50_us;
    }
    return floor->client_trip.p50_us +
           (result->options->stale ? 0 : floor->peer_trip.p50_us);
}

void qb_result_note(struct qb_result *result, const char *format, ...)
{
    va_list args;

    if (result->note_count < QB_NOTES_MAX) {
        va_start(args, format);
        (void)vsnprintf(result->notes[result->note_count++], QB_NOTE_MAX + 1,
                        format, args);
        va_end(args);
    }
}

void qb_point_name(const struct qb_point *point, char *ret_text, size_t room)
{
    if (point->label[0] != '\0') {
        (void)snprintf(ret_text, room, "%s", point->label);
    } else {
        (void)snprintf(ret_text, room, "%llu at once",
                       (unsigned long long)point->outstanding);
    }
}

void qb_result_close(struct qb_result *result)
{
    for (size_t i = 0; i < result->point_count; i++) {
        qb_point_close(&result->points[i]);
    }
    free(result->points);
    result->points = NULL;
    result->point_count = 0;
}
