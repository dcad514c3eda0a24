/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A store that is sent much at once by a peer. */
#include "store/chunk_store_internal.h"

#include <stdlib.h>

#include "support/cmocka.h"
#include "support/store_rig.h"
#include "util/limits.h"
#include "util/mem.h"

#define CHUNKS 40u
#define CHUNK_LEN (512u * KIB)

struct gift {
    struct store_rig *to;
    struct chunk *chunk;
    struct chunk_supply supply;
    int status;
};

static void open_rig(struct store_rig *rig, uint64_t seed)
{
    store_rig_init(rig, seed);
    rig->limits.chunk_bytes = CHUNK_LEN;
    rig->limits.open_bytes = 2 * CHUNK_LEN;
    store_rig_must_open(rig);
}

static void on_supplied(struct chunk_supply *supply, int status)
{
    struct gift *gift = supply->data;

    gift->status = status;
}

static void on_served(struct chunk_serve *serve, int status, const uint8_t *row,
                      struct bytes frame)
{
    struct gift *gift = serve->data;

    assert_int_equal(status, 0);
    gift->supply.data = gift;
    assert_int_equal(chunk_store_supply(gift->to->store, &gift->supply,
                                        gift->chunk, row, frame, on_supplied),
                     0);
}

/* All that @to misses comes from @from before its disk does anything. */
static void give_all(struct store_rig *from, struct store_rig *to,
                     struct gift *gifts)
{
    for (size_t i = 0; i < to->missing_count; i++) {
        struct chunk_serve serve = {.data = &gifts[i]};

        gifts[i] = (struct gift){to, to->missing[i], {.data = NULL}, -1};
        assert_int_equal(chunk_store_serve(from->store, &serve,
                                           &gifts[i].chunk->name, on_served),
                         0);
        store_rig_drain(from);
    }
}

/* @own misses all that @peer has; how many chunks that are. */
static size_t open_both(struct store_rig *peer, struct store_rig *own)
{
    open_rig(peer, 1);
    store_rig_create(peer, "a");
    for (unsigned i = 0; i < CHUNKS; i++) {
        store_rig_append(peer, "a", 1, CHUNK_LEN);
        store_rig_settle(peer);
    }
    store_rig_snapshot(peer);
    store_rig_init(own, 2);
    own->limits = peer->limits;
    own->snapshots[0].index = peer->snapshots[0].index;
    assert_int_equal(buf_add(&own->snapshots[0].image,
                             peer->snapshots[0].image.data,
                             peer->snapshots[0].image.len),
                     0);
    store_rig_must_open(own);
    store_rig_drain(own);
    return own->missing_count;
}

static void expect_all(struct store_rig *rig, const struct gift *gifts,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(gifts[i].status, 0);
    }
    assert_int_equal(store_rig_prove(rig), count);
}

static void chunks_of_a_peer_share_large_packs_and_crowd_nobody(void **state)
{
    struct store_rig *peer = mem_must_zalloc(sizeof *peer);
    struct store_rig *own = mem_must_zalloc(sizeof *own);
    struct gift *gifts = mem_must_array(STORE_RIG_MISSING_MAX, sizeof *gifts);
    struct chunk_store_status status;
    size_t count;

    (void)state;
    count = open_both(peer, own);
    assert_true(count * CHUNK_LEN > STORE_WAITING_BYTES);
    give_all(peer, own, gifts);
    assert_false(chunk_store_is_crowded(own->store));
    status = store_rig_status(own);
    assert_int_equal(status.waiting, count);
    store_rig_drain(own);
    assert_in_range(store_rig_count(own, "", ".pack"), 2, 3);
    expect_all(own, gifts, count);
    store_rig_close(own);
    store_rig_close(peer);
    free(gifts);
    free(own);
    free(peer);
}

static void next_pack_is_proved_while_one_is_written(void **state)
{
    struct store_rig *peer = mem_must_zalloc(sizeof *peer);
    struct store_rig *own = mem_must_zalloc(sizeof *own);
    struct gift *gifts = mem_must_array(STORE_RIG_MISSING_MAX, sizeof *gifts);
    size_t count;
    bool both = false;

    (void)state;
    count = open_both(peer, own);
    give_all(peer, own, gifts);
    while (fake_disk_works(own->fake) > 0 &&
           store_rig_status(own).written_packs == 0) {
        const struct store_queue *queue = &own->store->queue;

        both = both || (queue->batch != NULL && queue->next != NULL);
        (void)fake_disk_end_work(own->fake);
    }
    assert_true(both);
    store_rig_drain(own);
    expect_all(own, gifts, count);
    store_rig_close(own);
    store_rig_close(peer);
    free(gifts);
    free(own);
    free(peer);
}

static void what_was_proved_waits_for_room_on_the_disk(void **state)
{
    struct store_rig *peer = mem_must_zalloc(sizeof *peer);
    struct store_rig *own = mem_must_zalloc(sizeof *own);
    struct gift *gifts = mem_must_array(STORE_RIG_MISSING_MAX, sizeof *gifts);
    size_t count;

    (void)state;
    count = open_both(peer, own);
    give_all(peer, own, gifts);
    fake_disk_capacity(own->fake, 1);
    for (unsigned i = 0; i < 3; i++) {
        store_rig_tick(own);
    }
    assert_true(store_rig_status(own).is_full);
    assert_int_equal(store_rig_status(own).waiting, count);
    fake_disk_capacity(own->fake, 0);
    store_rig_settle(own);
    assert_false(store_rig_status(own).is_full);
    expect_all(own, gifts, count);
    store_rig_close(own);
    store_rig_close(peer);
    free(gifts);
    free(own);
    free(peer);
}

/* A crash in the middle of any of it frees everything. */
static void proving_may_be_cut_anywhere(void **state)
{
    for (unsigned ends = 0; ends < 6; ends++) {
        struct store_rig *peer = mem_must_zalloc(sizeof *peer);
        struct store_rig *own = mem_must_zalloc(sizeof *own);
        struct gift *gifts =
            mem_must_array(STORE_RIG_MISSING_MAX, sizeof *gifts);

        (void)state;
        (void)open_both(peer, own);
        give_all(peer, own, gifts);
        for (unsigned i = 0; i < ends; i++) {
            (void)fake_disk_end_work(own->fake);
        }
        store_rig_crash(own, FAKE_POWER);
        store_rig_close(own);
        store_rig_close(peer);
        free(gifts);
        free(own);
        free(peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_of_a_peer_share_large_packs_and_crowd_nobody),
        cmocka_unit_test(next_pack_is_proved_while_one_is_written),
        cmocka_unit_test(what_was_proved_waits_for_room_on_the_disk),
        cmocka_unit_test(proving_may_be_cut_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
