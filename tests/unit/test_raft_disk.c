/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the core loads after whatever happened to the disk. */
#include <stdio.h>
#include <string.h>

#include "consensus/raft_disk.h"
#include "support/cmocka.h"
#include "support/fake_disk.h"

#define SEGMENT_BYTES (256u * 1024u)
#define CRASHES_MAX 200u

struct rig {
    struct fake_disk *fake;
    struct raft_disk *disk; /* NULL: not loaded */
    struct raft_loaded loaded;
    bool others_elect;
    struct raft_configuration configuration;
    struct raft_buffer first;
    unsigned told;
    unsigned healed;
    bool fatal;
};

static void on_fatal(void *data, const char *reason)
{
    struct rig *rig = data;

    (void)reason;
    rig->fatal = true;
}

static void on_healed(void *data)
{
    struct rig *rig = data;

    rig->healed++;
}

static void on_made(void *data)
{
    struct rig *rig = data;

    rig->told++;
}

static void rig_new(struct rig *rig)
{
    const struct raft_disk_options options = {
        .disk = fake_disk_disk(rig->fake),
        .where = "DIR/raft",
        .segment_bytes = SEGMENT_BYTES,
        .first_configuration = {rig->first.base, rig->first.len},
        .others_elect = rig->others_elect,
        .on_fatal = on_fatal,
        .on_healed = on_healed,
        .data = rig};

    rig->disk = raft_disk_new(&options);
}

static void rig_free_loaded(struct rig *rig)
{
    struct raft_snapshot *snapshot = rig->loaded.snapshot;

    if (snapshot != NULL) {
        raft_configuration_close(&snapshot->configuration);
        raft_free(snapshot->bufs[0].base);
        raft_free(snapshot->bufs);
        raft_free(snapshot);
    }
    for (size_t i = 0; i < rig->loaded.count; i++) {
        raft_free(rig->loaded.entries[i].batch);
    }
    raft_free(rig->loaded.entries);
    rig->loaded = (struct raft_loaded){0};
}

static int rig_load(struct rig *rig, struct err *err)
{
    int rv;

    rig_new(rig);
    rv = raft_disk_load(rig->disk, &rig->loaded, err);
    if (rv != 0) {
        raft_disk_free(rig->disk);
        rig->disk = NULL;
    }
    return rv;
}

static void rig_must_load(struct rig *rig)
{
    struct err err = {0};

    if (rig_load(rig, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

/* In order: all that is under way is done. */
static void rig_stop(struct rig *rig)
{
    fake_disk_drain(rig->fake);
    assert_false(raft_disk_is_busy(rig->disk));
    raft_disk_free(rig->disk);
    rig->disk = NULL;
    rig_free_loaded(rig);
}

static void rig_crash(struct rig *rig)
{
    fake_disk_crash(rig->fake, FAKE_POWER);
    raft_disk_free(rig->disk);
    rig->disk = NULL;
    rig_free_loaded(rig);
}

static void rig_open(struct rig *rig, uint64_t seed)
{
    static const char *const addresses[] = {"127.0.0.1:1", "127.0.0.1:2",
                                            "127.0.0.1:3"};
    struct err err;

    *rig = (struct rig){.others_elect = true};
    rig->fake = fake_disk_new(seed);
    raft_configuration_init(&rig->configuration);
    for (raft_id id = 1; id <= 3; id++) {
        assert_int_equal(raft_configuration_add(&rig->configuration, id,
                                                addresses[id - 1], RAFT_VOTER),
                         0);
    }
    assert_int_equal(
        raft_configuration_encode(&rig->configuration, &rig->first), 0);
    rig_new(rig);
    assert_int_equal(raft_disk_make(rig->disk, on_made, rig, &err), 0);
    rig_stop(rig);
    assert_int_equal(rig->told, 1);
}

static void rig_close(struct rig *rig)
{
    fake_disk_free(rig->fake);
    raft_configuration_close(&rig->configuration);
    raft_free(rig->first.base);
}

static void on_append(struct raft_io_append *request, int status)
{
    struct rig *rig = request->data;

    assert_int_equal(status, 0);
    rig->told++;
}

/* Each holds its index and term. */
static void append(struct rig *rig, struct raft_io_append *request,
                   raft_index index, raft_term term)
{
    uint64_t content[2] = {index, term};
    struct raft_entry entry = {
        .term = term, .type = RAFT_COMMAND, .buf = {content, sizeof content}};

    request->data = rig;
    assert_int_equal(raft_disk_append(rig->disk, request, &entry, 1, on_append),
                     0);
}

static void append_range(struct rig *rig, raft_index from, raft_index to,
                         raft_term term)
{
    static struct raft_io_append requests[256];

    for (raft_index index = from; index <= to; index++) {
        append(rig, &requests[index], index, term);
    }
    fake_disk_drain(rig->fake);
}

static void on_put(struct raft_io_snapshot_put *request, int status)
{
    struct rig *rig = request->data;

    assert_int_equal(status, 0);
    rig->told++;
}

static void put(struct rig *rig, struct raft_io_snapshot_put *request,
                unsigned trailing, const struct raft_snapshot *snapshot)
{
    request->data = rig;
    assert_int_equal(
        raft_disk_put(rig->disk, trailing, request, snapshot, on_put), 0);
}

static struct raft_snapshot snapshot_of(struct rig *rig, raft_index index,
                                        raft_term term,
                                        struct raft_buffer *buffer)
{
    static char bytes[] = "the machine";

    buffer->base = bytes;
    buffer->len = sizeof bytes;
    return (struct raft_snapshot){.index = index,
                                  .term = term,
                                  .configuration = rig->configuration,
                                  .configuration_index = 1,
                                  .bufs = buffer,
                                  .n_bufs = 1};
}

static void assert_entry(const struct rig *rig, raft_index index,
                         raft_term term)
{
    const struct raft_loaded *loaded = &rig->loaded;
    const uint64_t *content;

    assert_true(index >= loaded->start_index);
    assert_true(index < loaded->start_index + loaded->count);
    content = loaded->entries[index - loaded->start_index].buf.base;
    assert_int_equal(content[0], index);
    assert_int_equal(content[1], term);
}

static raft_index last_index(const struct rig *rig)
{
    return rig->loaded.start_index + rig->loaded.count - 1;
}

/* ---- Whole disks ---- */

static void new_node_begins_with_the_members(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 1);
    rig_must_load(&rig);
    assert_int_equal(rig.loaded.term, 1);
    assert_int_equal(rig.loaded.voted_for, 0);
    assert_null(rig.loaded.snapshot);
    assert_int_equal(rig.loaded.start_index, 1);
    assert_int_equal(rig.loaded.count, 1);
    assert_int_equal(rig.loaded.entries[0].type, RAFT_CHANGE);
    assert_memory_equal(rig.loaded.entries[0].buf.base, rig.first.base,
                        rig.first.len);
    assert_false(raft_disk_in_doubt(rig.disk));
    rig_stop(&rig);
    rig_close(&rig);
}

static void log_term_and_vote_survive_the_loss_of_power(void **state)
{
    struct rig rig;
    struct err err;

    (void)state;
    rig_open(&rig, 2);
    rig_must_load(&rig);
    assert_int_equal(raft_disk_set_term(rig.disk, 7, &err), 0);
    assert_int_equal(raft_disk_set_vote(rig.disk, 3, &err), 0);
    append_range(&rig, 2, 20, 7);
    assert_int_equal(raft_disk_truncate(rig.disk, 11), 0);
    append_range(&rig, 11, 12, 8);
    rig_crash(&rig);
    rig_must_load(&rig);
    assert_int_equal(rig.loaded.term, 7);
    assert_int_equal(rig.loaded.voted_for, 3);
    assert_int_equal(last_index(&rig), 12);
    assert_entry(&rig, 10, 7);
    assert_entry(&rig, 12, 8);
    assert_false(raft_disk_in_doubt(rig.disk));
    rig_stop(&rig);
    rig_close(&rig);
}

static void own_snapshot_is_loaded_with_entries_before_it(void **state)
{
    struct raft_io_snapshot_put request;
    struct raft_buffer buffer;
    struct raft_snapshot snapshot;
    struct rig rig;

    (void)state;
    rig_open(&rig, 3);
    rig_must_load(&rig);
    append_range(&rig, 2, 40, 2);
    snapshot = snapshot_of(&rig, 30, 2, &buffer);
    put(&rig, &request, 5, &snapshot);
    rig_stop(&rig);
    rig_must_load(&rig);
    assert_non_null(rig.loaded.snapshot);
    assert_int_equal(rig.loaded.snapshot->index, 30);
    assert_int_equal(rig.loaded.snapshot->bufs[0].len, buffer.len);
    assert_string_equal(rig.loaded.snapshot->bufs[0].base, "the machine");
    assert_int_equal(rig.loaded.snapshot->configuration.n, 3);
    assert_true(rig.loaded.start_index <= 26);
    assert_entry(&rig, 26, 2);
    assert_int_equal(last_index(&rig), 40);
    rig_stop(&rig);
    rig_close(&rig);
}

static void on_get(struct raft_io_snapshot_get *request,
                   struct raft_snapshot *snapshot, int status)
{
    struct rig *rig = request->data;

    assert_int_equal(status, 0);
    assert_int_equal(snapshot->index, 30);
    rig_free_loaded(rig);
    rig->loaded.snapshot = snapshot;
}

static void snapshot_can_be_read_again(void **state)
{
    struct raft_io_snapshot_put request;
    struct raft_io_snapshot_get get;
    struct raft_buffer buffer;
    struct raft_snapshot snapshot;
    struct rig rig;

    (void)state;
    rig_open(&rig, 3);
    rig_must_load(&rig);
    append_range(&rig, 2, 40, 2);
    snapshot = snapshot_of(&rig, 30, 2, &buffer);
    put(&rig, &request, 5, &snapshot);
    get.data = &rig;
    assert_int_equal(raft_disk_get(rig.disk, &get, on_get), 0);
    rig_stop(&rig);
    rig_close(&rig);
}

/* ---- An install that is cut off ---- */

/* @index and @term contradict a log of 2..40 in term 2, or lie behind it. The
 * state before, or the state after. Returns false when it was not cut off. */
static bool install_is_one_step(raft_index index, uint64_t crash)
{
    struct raft_io_snapshot_put request;
    struct raft_buffer buffer;
    struct raft_snapshot snapshot;
    struct rig rig;
    bool dead;

    rig_open(&rig, crash);
    rig_must_load(&rig);
    append_range(&rig, 2, 40, 2);
    rig.told = 0;
    snapshot = snapshot_of(&rig, index, 3, &buffer);
    fake_disk_crash_at(rig.fake, crash);
    put(&rig, &request, 0, &snapshot);
    fake_disk_drain(rig.fake);
    dead = fake_disk_is_dead(rig.fake);
    rig_crash(&rig);
    rig_must_load(&rig);
    assert_false(raft_disk_in_doubt(rig.disk));
    if (rig.loaded.snapshot == NULL) {
        assert_int_equal(rig.told, 0);
        assert_int_equal(rig.loaded.start_index, 1);
        assert_true(last_index(&rig) == 40 || last_index(&rig) == index - 1);
    } else {
        assert_int_equal(rig.loaded.snapshot->index, index);
        assert_int_equal(rig.loaded.start_index, index + 1);
        assert_int_equal(rig.loaded.count, 0);
    }
    /* It goes on behind what it has. */
    append_range(&rig, last_index(&rig) + 1, last_index(&rig) + 3, 4);
    rig_stop(&rig);
    rig_must_load(&rig);
    assert_entry(&rig, last_index(&rig), 4);
    rig_stop(&rig);
    rig_close(&rig);
    return dead;
}

static void install_over_another_log_is_one_step(void **state)
{
    uint64_t crash = 1;

    (void)state;
    while (install_is_one_step(20, crash)) {
        crash++;
        assert_true(crash < CRASHES_MAX);
    }
    assert_true(crash > 5);
}

static void install_far_ahead_is_one_step(void **state)
{
    uint64_t crash = 1;

    (void)state;
    while (install_is_one_step(100, crash)) {
        crash++;
        assert_true(crash < CRASHES_MAX);
    }
    assert_true(crash > 5);
}

static void own_snapshot_loses_nothing_at_any_crash(void **state)
{
    bool dead = true;

    (void)state;
    for (uint64_t crash = 1; dead; crash++) {
        struct raft_io_snapshot_put requests[2];
        struct raft_buffer buffer;
        struct raft_snapshot snapshot;
        struct rig rig;

        assert_true(crash < CRASHES_MAX);
        rig_open(&rig, crash);
        rig_must_load(&rig);
        append_range(&rig, 2, 60, 2);
        snapshot = snapshot_of(&rig, 30, 2, &buffer);
        put(&rig, &requests[0], 5, &snapshot);
        fake_disk_drain(rig.fake);
        fake_disk_crash_at(rig.fake, crash);
        snapshot = snapshot_of(&rig, 50, 2, &buffer);
        put(&rig, &requests[1], 5, &snapshot);
        fake_disk_drain(rig.fake);
        dead = fake_disk_is_dead(rig.fake);
        rig_crash(&rig);
        rig_must_load(&rig);
        assert_false(raft_disk_in_doubt(rig.disk));
        assert_non_null(rig.loaded.snapshot);
        assert_int_equal(last_index(&rig), 60);
        assert_entry(&rig, rig.loaded.snapshot->index + 1, 2);
        rig_stop(&rig);
        rig_close(&rig);
    }
}

/* ---- Damaged disks ---- */

struct log_file {
    struct fake_disk *fake;
    uint64_t byte; /* which must have been written */
    char name[DISK_NAME_MAX];
};

static void find_log(void *data, const char *name)
{
    struct log_file *file = data;
    const uint8_t *bytes;
    size_t len;

    if (strncmp(name, "wal-", 4) != 0 || strchr(name, '.') != NULL) {
        return;
    }
    bytes = fake_disk_bytes(file->fake, name, &len);
    if (file->byte < len && bytes[file->byte] != 0) {
        (void)snprintf(file->name, sizeof file->name, "%s", name);
    }
}

/* One bit of the @nth block: of the write that is in it. */
static void damage_log(struct rig *rig, unsigned block)
{
    struct log_file file = {.fake = rig->fake,
                            .byte = (uint64_t)block * DISK_BLOCK};

    fake_disk_each(rig->fake, find_log, &file);
    assert_string_not_equal(file.name, "");
    fake_disk_flip(rig->fake, file.name, (file.byte + 40) * 8);
}

/* A log of 2..40 in term 5, of which what follows about entry 20 is lost. */
static void open_damaged(struct rig *rig)
{
    struct err err;

    rig_open(rig, 9);
    rig_must_load(rig);
    assert_int_equal(raft_disk_set_term(rig->disk, 5, &err), 0);
    assert_int_equal(raft_disk_set_vote(rig->disk, 1, &err), 0);
    for (raft_index index = 2; index <= 40; index++) {
        append_range(rig, index, index, 5);
    }
    rig_stop(rig);
    damage_log(rig, 20);
}

static void node_that_lost_entries_is_in_doubt_in_a_new_term(void **state)
{
    struct rig rig;
    raft_index last;

    (void)state;
    open_damaged(&rig);
    for (unsigned start = 0; start < 3; start++) {
        rig_must_load(&rig);
        assert_true(raft_disk_in_doubt(rig.disk));
        assert_int_equal(rig.loaded.term, 6);
        assert_int_equal(rig.loaded.voted_for, 0);
        last = last_index(&rig);
        assert_in_range(last, 10, 39);
        /* A leader of the old term proves nothing. */
        append_range(&rig, last + 1, last + 1, 5);
        assert_true(raft_disk_in_doubt(rig.disk));
        rig_stop(&rig);
    }
    rig_close(&rig);
}

static void entry_of_a_later_leader_ends_the_doubt_for_good(void **state)
{
    struct rig rig;
    raft_index last;

    (void)state;
    open_damaged(&rig);
    rig_must_load(&rig);
    last = last_index(&rig);
    append_range(&rig, last + 1, last + 1, 6);
    assert_false(raft_disk_in_doubt(rig.disk));
    assert_int_equal(rig.healed, 1);
    rig_crash(&rig);
    rig_must_load(&rig);
    assert_false(raft_disk_in_doubt(rig.disk));
    append_range(&rig, last + 2, last + 3, 6);
    rig_stop(&rig);
    rig_must_load(&rig);
    assert_false(raft_disk_in_doubt(rig.disk));
    assert_int_equal(last_index(&rig), last + 3);
    rig_stop(&rig);
    rig_close(&rig);
}

static void second_damage_raises_the_doubt(void **state)
{
    struct rig rig;
    struct err err;

    (void)state;
    open_damaged(&rig);
    rig_must_load(&rig);
    assert_int_equal(raft_disk_set_term(rig.disk, 9, &err), 0);
    rig_stop(&rig);
    damage_log(&rig, 10);
    rig_must_load(&rig);
    assert_true(raft_disk_in_doubt(rig.disk));
    assert_int_equal(rig.loaded.term, 10);
    rig_stop(&rig);
    rig_close(&rig);
}

static void crash_in_the_repair_leaves_the_doubt(void **state)
{
    bool dead = true;

    (void)state;
    for (uint64_t crash = 1; dead; crash++) {
        struct err err;
        struct rig rig;

        assert_true(crash < CRASHES_MAX);
        open_damaged(&rig);
        fake_disk_crash_at(rig.fake, crash);
        rig_new(&rig);
        (void)raft_disk_load(rig.disk, &rig.loaded, &err);
        fake_disk_drain(rig.fake);
        dead = fake_disk_is_dead(rig.fake);
        rig_crash(&rig);
        rig_must_load(&rig);
        assert_true(raft_disk_in_doubt(rig.disk));
        /* Once more if the repair had begun: harmless. */
        assert_in_range(rig.loaded.term, 6, 7);
        rig_stop(&rig);
        rig_close(&rig);
    }
}

static void node_without_which_nobody_leads_refuses_untouched(void **state)
{
    struct rig rig;
    struct err err = {0};

    (void)state;
    open_damaged(&rig);
    rig.others_elect = false;
    for (unsigned start = 0; start < 2; start++) {
        assert_int_equal(rig_load(&rig, &err), QL_CORRUPT);
        assert_non_null(strstr(err.text, "cannot elect a leader"));
        assert_non_null(strstr(err.text, "wal-"));
    }
    rig_close(&rig);
}

static void node_whose_log_is_gone_still_knows_the_members(void **state)
{
    struct log_file file;
    struct rig rig;

    (void)state;
    open_damaged(&rig);
    do {
        file = (struct log_file){.fake = rig.fake};
        fake_disk_each(rig.fake, find_log, &file);
        if (file.name[0] != '\0') {
            fake_disk_delete(rig.fake, file.name);
        }
    } while (file.name[0] != '\0');
    for (unsigned start = 0; start < 2; start++) {
        rig_must_load(&rig);
        assert_true(raft_disk_in_doubt(rig.disk));
        assert_int_equal(rig.loaded.count, 1);
        assert_int_equal(rig.loaded.entries[0].type, RAFT_CHANGE);
        rig_stop(&rig);
    }
    rig_close(&rig);
}

static void older_snapshot_takes_the_place_of_a_damaged_one(void **state)
{
    struct raft_io_snapshot_put requests[2];
    struct raft_buffer buffer;
    struct raft_snapshot snapshot;
    struct rig rig;

    (void)state;
    rig_open(&rig, 5);
    rig_must_load(&rig);
    append_range(&rig, 2, 60, 2);
    snapshot = snapshot_of(&rig, 30, 2, &buffer);
    put(&rig, &requests[0], 5, &snapshot);
    fake_disk_drain(rig.fake);
    snapshot = snapshot_of(&rig, 50, 2, &buffer);
    put(&rig, &requests[1], 5, &snapshot);
    rig_stop(&rig);
    rig_must_load(&rig);
    assert_int_equal(rig.loaded.snapshot->index, 50);
    rig_stop(&rig);
    fake_disk_flip(rig.fake, "snapshot-0000000000000032", 8u * 70u);
    rig_must_load(&rig);
    assert_int_equal(raft_disk_report(rig.disk)->snapshots_aside, 1);
    assert_int_equal(rig.loaded.snapshot->index, 30);
    assert_entry(&rig, 31, 2);
    assert_int_equal(last_index(&rig), 60);
    assert_false(raft_disk_in_doubt(rig.disk));
    rig_stop(&rig);
    rig_close(&rig);
}

static void lost_vote_and_old_directories_are_refused(void **state)
{
    struct rig rig;
    struct err err = {0};

    (void)state;
    rig_open(&rig, 6);
    fake_disk_flip(rig.fake, "vote", 8u * 20u);
    rig_must_load(&rig);
    assert_true(raft_disk_report(rig.disk)->vote_repaired);
    rig_stop(&rig);
    fake_disk_delete(rig.fake, "vote");
    assert_int_equal(rig_load(&rig, &err), QL_CORRUPT);
    assert_non_null(strstr(err.text, "no term and vote"));
    fake_disk_put(rig.fake, "metadata1", "x", 1);
    assert_int_equal(rig_load(&rig, &err), QL_INVALID);
    assert_non_null(strstr(err.text, "cannot read"));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_node_begins_with_the_members),
        cmocka_unit_test(log_term_and_vote_survive_the_loss_of_power),
        cmocka_unit_test(own_snapshot_is_loaded_with_entries_before_it),
        cmocka_unit_test(snapshot_can_be_read_again),
        cmocka_unit_test(install_over_another_log_is_one_step),
        cmocka_unit_test(install_far_ahead_is_one_step),
        cmocka_unit_test(own_snapshot_loses_nothing_at_any_crash),
        cmocka_unit_test(node_that_lost_entries_is_in_doubt_in_a_new_term),
        cmocka_unit_test(entry_of_a_later_leader_ends_the_doubt_for_good),
        cmocka_unit_test(second_damage_raises_the_doubt),
        cmocka_unit_test(crash_in_the_repair_leaves_the_doubt),
        cmocka_unit_test(node_without_which_nobody_leads_refuses_untouched),
        cmocka_unit_test(node_whose_log_is_gone_still_knows_the_members),
        cmocka_unit_test(older_snapshot_takes_the_place_of_a_damaged_one),
        cmocka_unit_test(lost_vote_and_old_directories_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
