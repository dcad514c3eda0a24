/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <string.h>

#include "consensus/vote_file.h"
#include "support/cmocka.h"
#include "support/fake_disk.h"

#define NAME "vote"
#define SEEDS 40u

static void made(struct fake_disk **ret_fake, struct vote_file *ret_vote)
{
    *ret_fake = fake_disk_new(1);
    assert_int_equal(vote_file_create(fake_disk_disk(*ret_fake), 1, NULL), 0);
    assert_int_equal(vote_file_open(ret_vote, fake_disk_disk(*ret_fake), NULL),
                     0);
}

static void term_and_vote_are_read_again(void **state)
{
    struct fake_disk *fake;
    struct vote_file vote;

    (void)state;
    made(&fake, &vote);
    assert_int_equal(vote.term, 1);
    assert_int_equal(vote_file_set_vote(&vote, 3, NULL), 0);
    assert_int_equal(vote_file_set_vote(&vote, 3, NULL), 0);
    assert_int_equal(vote_file_set_term(&vote, 5, NULL), 0);
    assert_int_equal(vote.voted_for, 0);
    assert_int_equal(vote_file_set_vote(&vote, 2, NULL), 0);
    fake_disk_crash(fake, FAKE_POWER);
    vote_file_close(&vote);
    assert_int_equal(vote_file_open(&vote, fake_disk_disk(fake), NULL), 0);
    assert_int_equal(vote.term, 5);
    assert_int_equal(vote.voted_for, 2);
    assert_false(vote.repaired);
    vote_file_close(&vote);
    fake_disk_free(fake);
}

static void present_file_is_not_made_again(void **state)
{
    struct fake_disk *fake = fake_disk_new(1);
    struct vote_file vote;

    (void)state;
    assert_int_equal(vote_file_open(&vote, fake_disk_disk(fake), NULL),
                     QL_NOT_FOUND);
    assert_int_equal(vote_file_create(fake_disk_disk(fake), 1, NULL), 0);
    assert_int_equal(vote_file_create(fake_disk_disk(fake), 1, NULL),
                     QL_EXISTS);
    fake_disk_free(fake);
}

static void assert_vote(struct fake_disk *fake, raft_term term, raft_id id)
{
    struct vote_file vote;

    assert_int_equal(vote_file_open(&vote, fake_disk_disk(fake), NULL), 0);
    assert_int_equal(vote.term, term);
    assert_int_equal(vote.voted_for, id);
    vote_file_close(&vote);
}

static void one_flipped_bit_loses_no_vote(void **state)
{
    struct fake_disk *fake;
    struct vote_file vote;
    uint64_t bit;

    (void)state;
    made(&fake, &vote);
    assert_int_equal(vote_file_set(&vote, 7, 2, NULL), 0);
    vote_file_close(&vote);
    for (bit = 0; bit < 2 * DISK_BLOCK * 8; bit++) {
        fake_disk_flip(fake, NAME, bit);
        assert_vote(fake, 7, 2);
        fake_disk_flip(fake, NAME, bit);
        /* A repaired copy was right before it was flipped back. */
        assert_vote(fake, 7, 2);
    }
    fake_disk_free(fake);
}

static void shorter_file_is_repaired_or_refused(void **state)
{
    struct fake_disk *fake;
    struct vote_file vote;
    uint8_t bytes[2 * DISK_BLOCK];
    size_t len = 0;
    size_t cut;

    (void)state;
    made(&fake, &vote);
    assert_int_equal(vote_file_set(&vote, 7, 2, NULL), 0);
    vote_file_close(&vote);
    memcpy(bytes, fake_disk_bytes(fake, NAME, &len), sizeof(bytes));
    assert_int_equal(len, sizeof(bytes));
    for (cut = 0; cut < len; cut++) {
        raft_term term = 0;
        raft_id id = 0;
        int rv;

        fake_disk_put(fake, NAME, bytes, cut);
        rv = vote_file_read(fake_disk_disk(fake), &term, &id, NULL);
        if (cut < 36) {
            assert_int_equal(rv, QL_CORRUPT);
        } else {
            assert_int_equal(rv, 0);
            assert_int_equal(term, 7);
            assert_int_equal(id, 2);
        }
    }
    fake_disk_free(fake);
}

static void two_damaged_copies_are_corruption(void **state)
{
    struct fake_disk *fake;
    struct vote_file vote;

    (void)state;
    made(&fake, &vote);
    vote_file_close(&vote);
    fake_disk_flip(fake, NAME, 16 * 8);
    fake_disk_flip(fake, NAME, (DISK_BLOCK + 16) * 8);
    assert_int_equal(vote_file_open(&vote, fake_disk_disk(fake), NULL),
                     QL_CORRUPT);
    fake_disk_free(fake);
}

/* Cut at every operation: old or new, never anything else, and what a start has
 * told once is what every later one tells. */
static void crash_leaves_the_old_vote_or_the_new_one(void **state)
{
    uint64_t seed;
    uint64_t nth;

    (void)state;
    for (seed = 1; seed <= SEEDS; seed++) {
        for (nth = 1; nth <= 3; nth++) {
            struct fake_disk *fake = fake_disk_new(seed);
            struct disk *disk = fake_disk_disk(fake);
            struct vote_file vote;
            raft_term term;
            raft_id id;
            int rv;

            assert_int_equal(vote_file_create(disk, 4, NULL), 0);
            assert_int_equal(vote_file_open(&vote, disk, NULL), 0);
            fake_disk_crash_at(fake, nth);
            rv = vote_file_set(&vote, 5, 2, NULL);
            assert_int_equal(rv == 0, nth == 3);
            fake_disk_crash(fake, seed % 2 == 0 ? FAKE_KILL : FAKE_POWER);
            vote_file_close(&vote);
            assert_int_equal(vote_file_open(&vote, disk, NULL), 0);
            term = vote.term;
            id = vote.voted_for;
            assert_true((term == 5 && id == 2) || (term == 4 && id == 0));
            assert_true(rv != 0 || term == 5);
            fake_disk_crash(fake, FAKE_POWER);
            vote_file_close(&vote);
            assert_vote(fake, term, id);
            fake_disk_free(fake);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(term_and_vote_are_read_again),
        cmocka_unit_test(present_file_is_not_made_again),
        cmocka_unit_test(one_flipped_bit_loses_no_vote),
        cmocka_unit_test(shorter_file_is_repaired_or_refused),
        cmocka_unit_test(two_damaged_copies_are_corruption),
        cmocka_unit_test(crash_leaves_the_old_vote_or_the_new_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
