/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What is said about a directory that is whole, damaged, or nonsense. */
#include "consensus/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/dice.h"
#include "support/disk_rig.h"
#include "util/buf.h"
#include "util/crc32c.h"

#define FILES_MAX 16u
#define GARBAGE_ROUNDS 300u

/* All that an inspection tells about data. */
struct told {
    uint32_t crc;
    size_t entries;
};

static int told_entry(void *data, const struct inspect_entry *entry)
{
    struct told *told = data;
    uint8_t front[18];

    put_u64(front, entry->index);
    put_u64(front + 8, entry->term);
    put_u16(front + 16, (uint16_t)entry->type);
    told->crc = crc32c(told->crc, front, sizeof front);
    told->crc = crc32c(told->crc, entry->payload.data, entry->payload.len);
    told->entries++;
    return 0;
}

static void inspect_disk(struct inspection *inspection, struct disk *disk)
{
    struct err err;

    memset(inspection, 0, sizeof *inspection);
    inspection->identity.members_count = 3;
    if (inspect_raft(inspection, disk, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static struct told tell(const struct inspection *inspection, struct disk *disk)
{
    struct told told = {0};
    uint8_t word[8];
    struct err err;
    bool exact;

    put_u64(word, inspection->vote.term);
    told.crc = crc32c(told.crc, word, sizeof word);
    put_u64(word, inspection->vote.voted_for);
    told.crc = crc32c(told.crc, word, sizeof word);
    for (size_t i = 0; i < inspection->snapshots_count; i++) {
        put_u64(word, inspection->snapshots[i].index);
        told.crc = crc32c(told.crc, word, sizeof word);
        put_u64(word, inspection->snapshots[i].term);
        told.crc = crc32c(told.crc, word, sizeof word);
    }
    assert_int_equal(inspect_entries(inspection, disk, 1, UINT64_MAX,
                                     told_entry, &told, &exact, &err),
                     0);
    assert_true(exact);
    return told;
}

static bool finds(const struct inspection *inspection, const char *text)
{
    for (size_t i = 0; i < inspection->findings_count; i++) {
        if (strstr(inspection->findings[i].text, text) != NULL) {
            return true;
        }
    }
    return false;
}

/* A log of 1..60 in two terms, and two snapshots. */
static void open_scene(struct disk_rig *rig)
{
    static struct raft_io_snapshot_put requests[2];
    struct raft_buffer buffer;
    struct raft_snapshot snapshot;
    struct err err;

    disk_rig_open(rig, 5);
    disk_rig_must_load(rig);
    assert_int_equal(raft_disk_set_term(rig->disk, 4, &err), 0);
    assert_int_equal(raft_disk_set_vote(rig->disk, 2, &err), 0);
    disk_rig_append_range(rig, 2, 40, 2);
    snapshot = disk_rig_snapshot_of(rig, 20, 2, &buffer);
    disk_rig_put(rig, &requests[0], 5, &snapshot);
    fake_disk_drain(rig->fake);
    snapshot = disk_rig_snapshot_of(rig, 30, 2, &buffer);
    disk_rig_put(rig, &requests[1], 5, &snapshot);
    disk_rig_append_range(rig, 41, 60, 4);
    disk_rig_stop(rig);
}

struct names {
    char items[FILES_MAX][DISK_NAME_MAX];
    size_t count;
};

static void on_name(void *data, const char *name)
{
    struct names *names = data;

    assert_true(names->count < FILES_MAX);
    (void)snprintf(names->items[names->count++], DISK_NAME_MAX, "%s", name);
}

static void whole_directory_is_well(void **state)
{
    struct inspection inspection;
    struct disk_rig rig;
    struct told told;

    (void)state;
    open_scene(&rig);
    inspect_disk(&inspection, fake_disk_disk(rig.fake));
    assert_int_equal(inspect_weight(&inspection), INSPECT_NOTE);
    assert_int_equal(inspection.findings_count, 0);
    assert_int_equal(inspection.vote.term, 4);
    assert_int_equal(inspection.vote.voted_for, 2);
    assert_int_equal(inspection.snapshots_count, 2);
    assert_int_equal(inspect_snapshot(&inspection)->index, 30);
    assert_int_equal(inspection.log.report.last_index, 60);
    assert_int_equal(inspect_term_of(&inspection.log.terms, 40), 2);
    assert_int_equal(inspect_term_of(&inspection.log.terms, 41), 4);
    told = tell(&inspection, fake_disk_disk(rig.fake));
    assert_int_equal(told.entries, 60 - inspection.log.report.first_index + 1);
    inspect_close(&inspection);
    disk_rig_close(&rig);
}

static void inspect_changed(struct disk_rig *rig, const struct told *whole,
                            const char *what, uint64_t at)
{
    struct inspection inspection;
    struct told told;

    inspect_disk(&inspection, fake_disk_disk(rig->fake));
    if (inspect_weight(&inspection) == INSPECT_NOTE) {
        told = tell(&inspection, fake_disk_disk(rig->fake));
        if (told.crc != whole->crc || told.entries != whole->entries) {
            fail_msg("%s, %llu: not noticed", what, (unsigned long long)at);
        }
    }
    inspect_close(&inspection);
}

static struct told tell_whole(struct disk_rig *rig, struct names *ret_names)
{
    struct inspection inspection;
    struct told told;

    inspect_disk(&inspection, fake_disk_disk(rig->fake));
    told = tell(&inspection, fake_disk_disk(rig->fake));
    inspect_close(&inspection);
    *ret_names = (struct names){.count = 0};
    fake_disk_each(rig->fake, on_name, ret_names);
    return told;
}

/* Bytes behind which a file has only zeros, and a bit more. */
static size_t used_of(const uint8_t *bytes, size_t len)
{
    size_t used = len;

    while (used > 0 && bytes[used - 1] == 0) {
        used--;
    }
    return used + DISK_SECTOR < len ? used + DISK_SECTOR : len;
}

static void every_flipped_byte_is_told_or_harmless(void **state)
{
    struct names names;
    struct disk_rig rig;
    struct told whole;

    (void)state;
    open_scene(&rig);
    whole = tell_whole(&rig, &names);
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        size_t len;
        const uint8_t *bytes = fake_disk_bytes(rig.fake, name, &len);
        size_t used = used_of(bytes, len);

        for (size_t at = 0; at < used; at++) {
            fake_disk_flip(rig.fake, name, at * 8 + at % 8);
            inspect_changed(&rig, &whole, name, at);
            fake_disk_flip(rig.fake, name, at * 8 + at % 8);
        }
    }
    disk_rig_close(&rig);
}

static void every_cut_is_told_or_harmless(void **state)
{
    struct names names;
    struct disk_rig rig;
    struct told whole;

    (void)state;
    open_scene(&rig);
    whole = tell_whole(&rig, &names);
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        size_t len;
        const uint8_t *bytes = fake_disk_bytes(rig.fake, name, &len);
        uint8_t *copy = malloc(len + 1);
        size_t step = len > 4 * DISK_BLOCK ? 37 : 1;

        assert_non_null(copy);
        memcpy(copy, bytes, len);
        for (size_t to = 0; to < len; to += step) {
            fake_disk_put(rig.fake, name, copy, to);
            inspect_changed(&rig, &whole, name, to);
        }
        fake_disk_put(rig.fake, name, copy, len);
        free(copy);
    }
    disk_rig_close(&rig);
}

/* Each kind of file replaced by noise, with and without its magic. */
static void garbage_is_damage_and_nothing_worse(void **state)
{
    static const char *const targets[] = {"wal-0000000000000001",
                                          "wal-00000000000000ff",
                                          "wal-ffffffffffffffff",
                                          "wal-0000000000000001.corrupt",
                                          "vote",
                                          "doubt",
                                          "snapshot-ffffffffffffffff",
                                          "snapshot-0000000000000000",
                                          "open-1"};
    static const char *const magics[] = {"",     "QLW1", "QLWr",
                                         "QLV1", "QLD1", "QLF1"};
    struct dice dice = {.state = 7};

    (void)state;
    for (unsigned round = 0; round < GARBAGE_ROUNDS; round++) {
        struct inspection inspection;
        uint8_t bytes[3 * DISK_BLOCK];
        struct disk_rig rig;
        const char *magic = magics[round % 6];
        const char *target = targets[round % 9];
        size_t len = dice_roll(&dice, sizeof bytes + 1);

        open_scene(&rig);
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = (uint8_t)dice_roll(&dice, 256);
        }
        memcpy(bytes + (round % 2) * 16, magic, strlen(magic));
        fake_disk_put(rig.fake, target, bytes, len);
        inspect_disk(&inspection, fake_disk_disk(rig.fake));
        (void)tell(&inspection, fake_disk_disk(rig.fake));
        inspect_close(&inspection);
        disk_rig_close(&rig);
    }
}

static void doubt_and_what_is_aside_are_shown(void **state)
{
    struct inspection inspection;
    struct disk_rig rig;
    char name[] = "wal-0000000000000001";

    (void)state;
    open_scene(&rig);
    fake_disk_flip(rig.fake, name, 8u * (2u * DISK_BLOCK + 50u));
    inspect_disk(&inspection, fake_disk_disk(rig.fake));
    assert_int_equal(inspect_weight(&inspection), INSPECT_DAMAGE);
    assert_true(finds(&inspection, "is damaged: wal-"));
    inspect_close(&inspection);

    disk_rig_must_load(&rig);
    disk_rig_stop(&rig);
    inspect_disk(&inspection, fake_disk_disk(rig.fake));
    assert_int_equal(inspection.doubt_code, 0);
    assert_true(inspection.aside_count > 0);
    assert_true(inspection.aside[0].size > 0);
    assert_true(finds(&inspection, "in doubt since term 4"));
    assert_true(finds(&inspection, "kept aside"));
    assert_int_equal(inspect_weight(&inspection), INSPECT_DAMAGE);
    inspect_close(&inspection);
    disk_rig_close(&rig);
}

static void node_without_which_nobody_leads_is_unusable(void **state)
{
    struct inspection inspection = {0};
    struct disk_rig rig;
    struct err err;

    (void)state;
    open_scene(&rig);
    fake_disk_flip(rig.fake, "wal-0000000000000001",
                   8u * (2u * DISK_BLOCK + 50u));
    fake_disk_delete(rig.fake, "snapshot-000000000000001e");
    inspection.identity.members_count = 1;
    assert_int_equal(inspect_raft(&inspection, fake_disk_disk(rig.fake), &err),
                     0);
    assert_int_equal(inspect_weight(&inspection), INSPECT_UNUSABLE);
    assert_true(finds(&inspection, "will not start"));
    inspect_close(&inspection);
    disk_rig_close(&rig);
}

static void truncated_entries_are_not_listed(void **state)
{
    struct inspection inspection;
    struct disk_rig rig;
    struct told told;

    (void)state;
    disk_rig_open(&rig, 9);
    disk_rig_must_load(&rig);
    for (unsigned round = 0; round < 20; round++) {
        disk_rig_append_range(&rig, 2, 30, 2 + round);
        if (round < 19) {
            assert_int_equal(raft_disk_truncate(rig.disk, 25 - round), 0);
            disk_rig_append_range(&rig, 25 - round, 40, 2 + round);
            assert_int_equal(raft_disk_truncate(rig.disk, 2), 0);
        }
    }
    disk_rig_stop(&rig);
    inspect_disk(&inspection, fake_disk_disk(rig.fake));
    assert_int_equal(inspection.log.report.last_index, 30);
    assert_int_equal(inspection.log.terms.count, 2);
    assert_int_equal(inspection.log.terms.items[1].first, 2);
    assert_int_equal(inspection.log.terms.items[1].last, 30);
    assert_int_equal(inspection.log.terms.items[1].term, 21);
    told = tell(&inspection, fake_disk_disk(rig.fake));
    assert_int_equal(told.entries, 30);
    inspect_close(&inspection);
    disk_rig_close(&rig);
}

static int count_entry(void *data, const struct inspect_entry *entry)
{
    struct told *told = data;

    assert_true(entry->index > told->crc);
    told->crc = (uint32_t)entry->index;
    told->entries++;
    return 0;
}

/* Entries 1 to 250, in several segments. */
static void entries_behind_damage_are_listed(void **state)
{
    struct inspection inspection;
    struct told told = {0};
    struct disk_rig rig;
    struct err err;
    bool exact;

    (void)state;
    disk_rig_open(&rig, 5);
    disk_rig_must_load(&rig);
    for (raft_index index = 2; index <= 250; index++) {
        disk_rig_append_range(&rig, index, index, 2);
        fake_disk_drain(rig.fake);
    }
    disk_rig_stop(&rig);
    fake_disk_flip(rig.fake, "wal-0000000000000001",
                   8u * (2u * DISK_BLOCK + 50u));
    fake_disk_flip(rig.fake, "wal-0000000000000003", 8u * 20u);
    inspect_disk(&inspection, fake_disk_disk(rig.fake));
    assert_int_equal(inspection.log.report.last_index, 1);
    assert_int_equal(inspect_entries(&inspection, fake_disk_disk(rig.fake), 1,
                                     UINT64_MAX, count_entry, &told, &exact,
                                     &err),
                     0);
    assert_int_equal(told.crc, 250);
    assert_in_range(told.entries, 1 + 250 - 2 * 64, 249);
    inspect_close(&inspection);
    disk_rig_close(&rig);
}

static void files_of_different_times_are_told(void **state)
{
    struct inspection inspection;
    struct disk_rig rig;
    uint8_t *vote;
    size_t len;
    const uint8_t *bytes;
    struct err err;

    (void)state;
    disk_rig_open(&rig, 4);
    bytes = fake_disk_bytes(rig.fake, "vote", &len);
    vote = malloc(len);
    assert_non_null(vote);
    memcpy(vote, bytes, len);
    disk_rig_must_load(&rig);
    assert_int_equal(raft_disk_set_term(rig.disk, 7, &err), 0);
    disk_rig_append_range(&rig, 2, 5, 7);
    disk_rig_stop(&rig);
    fake_disk_put(rig.fake, "vote", vote, len);
    free(vote);
    inspect_disk(&inspection, fake_disk_disk(rig.fake));
    assert_int_equal(inspect_weight(&inspection), INSPECT_UNUSABLE);
    assert_true(finds(&inspection, "could vote twice"));
    inspect_close(&inspection);
    disk_rig_close(&rig);
}

/* As raft_disk_load() takes it: see test_raft_disk_damage.c. */
static void lost_truncation_is_no_mixture_of_files(void **state)
{
    struct snapshot_view snapshot = {.index = 30, .term = 4, .good = true};
    struct inspection inspection = {
        .vote = {.term = 4, .good = {true, true}},
        .snapshots = &snapshot,
        .snapshots_count = 1,
        .doubt_code = QL_NOT_FOUND,
        .needed = {.segments = 1, .first_index = 1, .last_index = 40},
        .log = {.terms = {.items = {{1, 40, 2}}, .count = 1},
                .report = {.last_index = 40}},
    };

    (void)state;
    inspect_find(&inspection);
    assert_true(finds(&inspection, "were mixed"));
    assert_int_equal(inspect_weight(&inspection), INSPECT_UNUSABLE);
    inspection.findings_count = 0;
    inspection.doubt_code = 0;
    inspect_find(&inspection);
    assert_true(finds(&inspection, "a truncation is among what is lost"));
    assert_int_equal(inspect_weight(&inspection), INSPECT_DAMAGE);
}

static void lost_vote_and_older_formats_are_told(void **state)
{
    struct inspection inspection;
    struct disk_rig rig;

    (void)state;
    open_scene(&rig);
    fake_disk_delete(rig.fake, "vote");
    inspect_disk(&inspection, fake_disk_disk(rig.fake));
    assert_int_equal(inspect_weight(&inspection), INSPECT_UNUSABLE);
    assert_true(finds(&inspection, "no vote file"));
    inspect_close(&inspection);
    fake_disk_put(rig.fake, "0000000000000001-0000000000000009", "x", 1);
    inspect_disk(&inspection, fake_disk_disk(rig.fake));
    assert_int_equal(inspection.findings_count, 1);
    assert_true(finds(&inspection, "before 0.1"));
    inspect_close(&inspection);
    disk_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_directory_is_well),
        cmocka_unit_test(every_flipped_byte_is_told_or_harmless),
        cmocka_unit_test(every_cut_is_told_or_harmless),
        cmocka_unit_test(garbage_is_damage_and_nothing_worse),
        cmocka_unit_test(doubt_and_what_is_aside_are_shown),
        cmocka_unit_test(node_without_which_nobody_leads_is_unusable),
        cmocka_unit_test(truncated_entries_are_not_listed),
        cmocka_unit_test(entries_behind_damage_are_listed),
        cmocka_unit_test(files_of_different_times_are_told),
        cmocka_unit_test(lost_truncation_is_no_mixture_of_files),
        cmocka_unit_test(lost_vote_and_older_formats_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
