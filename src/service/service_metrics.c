/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a node has counted of itself. */
#include <string.h>

#include "consensus/metrics.h"
#include "machine/must.h"
#include "service/envelope.h"
#include "service/service_parts.h"
#include "util/clock.h"
#include "util/code.h"
#include "wire/args_metrics.h"

_Static_assert(COUNTERS <= METRICS_NUMBERS_MAX, "an answer must have room");
_Static_assert(METRIC_CODES <= METRICS_NUMBERS_MAX, "likewise");
_Static_assert(HISTOGRAMS <= METRICS_HISTOGRAMS_MAX, "likewise");

static void metrics_fill(const struct metrics *metrics,
                         struct metrics_result *ret);
static struct bytes bytes_of(const char *text);

int service_server_metrics(struct call *call, struct bytes params,
                           struct err *err)
{
    const struct service *service = call->service;
    struct metrics_result result = {.node = service->identity->node};
    struct buf message = BUF_INIT;
    struct node_status node;

    (void)params;
    (void)err;
    node_status(service->node, &node);
    result.role = (uint32_t)node.role;
    result.term = node.term;
    result.uptime_ms = clock_monotonic_ms() - service->started_ms;
    metrics_fill(node_metrics(service->node), &result);
    envelope_open_result(&message, call->id);
    must_have_memory(metrics_result_encode(&result, &message));
    call_finish(call, &message);
    return 0;
}

/* Of the refusals those that there were. */
static void metrics_fill(const struct metrics *metrics,
                         struct metrics_result *ret)
{
    for (unsigned i = 0; i < COUNTERS; i++) {
        ret->counters[i] = (struct metrics_number){
            bytes_of(metric_counter_name(i)), metrics->counters[i]};
    }
    ret->counters_count = COUNTERS;
    for (unsigned i = 0; i < METRIC_CODES; i++) {
        if (metrics->refusals[i] > 0) {
            ret->refusals[ret->refusals_count++] = (struct metrics_number){
                bytes_of(code_name((int)i)), metrics->refusals[i]};
        }
    }
    for (unsigned i = 0; i < HISTOGRAMS; i++) {
        ret->histograms[i] = (struct metrics_histogram){
            .name = bytes_of(metric_histogram_name(i)),
            .unit = bytes_of(metric_histogram_unit(i)),
            .histogram = &metrics->histograms[i]};
    }
    ret->histograms_count = HISTOGRAMS;
}

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}
