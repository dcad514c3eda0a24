/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A disk that is slower than what comes: what is crowded is lost before it gets
 * here (raft_io_real.c), and all that got here is kept. */
#include <stdlib.h>

#include "support/cmocka.h"
#include "support/disk_rig.h"
#include "util/limits.h"
#include "util/mem.h"

#define ENTRY_LEN (64u * KIB)
#define SMALL_LEN 8u
#define SMALL_COUNT 1024u /* entries in one append */

static void on_appended(struct raft_io_append *request, int status)
{
    unsigned *left = request->data;

    assert_int_equal(status, 0);
    (*left)--;
}

/* Appends @count entries of @len bytes at once until the disk is crowded;
 * returns how many entries that took. */
static raft_index append_until_crowded(struct disk_rig *rig, unsigned count,
                                       size_t len,
                                       struct raft_io_append *requests,
                                       unsigned requests_max, unsigned *left)
{
    struct raft_entry *entries = mem_must_zalloc(count * sizeof *entries);
    uint8_t *bytes = mem_must_zalloc(len);
    unsigned made = 0;

    for (unsigned i = 0; i < count; i++) {
        entries[i] = (struct raft_entry){
            .term = 1, .type = RAFT_COMMAND, .buf = {bytes, len}};
    }
    while (!raft_disk_is_crowded(rig->disk)) {
        assert_true(made < requests_max);
        requests[made].data = left;
        (*left)++;
        assert_int_equal(raft_disk_append(rig->disk, &requests[made], entries,
                                          count, on_appended),
                         0);
        made++;
    }
    free(bytes);
    free(entries);
    return (raft_index)made * count;
}

static void stalled_disk_is_crowded_until_it_has_written(void **state)
{
    static struct raft_io_append requests[2 * APPENDING_BYTES_MAX / ENTRY_LEN];
    struct disk_rig rig;
    unsigned left = 0;
    raft_index before;
    raft_index added;

    (void)state;
    disk_rig_open(&rig, 1);
    disk_rig_must_load(&rig);
    before = disk_rig_last_index(&rig);
    added = append_until_crowded(&rig, 1, ENTRY_LEN, requests,
                                 sizeof requests / sizeof requests[0], &left);
    assert_in_range(added, APPENDING_BYTES_MAX / (ENTRY_LEN + KIB),
                    APPENDING_BYTES_MAX / ENTRY_LEN + 1);
    assert_true(left > 0);
    fake_disk_drain(rig.fake);
    assert_false(raft_disk_is_crowded(rig.disk));
    assert_int_equal(left, 0);
    disk_rig_crash(&rig);
    disk_rig_must_load(&rig);
    assert_int_equal(disk_rig_last_index(&rig), before + added);
    disk_rig_stop(&rig);
    disk_rig_close(&rig);
}

/* Of millions of entries with hardly a byte, memory goes for what is around
 * them. */
static void small_entries_crowd_the_disk_by_their_number(void **state)
{
    static struct raft_io_append requests[1024];
    struct disk_rig rig;
    unsigned left = 0;
    raft_index added;

    (void)state;
    disk_rig_open(&rig, 2);
    disk_rig_must_load(&rig);
    added = append_until_crowded(&rig, SMALL_COUNT, SMALL_LEN, requests,
                                 sizeof requests / sizeof requests[0], &left);
    assert_true(added <= APPENDING_BYTES_MAX / APPENDING_ENTRY_COST);
    fake_disk_drain(rig.fake);
    assert_false(raft_disk_is_crowded(rig.disk));
    disk_rig_stop(&rig);
    disk_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stalled_disk_is_crowded_until_it_has_written),
        cmocka_unit_test(small_entries_crowd_the_disk_by_their_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
