/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/stages.h"

#include "support/cmocka.h"

struct fixture {
    struct metrics *metrics;
    struct stages stages;
    struct list batch;
    struct list channel;
};

static int setup(void **state)
{
    static struct fixture fixture;

    fixture.metrics = metrics_new();
    stages_init(&fixture.stages, fixture.metrics);
    list_init(&fixture.batch);
    list_init(&fixture.channel);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    metrics_free(fixture->metrics);
    return 0;
}

/* Submitted now, its bytes read right before. */
static struct stage_sample *begin(struct fixture *fixture)
{
    struct stage_sample *sample = stages_begin(&fixture->stages, 1);

    if (sample != NULL) {
        sample->read_ns = sample->submitted_ns - 100;
        list_push_back(&fixture->batch, &sample->link);
    }
    return sample;
}

static void apply(struct fixture *fixture, struct stage_sample *sample)
{
    stages_on_committed(&fixture->batch);
    stage_on_applied(sample);
    stage_take(sample, &fixture->channel);
}

static const struct histogram *of(const struct fixture *fixture,
                                  enum metric_histogram histogram)
{
    return &fixture->metrics->histograms[histogram];
}

static size_t free_samples(const struct fixture *fixture)
{
    const struct list *at = fixture->stages.free.next;
    size_t count = 0;

    while (at != &fixture->stages.free) {
        count++;
        at = at->next;
    }
    return count;
}

static void one_append_of_so_many_is_due(void **state)
{
    struct fixture *fixture = *state;
    unsigned due = 0;

    for (unsigned i = 0; i < 10 * STAGES_EVERY; i++) {
        due += stages_is_due(&fixture->stages) ? 1 : 0;
    }
    assert_int_equal(due, 10);
}

static void stages_of_a_sample_add_up_to_its_total(void **state)
{
    static const enum metric_histogram parts[] = {
        HISTOGRAM_DECODE, HISTOGRAM_BATCH, HISTOGRAM_REPLICATE, HISTOGRAM_APPLY,
        HISTOGRAM_REPLY};
    struct fixture *fixture = *state;
    struct stage_sample *sample = begin(fixture);
    uint64_t sum = 0;

    stages_on_proposed(&fixture->stages, &fixture->batch, 7);
    stages_on_stored(&fixture->stages, 7);
    apply(fixture, sample);
    stages_on_written(&fixture->channel);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        assert_int_equal(of(fixture, parts[i])->count, 1);
        sum += of(fixture, parts[i])->sum;
    }
    assert_int_equal(of(fixture, HISTOGRAM_DECODE)->sum, 100);
    assert_int_equal(of(fixture, HISTOGRAM_WAL)->count, 1);
    assert_int_equal(of(fixture, HISTOGRAM_TOTAL)->count, 1);
    assert_int_equal(of(fixture, HISTOGRAM_TOTAL)->sum, sum);
    assert_int_equal(free_samples(fixture), STAGE_SAMPLES_MAX);
}

static void sample_answered_before_it_is_stored_waits_for_the_disk(void **state)
{
    struct fixture *fixture = *state;
    struct stage_sample *sample = begin(fixture);

    stages_on_proposed(&fixture->stages, &fixture->batch, 7);
    apply(fixture, sample);
    stages_on_written(&fixture->channel);
    stages_on_stored(&fixture->stages, 6);
    assert_int_equal(of(fixture, HISTOGRAM_TOTAL)->count, 1);
    assert_int_equal(of(fixture, HISTOGRAM_WAL)->count, 0);
    assert_int_equal(free_samples(fixture), STAGE_SAMPLES_MAX - 1);

    stages_on_stored(&fixture->stages, 9);
    assert_int_equal(of(fixture, HISTOGRAM_WAL)->count, 1);
    assert_int_equal(free_samples(fixture), STAGE_SAMPLES_MAX);
}

static void samples_of_one_batch_share_its_times(void **state)
{
    struct fixture *fixture = *state;
    struct stage_sample *first = begin(fixture);
    struct stage_sample *second = begin(fixture);

    stages_on_proposed(&fixture->stages, &fixture->batch, 7);
    stages_on_committed(&fixture->batch);
    assert_int_equal(first->proposed_ns, second->proposed_ns);
    assert_int_equal(first->committed_ns, second->committed_ns);
    stages_on_stored(&fixture->stages, 7);
    assert_int_equal(of(fixture, HISTOGRAM_WAL)->count, 2);
    stages_drop(&fixture->batch);
    assert_int_equal(free_samples(fixture), STAGE_SAMPLES_MAX);
}

static void lost_sample_counts_nowhere_and_is_free_again(void **state)
{
    struct fixture *fixture = *state;

    (void)begin(fixture);
    stages_on_proposed(&fixture->stages, &fixture->batch, 7);
    (void)begin(fixture);
    stages_drop(&fixture->batch);
    assert_int_equal(free_samples(fixture), STAGE_SAMPLES_MAX);
    stages_on_stored(&fixture->stages, 7);
    for (unsigned i = 0; i < HISTOGRAMS; i++) {
        assert_int_equal(of(fixture, i)->count, 0);
    }
}

static void no_more_samples_than_the_limit_are_under_way(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < STAGE_SAMPLES_MAX; i++) {
        assert_non_null(begin(fixture));
    }
    assert_null(begin(fixture));
    stages_drop(&fixture->batch);
    assert_non_null(begin(fixture));
    stages_drop(&fixture->batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_append_of_so_many_is_due, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(stages_of_a_sample_add_up_to_its_total,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            sample_answered_before_it_is_stored_waits_for_the_disk, setup,
            teardown),
        cmocka_unit_test_setup_teardown(samples_of_one_batch_share_its_times,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            lost_sample_counts_nowhere_and_is_free_again, setup, teardown),
        cmocka_unit_test_setup_teardown(
            no_more_samples_than_the_limit_are_under_way, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
