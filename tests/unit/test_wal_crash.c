/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The WAL against a model, with crashes and failures at any operation of the
 * disk. After each one the log must be what some prefix of the calls made it, and
 * the prefix must reach to the last call that was acknowledged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/dice.h"
#include "support/wal_rig.h"
#include "util/mem.h"

#define LOG_MAX 600u
#define CALLS_MAX 64u
#define SEGMENT (8u * DISK_BLOCK)

/* What the log is: entries from first to next - 1. */
struct state {
    raft_index first;
    raft_index next;
    uint64_t ids[LOG_MAX]; /* of index i: ids[i % LOG_MAX] */
};

struct trial;

struct waiter {
    struct wal_append append; /* first */
    struct trial *trial;
    size_t state;
};

struct trial {
    struct wal_rig rig;
    struct waiter waiters[CALLS_MAX]; /* of the call that made the state */
    struct dice dice;
    struct state states[CALLS_MAX]; /* behind each call since the open */
    size_t states_count;
    size_t acked; /* the state that was acknowledged last */
    raft_index from;
    raft_index dropped; /* a snapshot covers what is before */
    uint64_t next_id;
    unsigned crashes;
    unsigned torn;
};

static struct state *latest(struct trial *trial)
{
    return &trial->states[trial->states_count - 1];
}

static struct state *add_state(struct trial *trial)
{
    trial->states[trial->states_count] = *latest(trial);
    trial->states_count++;
    return latest(trial);
}

static void on_ack(struct wal_append *append, int status)
{
    struct waiter *waiter = (struct waiter *)(void *)append;
    struct trial *trial = waiter->trial;

    assert_int_equal(status, 0);
    assert_false(trial->rig.fatal);
    assert_true(waiter->state > trial->acked);
    trial->acked = waiter->state;
}

static struct waiter *waiter_next(struct trial *trial)
{
    struct waiter *waiter = &trial->waiters[trial->states_count];

    waiter->trial = trial;
    waiter->state = trial->states_count;
    return waiter;
}

static void step(struct trial *trial)
{
    struct state *state = latest(trial);
    struct waiter *waiter;
    raft_index index;

    if (trial->states_count == CALLS_MAX) {
        fake_disk_drain(trial->rig.fake);
        return;
    }
    switch (dice_roll(&trial->dice, 16)) {
    case 0:
        /* Never below a snapshot. */
        if (state->next > trial->dropped) {
            index = trial->dropped +
                    dice_roll(&trial->dice, state->next - trial->dropped);
            if (wal_truncate(trial->rig.wal, index) == 0) {
                add_state(trial)->next = index;
            }
        }
        break;
    case 1:
        /* Drops only what is acknowledged, as a snapshot would. */
        state = &trial->states[trial->acked];
        if (state->next > trial->dropped) {
            trial->dropped +=
                dice_roll(&trial->dice, state->next - trial->dropped);
            wal_drop_before(trial->rig.wal, trial->dropped);
        }
        break;
    case 2:
        if (dice_one_in(&trial->dice, 6)) {
            index = state->next + dice_roll(&trial->dice, 20);
            waiter = waiter_next(trial);
            if (wal_reset(trial->rig.wal, &waiter->append, index, on_ack) !=
                0) {
                break;
            }
            trial->dropped = trial->from = index;
            state = add_state(trial);
            state->first = state->next = index;
        }
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        (void)fake_disk_end_write(trial->rig.fake);
        break;
    case 7:
        (void)fake_disk_end_work(trial->rig.fake);
        break;
    default:
        if (state->next - trial->dropped >= LOG_MAX - 1) {
            break;
        }
        waiter = waiter_next(trial);
        if (wal_rig_append(&trial->rig, trial->next_id, &waiter->append,
                           on_ack) != 0) {
            break;
        }
        state = add_state(trial);
        state->ids[state->next % LOG_MAX] = trial->next_id++;
        state->next++;
        break;
    }
}

/* Is what was read the state, as far as it is wanted? */
static bool same(const struct trial *trial, const struct state *state)
{
    const struct wal_rig *rig = &trial->rig;
    raft_index next = state->next < rig->from ? rig->from : state->next;
    raft_index index;

    if (rig->from + rig->count != next) {
        return false;
    }
    for (index = rig->from; index < next; index++) {
        if (rig->ids[index - rig->from] != state->ids[index % LOG_MAX]) {
            return false;
        }
    }
    return true;
}

static void check_reopened(struct trial *trial)
{
    size_t k;

    assert_false(trial->rig.wrong);
    if (trial->rig.report.corrupt) {
        print_error("%s\n", trial->rig.report.corrupt_at);
    }
    assert_false(trial->rig.report.corrupt);
    trial->torn += trial->rig.report.torn_bytes > 0;
    for (k = trial->acked; k < trial->states_count; k++) {
        if (same(trial, &trial->states[k])) {
            break;
        }
    }
    assert_true(k < trial->states_count);
    trial->states[0] = trial->states[k];
    trial->states[0].next = trial->rig.from + trial->rig.count;
    trial->states[0].first = trial->rig.from;
    trial->states_count = 1;
    trial->acked = 0;
}

static void crash_and_reopen(struct trial *trial)
{
    enum fake_crash how = dice_one_in(&trial->dice, 2) ? FAKE_KILL : FAKE_POWER;

    trial->crashes++;
    wal_rig_crash(&trial->rig, how);
    trial->from = trial->dropped;
    while (true) {
        if (dice_one_in(&trial->dice, 3)) {
            fake_disk_crash_at(trial->rig.fake,
                               1 + dice_roll(&trial->dice, 30));
        }
        if (wal_rig_open(&trial->rig, trial->from) == 0) {
            break;
        }
        assert_true(fake_disk_is_dead(trial->rig.fake));
        trial->rig.wal = NULL;
        wal_rig_crash(&trial->rig,
                      dice_one_in(&trial->dice, 2) ? FAKE_KILL : FAKE_POWER);
    }
    check_reopened(trial);
}

static void run_trial(uint64_t seed, unsigned steps, unsigned *ret_torn)
{
    struct trial *trial = mem_must_zalloc(sizeof(*trial));
    unsigned i;

    trial->dice.state = seed;
    wal_rig_init(&trial->rig, seed, SEGMENT);
    trial->from = trial->dropped = 1;
    trial->next_id = 1;
    trial->states_count = 1;
    trial->states[0].first = trial->states[0].next = 1;
    assert_int_equal(wal_rig_open(&trial->rig, 1), 0);
    for (i = 0; i < steps; i++) {
        if (dice_one_in(&trial->dice, 40)) {
            fake_disk_crash_at(trial->rig.fake,
                               1 + dice_roll(&trial->dice, 12));
        }
        if (dice_one_in(&trial->dice, 200)) {
            fake_disk_fail_at(trial->rig.fake, 1 + dice_roll(&trial->dice, 12),
                              dice_one_in(&trial->dice, 2) ? QL_IO
                                                           : QL_NO_SPACE);
        }
        step(trial);
        if (fake_disk_is_dead(trial->rig.fake) || trial->rig.fatal ||
            trial->states_count == CALLS_MAX ||
            dice_one_in(&trial->dice, 100)) {
            crash_and_reopen(trial);
        }
    }
    *ret_torn += trial->torn;
    wal_rig_close(&trial->rig);
    free(trial);
}

static void acknowledged_entries_survive_any_crash(void **state)
{
    uint64_t seeds = 300;
    uint64_t first = 1;
    unsigned torn = 0;
    uint64_t seed;
    const char *wish = getenv("WAL_SEEDS");

    (void)state;
    if (wish != NULL) {
        (void)sscanf(wish, "%lu..%lu", &first, &seeds);
    }
    for (seed = first; seed <= seeds; seed++) {
        if (wish != NULL && getenv("WAL_TRACE") != NULL) {
            print_message("seed %lu\n", seed);
        }
        run_trial(seed, 400, &torn);
    }
    /* The trials do reach what they are for. */
    assert_true(first == seeds || torn > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_entries_survive_any_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
