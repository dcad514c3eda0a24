/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/results.h"

#include <stdlib.h>

static int compare_values(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

static struct spread spread_of(double *values, size_t count)
{
    struct spread spread = {.count = count};

    if (count == 0) {
        return spread;
    }
    qsort(values, count, sizeof *values, compare_values);
    spread.low = values[0];
    spread.median = (values[(count - 1) / 2] + values[count / 2]) / 2;
    spread.high = values[count - 1];
    return spread;
}

static double value_of(const struct turn *turn, size_t point, size_t field)
{
    const char *at = (const char *)&turn->points[point];

    return *(const double *)(const void *)(at + field);
}

struct spread results_spread(const struct results *results, size_t peer,
                             size_t point, size_t field)
{
    double values[OPTIONS_TURNS_MAX];
    size_t count = 0;

    for (unsigned i = 0; i < results->options->turns; i++) {
        const struct turn *turn = &results->turns[peer][i];

        if (turn->is_done) {
            values[count++] = value_of(turn, point, field);
        }
    }
    return spread_of(values, count);
}

struct spread results_failover(const struct results *results, size_t peer)
{
    double values[OPTIONS_TURNS_MAX];
    size_t count = 0;

    for (unsigned i = 0; i < results->options->failovers; i++) {
        const struct turn *turn = &results->failovers[peer][i];

        if (turn->is_done) {
            values[count++] = turn->failover_seconds;
        }
    }
    return spread_of(values, count);
}

static size_t place_of_quorlog(const struct results *results)
{
    size_t at = 0;

    while (at < results->count && results->peers[at] != &peer_quorlog) {
        at++;
    }
    return at;
}

struct spread results_ratio(const struct results *results, size_t peer,
                            size_t point, size_t field)
{
    size_t own = place_of_quorlog(results);
    double values[OPTIONS_TURNS_MAX];
    size_t count = 0;

    for (unsigned i = 0; own < results->count && i < results->options->turns;
         i++) {
        const struct turn *ours = &results->turns[own][i];
        const struct turn *theirs = &results->turns[peer][i];

        if (ours->is_done && theirs->is_done &&
            value_of(theirs, point, field) > 0) {
            values[count++] =
                value_of(ours, point, field) / value_of(theirs, point, field);
        }
    }
    return spread_of(values, count);
}

size_t results_failed(const struct results *results, size_t peer)
{
    size_t count = 0;

    for (unsigned i = 0; i < results->options->turns; i++) {
        count += !results->turns[peer][i].is_done;
    }
    return count;
}

size_t results_untrue(const struct results *results, size_t peer)
{
    size_t count = 0;

    for (unsigned i = 0; i < results->options->turns; i++) {
        const struct turn *turn = &results->turns[peer][i];

        count += turn->is_done && !turn_is_true(turn);
    }
    return count;
}

const char *results_version(const struct results *results, size_t peer)
{
    for (unsigned i = 0; i < results->options->turns; i++) {
        if (results->turns[peer][i].is_done) {
            return results->turns[peer][i].version;
        }
    }
    return "";
}

double results_turn_seconds(const struct results *results, size_t peer)
{
    double sum = 0;
    size_t count = 0;

    for (unsigned i = 0; i < results->options->turns; i++) {
        if (results->turns[peer][i].is_done) {
            sum += results->turns[peer][i].seconds;
            count++;
        }
    }
    return count > 0 ? sum / (double)count : 0;
}
