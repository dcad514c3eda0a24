/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/stages.h"

#include "util/clock.h"

static struct stage_sample *first_of(const struct list *samples);
static void record(const struct stage_sample *sample, uint64_t written_ns);
static void end(struct stage_sample *sample);

void stages_init(struct stages *stages, struct metrics *metrics)
{
    stages->metrics = metrics;
    stages->left = STAGES_EVERY;
    list_init(&stages->free);
    list_init(&stages->storing);
    for (unsigned i = 0; i < STAGE_SAMPLES_MAX; i++) {
        stages->samples[i].stages = stages;
        list_init(&stages->samples[i].disk);
        list_push_back(&stages->free, &stages->samples[i].link);
    }
}

struct stage_sample *stages_begin(struct stages *stages, uint64_t read_ns)
{
    struct stage_sample *sample;

    if (list_empty(&stages->free)) {
        return NULL;
    }
    sample = first_of(&stages->free);
    list_remove(&sample->link);
    sample->read_ns = read_ns;
    sample->submitted_ns = clock_monotonic_ns();
    sample->ended = false;
    return sample;
}

void stages_on_proposed(struct stages *stages, struct list *samples,
                        uint64_t index)
{
    uint64_t now;

    if (list_empty(samples)) {
        return;
    }
    now = clock_monotonic_ns();
    for (struct list *at = samples->next; at != samples; at = at->next) {
        struct stage_sample *sample = LIST_ITEM(at, struct stage_sample, link);

        sample->index = index;
        sample->proposed_ns = now;
        list_push_back(&stages->storing, &sample->disk);
    }
}

void stages_on_stored(struct stages *stages, uint64_t index)
{
    uint64_t now;

    if (list_empty(&stages->storing)) {
        return;
    }
    now = clock_monotonic_ns();
    while (!list_empty(&stages->storing)) {
        struct stage_sample *sample =
            LIST_ITEM(stages->storing.next, struct stage_sample, disk);

        if (sample->index > index) {
            return;
        }
        list_remove(&sample->disk);
        metrics_record(stages->metrics, HISTOGRAM_WAL,
                       now - sample->proposed_ns);
        if (sample->ended) {
            list_push_back(&stages->free, &sample->link);
        }
    }
}

void stages_on_committed(struct list *samples)
{
    uint64_t now;

    if (list_empty(samples)) {
        return;
    }
    now = clock_monotonic_ns();
    for (struct list *at = samples->next; at != samples; at = at->next) {
        LIST_ITEM(at, struct stage_sample, link)->committed_ns = now;
    }
}

void stage_on_applied(struct stage_sample *sample)
{
    sample->applied_ns = clock_monotonic_ns();
}

void stages_on_written(struct list *samples)
{
    uint64_t now;

    if (list_empty(samples)) {
        return;
    }
    now = clock_monotonic_ns();
    while (!list_empty(samples)) {
        struct stage_sample *sample = first_of(samples);

        record(sample, now);
        end(sample);
    }
}

/* What was lost with its leadership may never come to this disk. */
void stage_drop(struct stage_sample *sample)
{
    list_remove(&sample->disk);
    end(sample);
}

void stages_drop(struct list *samples)
{
    while (!list_empty(samples)) {
        stage_drop(first_of(samples));
    }
}

static struct stage_sample *first_of(const struct list *samples)
{
    return LIST_ITEM(samples->next, struct stage_sample, link);
}

static void record(const struct stage_sample *sample, uint64_t written_ns)
{
    struct metrics *metrics = sample->stages->metrics;

    metrics_record(metrics, HISTOGRAM_DECODE,
                   sample->submitted_ns - sample->read_ns);
    metrics_record(metrics, HISTOGRAM_BATCH,
                   sample->proposed_ns - sample->submitted_ns);
    metrics_record(metrics, HISTOGRAM_REPLICATE,
                   sample->committed_ns - sample->proposed_ns);
    metrics_record(metrics, HISTOGRAM_APPLY,
                   sample->applied_ns - sample->committed_ns);
    metrics_record(metrics, HISTOGRAM_REPLY, written_ns - sample->applied_ns);
    metrics_record(metrics, HISTOGRAM_TOTAL, written_ns - sample->read_ns);
}

/* In no list from here on but perhaps the disk's. */
static void end(struct stage_sample *sample)
{
    list_remove(&sample->link);
    sample->ended = true;
    if (list_empty(&sample->disk)) {
        list_push_back(&sample->stages->free, &sample->link);
    }
}
