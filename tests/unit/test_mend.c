/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/mend.h"

#include <string.h>

#include "consensus/integrity_text.h"
#include "support/cmocka.h"
#include "support/tmpdir.h"
#include "util/buf.h"
#include "util/file.h"

#define HOUR REBUILD_WINDOW_MS
#define NOW (100ull * HOUR)

static enum mend_step judge(const struct mend *mend,
                            enum digest_finding finding, uint64_t index,
                            uint64_t now_ms)
{
    const struct digest_verdict verdict = {.finding = finding, .index = index};

    return mend_judge(mend, &verdict, now_ms);
}

static void who_is_like_the_majority_has_nothing_to_mend(void **state)
{
    const struct mend mend = {.stage = MEND_GOOD};

    (void)state;
    for (int finding = DIGEST_UNKNOWN; finding <= DIGEST_SPLIT; finding++) {
        if (finding != DIGEST_ODD) {
            assert_int_equal(
                judge(&mend, (enum digest_finding)finding, 1024, NOW),
                MEND_NOTHING);
        }
    }
}

static void first_it_starts_again_and_then_takes_the_state_of_another(
    void **state)
{
    struct mend mend = {.stage = MEND_GOOD};

    (void)state;
    assert_int_equal(judge(&mend, DIGEST_ODD, 1024, NOW), MEND_RESTART);
    mend_attempt(&mend, MEND_RESTARTED, 1024, NOW);
    assert_int_equal(judge(&mend, DIGEST_UNKNOWN, 0, NOW), MEND_NOTHING);
    assert_int_equal(judge(&mend, DIGEST_ODD, 1024, NOW), MEND_REBUILD);
    mend_attempt(&mend, MEND_REBUILT, 901, NOW);
    assert_int_equal(judge(&mend, DIGEST_ODD, 2048, NOW), MEND_REBUILD);
    assert_int_equal(mend.attempts, 2);
}

static void only_an_index_from_then_on_shows_that_it_is_good(void **state)
{
    struct mend mend = {.stage = MEND_GOOD};

    (void)state;
    mend_attempt(&mend, MEND_RESTARTED, 1024, NOW);
    assert_int_equal(judge(&mend, DIGEST_AGREED, 1000, NOW), MEND_NOTHING);
    assert_int_equal(judge(&mend, DIGEST_ODD, 1000, NOW), MEND_NOTHING);
    assert_int_equal(judge(&mend, DIGEST_SPLIT, 1024, NOW), MEND_NOTHING);
    assert_int_equal(judge(&mend, DIGEST_AGREED, 1024, NOW), MEND_CURED);
    assert_int_equal(judge(&mend, DIGEST_OTHER_ODD, 1025, NOW), MEND_CURED);
    mend_cured(&mend);
    assert_int_equal(judge(&mend, DIGEST_AGREED, 1024, NOW), MEND_NOTHING);
    assert_int_equal(mend.attempts, 1);
}

static void it_gives_up_for_an_hour(void **state)
{
    struct mend mend = {.stage = MEND_GOOD};

    (void)state;
    for (unsigned i = 0; i < REBUILDS_MAX; i++) {
        assert_int_not_equal(judge(&mend, DIGEST_ODD, 1024, NOW + i),
                             MEND_GIVEN_UP);
        mend_attempt(&mend, MEND_REBUILT, 1024, NOW + i);
    }
    assert_int_equal(judge(&mend, DIGEST_ODD, 1024, NOW + 10), MEND_GIVEN_UP);
    assert_int_equal(judge(&mend, DIGEST_ODD, 1024, NOW + HOUR - 1),
                     MEND_GIVEN_UP);
    /* A clock that was set back gives no attempts. */
    assert_int_equal(judge(&mend, DIGEST_ODD, 1024, 5), MEND_GIVEN_UP);
    assert_int_equal(judge(&mend, DIGEST_ODD, 1024, NOW + HOUR), MEND_REBUILD);
    mend_attempt(&mend, MEND_REBUILT, 1024, NOW + HOUR);
    assert_int_equal(mend.attempts, REBUILDS_MAX + 1);
    assert_int_equal(mend.times_count, REBUILDS_MAX);
    /* Good again it is all the same. */
    assert_int_equal(judge(&mend, DIGEST_AGREED, 1024, NOW + HOUR), MEND_CURED);
}

static void it_is_remembered_across_starts(void **state)
{
    const struct tmpdir *dir = *state;
    struct mend mend = {.stage = MEND_RESTARTED, .index = 9};
    struct mend got;

    assert_int_equal(mend_load(&got, dir->path, NULL), 0);
    assert_int_equal(got.stage, MEND_GOOD);
    for (unsigned i = 0; i <= REBUILDS_MAX; i++) {
        mend_attempt(&mend, MEND_REBUILT, 1000 + i, NOW + i);
        assert_int_equal(mend_store(&mend, dir->path, NULL), 0);
        assert_int_equal(mend_load(&got, dir->path, NULL), 0);
        assert_memory_equal(&got, &mend, sizeof mend);
    }
}

/* What it said is gone, so the node must show that it is good. */
static void a_damaged_file_makes_a_suspect(void **state)
{
    const struct tmpdir *dir = *state;
    const struct mend mend = {.stage = MEND_GOOD, .attempts = 3};
    char path[PATH_LEN_MAX];
    struct buf text = BUF_INIT;
    struct err err;
    struct mend got;

    assert_int_equal(mend_store(&mend, dir->path, NULL), 0);
    assert_int_equal(path_join(path, sizeof path, dir->path, "mend", NULL), 0);
    assert_int_equal(file_read(path, 4096, &text, NULL), 0);
    for (size_t i = 0; i < text.len; i++) {
        text.data[i] ^= 4;
        assert_int_equal(file_replace(path, text.data, text.len, 0600, NULL),
                         0);
        text.data[i] ^= 4;
        assert_int_equal(mend_load(&got, dir->path, &err), 0);
        assert_int_equal(got.stage, MEND_RESTARTED);
        assert_int_equal(judge(&got, DIGEST_AGREED, 1, NOW), MEND_CURED);
    }
    assert_int_equal(file_replace(path, text.data, text.len / 2, 0600, NULL),
                     0);
    assert_int_equal(mend_load(&got, dir->path, &err), 0);
    assert_int_equal(got.stage, MEND_RESTARTED);
    buf_close(&text);
}

static void the_reason_names_index_and_nodes(void **state)
{
    static const uint64_t voters[3] = {1, 2, 3};
    const struct digest_verdict verdict = {
        .index = 1024, .term = 7, .groups = {1, 2, 1}};
    char text[128];
    char small[16];

    (void)state;
    integrity_reason(&verdict, voters, 3, text, sizeof text);
    assert_string_equal(text, "state digests differ at raft index 1024 "
                              "(term 7): node 1 3; node 2");
    integrity_reason(&verdict, voters, 3, small, sizeof small);
    assert_string_equal(small, "state digests d");
}

static void the_word_tells_the_worst_first(void **state)
{
    struct digest_verdict verdict = {.finding = DIGEST_UNKNOWN};
    struct integrity_view view = {.verdict = &verdict};

    (void)state;
    assert_string_equal(integrity_word(&view), "unknown");
    view.is_checking = true;
    assert_string_equal(integrity_word(&view), "checking");
    verdict.finding = DIGEST_ODD;
    assert_string_equal(integrity_word(&view), "odd");
    view.is_rebuilding = true;
    assert_string_equal(integrity_word(&view), "rebuilding");
    view.is_out = true;
    assert_string_equal(integrity_word(&view), "given-up");
    view = (struct integrity_view){.verdict = &verdict};
    verdict.finding = DIGEST_AGREED;
    assert_string_equal(integrity_word(&view), "agreed");
    verdict.finding = DIGEST_OTHER_ODD;
    assert_string_equal(integrity_word(&view), "other-odd");
    verdict.finding = DIGEST_UNDECIDED;
    assert_string_equal(integrity_word(&view), "undecided");
    verdict.finding = DIGEST_SPLIT;
    assert_string_equal(integrity_word(&view), "split");
    view.alone = true;
    assert_string_equal(integrity_word(&view), "alone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_like_the_majority_has_nothing_to_mend),
        cmocka_unit_test(
            first_it_starts_again_and_then_takes_the_state_of_another),
        cmocka_unit_test(only_an_index_from_then_on_shows_that_it_is_good),
        cmocka_unit_test(it_gives_up_for_an_hour),
        cmocka_unit_test_setup_teardown(it_is_remembered_across_starts,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_makes_a_suspect,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test(the_reason_names_index_and_nodes),
        cmocka_unit_test(the_word_tells_the_worst_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
