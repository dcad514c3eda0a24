/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* New clusters out of directories that were made for it: with a snapshot and packs
 * by the very code that makes new ones, and entries behind it. */
#include "consensus/recover_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "consensus/disk_real.h"
#include "consensus/recover_export.h"
#include "machine/machine_parts.h"
#include "support/cmocka.h"
#include "support/driver.h"
#include "support/tmpdir.h"
#include "util/file.h"
#include "util/mem.h"
#include "util/random.h"

#define CLUSTER "0d9b1c1e-8f0e-4c57-9a3d-5d2f5a6b7c8d"
#define MEMBERS                                                                \
    "1=127.0.0.1:7421/127.0.0.1:7420,2=127.0.0.1:7431/127.0.0.1:7430,"         \
    "3=127.0.0.1:7441/127.0.0.1:7440"
#define OTHER_CLUSTER "1d9b1c1e-8f0e-4c57-9a3d-5d2f5a6b7c8d"
#define ENTRIES 400u /* of 9000 bytes: several sealed chunks and an open one */
#define ENTRY_LEN 9000u

static void path_in(const struct tmpdir *dir, const char *name,
                    char ret_path[PATH_LEN_MAX])
{
    assert_int_equal(path_join(ret_path, PATH_LEN_MAX, dir->path, name, NULL),
                     0);
}

static void must(int rv, const struct err *err)
{
    if (rv != 0) {
        fail_msg("%s", err->text);
    }
}

static void fill_identity(struct identity *identity, uint64_t node,
                          bool is_other)
{
    memset(identity, 0, sizeof *identity);
    (void)strcpy(identity->cluster, is_other ? OTHER_CLUSTER : CLUSTER);
    random_uuid(identity->instance);
    identity->node = node;
    memset(identity->secret, 0xA5, SECRET_LEN);
    assert_int_equal(members_parse(MEMBERS, identity->members,
                                   &identity->members_count, NULL),
                     0);
}

/* ---- Old directories ---- */

/* A directory of @node whose snapshot is at @driver's index, of @term. */
static void make_old_of(const char *dir, uint64_t node, struct driver *driver,
                        uint64_t term, bool is_other)
{
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    const struct recover_result result = {.term = term, .index = driver->index};
    struct recover_make make = {.plan = plan, .result = &result};
    struct identity identity;
    struct err err = {0};

    plan->machine = driver->machine;
    fill_identity(&identity, node, is_other);
    must(recover_make(&make, &identity, dir, &err), &err);
    free(plan);
}

static void make_old(const char *dir, uint64_t node, struct driver *driver,
                     uint64_t term)
{
    make_old_of(dir, node, driver, term, false);
}

static int no_entry(void *data, raft_index index, raft_term term,
                    unsigned short type, const void *payload, size_t len)
{
    (void)data;
    (void)index;
    (void)term;
    (void)type;
    (void)payload;
    (void)len;
    return 0;
}

static void no_truncation(void *data, raft_index index)
{
    (void)data;
    (void)index;
}

static void on_appended(struct wal_append *append, int status)
{
    bool *done = append->data;

    assert_int_equal(status, 0);
    *done = true;
}

static void on_stopped(void *data)
{
    (void)data;
}

/* One more entry of @term in the raft log of @dir. */
static void append_entry(const char *dir, uint64_t snapshot, uint64_t term,
                         struct bytes batch)
{
    char path[PATH_LEN_MAX];
    uv_loop_t loop;
    struct disk_real *real;
    struct wal_report report;
    struct wal *wal;
    bool done = false;
    struct wal_append append = {.data = &done};
    const struct wal_reader reader = {no_entry, no_truncation, NULL};
    const struct raft_entry entry = {
        .term = term,
        .type = RAFT_COMMAND,
        .buf = {.base = (void *)(uintptr_t)batch.data, .len = batch.len}};
    struct err err = {0};

    assert_int_equal(path_join(path, sizeof path, dir, "raft", NULL), 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    const struct disk_real_options options = {.loop = &loop, .dir = path};
    must(disk_real_start(&real, &options, &err), &err);
    const struct wal_options wal_options = {.disk = disk_real_disk(real)};
    must(wal_open(&wal, &wal_options, snapshot + 1, &reader, &report, &err),
         &err);
    assert_int_equal(wal_append(wal, &append, &entry, 1, on_appended), 0);
    while (!done || wal_is_busy(wal) || !disk_real_is_idle(real)) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    wal_free(wal);
    disk_real_stop(real, on_stopped, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void append_value(const char *dir, uint64_t snapshot, uint64_t term,
                         const char *value)
{
    struct append_entry entry = {{NULL, 0}, text(value)};
    struct append_part_args part = {text("a"), 0, 0, &entry, 1};
    const struct append_args args = {&part, 1, NULL, 0, 0};
    struct buf params = BUF_INIT;
    struct batch_writer writer;
    uint8_t *bytes;
    size_t room;

    assert_int_equal(append_args_encode(&args, &params), 0);
    room = batch_len(1, params.len);
    bytes = mem_must_zalloc(room);
    batch_open(&writer, bytes, room, 5000);
    batch_add(&writer, COMMAND_LOG_APPEND,
              (struct bytes){params.data, params.len});
    append_entry(dir, snapshot, term,
                 (struct bytes){bytes, batch_close(&writer)});
    buf_close(&params);
    free(bytes);
}

static void fill_machine(struct driver *driver)
{
    driver_init(driver);
    assert_int_equal(driver_create(driver, "a"), 0);
    for (unsigned i = 0; i < ENTRIES / 100; i++) {
        assert_int_equal(driver_append_many(driver, "a", 100, ENTRY_LEN), 0);
    }
    assert_int_equal(driver_create(driver, "b"), 0);
    assert_int_equal(driver_append(driver, "b", "open"), 0);
}

/* ---- Recovering ---- */

static void make_plan(struct recover_plan *plan, const char *const *paths,
                      size_t count)
{
    struct err err = {0};

    must(recover_plan_make(plan, paths, count, &err), &err);
}

static void make_new(struct recover_plan *plan, const char *dir, uint64_t node,
                     struct recover_result *ret)
{
    struct recover_make make = {.plan = plan, .result = ret};
    struct identity identity;
    struct err err = {0};

    fill_identity(&identity, node, false);
    must(recover_plan_result(plan, identity.members, identity.members_count,
                             ret, &err),
         &err);
    memcpy(identity.cluster, ret->cluster, sizeof identity.cluster);
    identity.ancestors_count = ret->ancestors_count;
    memcpy(identity.ancestors, ret->ancestors, sizeof identity.ancestors);
    must(recover_make(&make, &identity, dir, &err), &err);
}

static uint64_t entries_of(const struct recover_plan *plan)
{
    struct machine_counts counts;

    machine_counts(plan->machine, &counts);
    return counts.entries;
}

static void the_last_term_wins_and_then_the_longest_log(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    char paths[3][PATH_LEN_MAX];
    const char *list[3] = {paths[0], paths[1], paths[2]};
    struct driver driver;

    fill_machine(&driver);
    for (unsigned i = 0; i < 3; i++) {
        char name[8];

        (void)snprintf(name, sizeof name, "n%u", i + 1);
        path_in(dir, name, paths[i]);
        make_old(paths[i], i + 1, &driver, 4);
    }
    append_value(paths[0], driver.index, 4, "one");
    append_value(paths[0], driver.index, 4, "two");
    append_value(paths[0], driver.index, 4, "three");
    append_value(paths[1], driver.index, 5, "other");
    append_value(paths[2], driver.index, 5, "other");
    append_value(paths[2], driver.index, 5, "newer");
    make_plan(plan, list, 3);
    assert_int_equal(plan->best, 2);
    assert_int_equal(plan->sources[0].index, driver.index + 3);
    assert_int_equal(plan->sources[0].term, 4);
    assert_int_equal(plan->sources[2].index, driver.index + 2);
    assert_int_equal(plan->sources[2].term, 5);
    assert_int_equal(entries_of(plan), ENTRIES + 1 + 2);
    assert_true(recover_plan_has_quorum(plan));
    assert_int_equal(plan->missing, 0);
    recover_plan_close(plan);

    make_plan(plan, list, 1);
    assert_int_equal(entries_of(plan), ENTRIES + 1 + 3);
    assert_false(recover_plan_has_quorum(plan));
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

static void what_is_made_is_a_directory_of_another_cluster(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    struct recover_result result;
    struct recover_result second;
    char old[PATH_LEN_MAX];
    char one[PATH_LEN_MAX];
    char two[PATH_LEN_MAX];
    const char *list[1] = {old};
    struct driver driver;
    uint8_t digest[16];
    uint8_t again[16];

    fill_machine(&driver);
    path_in(dir, "old", old);
    path_in(dir, "one", one);
    path_in(dir, "two", two);
    make_old(old, 1, &driver, 4);
    append_value(old, driver.index, 4, "last");
    make_plan(plan, list, 1);
    make_new(plan, one, 1, &result);
    machine_digest(plan->machine, digest);
    recover_plan_close(plan);
    assert_string_not_equal(result.cluster, CLUSTER);
    assert_int_equal(result.term, 5);
    assert_int_equal(result.index, driver.index + 1);
    assert_string_equal(result.ancestors[0], CLUSTER);

    /* The same again for another member: the same cluster. */
    make_plan(plan, list, 1);
    make_new(plan, two, 2, &second);
    assert_string_equal(second.cluster, result.cluster);
    recover_plan_close(plan);

    list[0] = one;
    make_plan(plan, list, 1);
    assert_int_equal(plan->sources[0].code, 0);
    assert_string_equal(plan->sources[0].damage, "");
    assert_int_equal(plan->sources[0].index, result.index);
    assert_int_equal(plan->sources[0].term, 5);
    assert_int_equal(plan->missing, 0);
    assert_true(plan->chunks > 2);
    assert_int_equal(plan->own, plan->chunks);
    assert_string_equal(plan->sources[0].identity.ancestors[0], CLUSTER);
    machine_digest(plan->machine, again);
    assert_memory_equal(digest, again, 16);
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

static void remove_packs(const char *dir, bool all)
{
    char path[PATH_LEN_MAX];

    for (unsigned i = 1; i < (all ? 10 : 2); i++) {
        (void)snprintf(path, sizeof path, "%.900s/chunks/%016x.pack", dir, i);
        (void)unlink(path);
    }
}

static void chunks_that_are_missing_come_from_other_sources(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    struct recover_result result;
    char one[PATH_LEN_MAX];
    char two[PATH_LEN_MAX];
    char made[PATH_LEN_MAX];
    const char *list[2] = {one, two};
    struct driver driver;

    fill_machine(&driver);
    path_in(dir, "one", one);
    path_in(dir, "two", two);
    path_in(dir, "made", made);
    make_old(one, 1, &driver, 4);
    make_old(two, 2, &driver, 3);
    remove_packs(one, true);
    make_plan(plan, list, 1);
    assert_true(plan->missing > 0);
    assert_int_equal(plan->missing, plan->chunks);
    recover_plan_close(plan);

    make_plan(plan, list, 2);
    assert_int_equal(plan->best, 0);
    assert_int_equal(plan->missing, 0);
    assert_int_equal(plan->others, plan->chunks);
    make_new(plan, made, 1, &result);
    recover_plan_close(plan);

    list[0] = made;
    make_plan(plan, list, 1);
    assert_int_equal(plan->missing, 0);
    assert_int_equal(plan->own, plan->chunks);
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

static void an_export_gives_the_other_members(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    struct recover_result result;
    struct recover_result second;
    struct identity identity;
    char old[PATH_LEN_MAX];
    char one[PATH_LEN_MAX];
    char two[PATH_LEN_MAX];
    char file[PATH_LEN_MAX];
    const char *list[1] = {old};
    struct driver driver;
    uint8_t digest[16];
    uint8_t again[16];
    struct err err = {0};

    fill_machine(&driver);
    path_in(dir, "old", old);
    path_in(dir, "one", one);
    path_in(dir, "two", two);
    path_in(dir, "file", file);
    make_old(old, 1, &driver, 4);
    append_value(old, driver.index, 4, "last");
    make_plan(plan, list, 1);
    make_new(plan, one, 1, &result);
    must(recover_export(plan, &result, file, &err), &err);
    assert_int_equal(recover_export(plan, &result, file, &err), QL_EXISTS);
    machine_digest(plan->machine, digest);
    recover_plan_close(plan);

    list[0] = file;
    make_plan(plan, list, 1);
    assert_true(plan->sources[0].has_result);
    assert_int_equal(plan->missing, 0);
    make_new(plan, two, 2, &second);
    assert_string_equal(second.cluster, result.cluster);
    machine_digest(plan->machine, again);
    assert_memory_equal(digest, again, 16);
    recover_plan_close(plan);

    /* Members are a part of what it is. */
    make_plan(plan, list, 1);
    fill_identity(&identity, 1, false);
    assert_int_equal(
        recover_plan_result(plan, identity.members, 2, &second, &err),
        QL_INVALID);
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

static void flip(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    int byte;

    assert_non_null(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    byte = fgetc(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 0x10, file), byte ^ 0x10);
    assert_int_equal(fclose(file), 0);
}

static void a_damaged_export_is_refused_with_the_reason(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    struct recover_result result;
    char old[PATH_LEN_MAX];
    char one[PATH_LEN_MAX];
    char file[PATH_LEN_MAX];
    const char *list[1] = {old};
    const long at[] = {30, 300, -4000, -3};
    struct driver driver;
    struct err err = {0};

    fill_machine(&driver);
    path_in(dir, "old", old);
    path_in(dir, "one", one);
    path_in(dir, "file", file);
    make_old(old, 1, &driver, 4);
    make_plan(plan, list, 1);
    make_new(plan, one, 1, &result);
    must(recover_export(plan, &result, file, &err), &err);
    recover_plan_close(plan);
    list[0] = file;
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        int rv;

        flip(file, at[i]);
        rv = recover_plan_make(plan, list, 1, &err);
        assert_true(rv == QL_CORRUPT || (rv == 0 && plan->missing > 0));
        recover_plan_close(plan);
        flip(file, at[i]);
    }
    make_plan(plan, list, 1);
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

static void sources_of_two_clusters_are_refused(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    char one[PATH_LEN_MAX];
    char two[PATH_LEN_MAX];
    const char *list[2] = {one, two};
    struct driver driver;
    struct err err = {0};

    fill_machine(&driver);
    path_in(dir, "one", one);
    path_in(dir, "two", two);
    make_old(one, 1, &driver, 4);
    make_old_of(two, 2, &driver, 4, true);
    assert_int_equal(recover_plan_make(plan, list, 2, &err), QL_INVALID);
    assert_non_null(strstr(err.text, OTHER_CLUSTER));
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

static void two_directories_of_one_node_are_refused(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    char one[PATH_LEN_MAX];
    char two[PATH_LEN_MAX];
    const char *list[2] = {one, two};
    struct driver driver;
    struct err err = {0};

    fill_machine(&driver);
    path_in(dir, "one", one);
    path_in(dir, "two", two);
    make_old(one, 1, &driver, 4);
    make_old(two, 1, &driver, 4);
    assert_int_equal(recover_plan_make(plan, list, 2, &err), QL_INVALID);
    recover_plan_close(plan);
    driver_close(&driver);
    free(plan);
}

static void a_directory_in_use_is_refused(void **state)
{
    struct tmpdir *dir = *state;
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    char old[PATH_LEN_MAX];
    char lock[PATH_LEN_MAX];
    const char *list[1] = {old};
    struct driver driver;
    struct err err = {0};
    int fd;

    fill_machine(&driver);
    path_in(dir, "old", old);
    path_in(dir, "old/lock", lock);
    make_old(old, 1, &driver, 4);
    must(file_lock(lock, &fd, &err), &err);
    assert_int_equal(recover_plan_make(plan, list, 1, &err), QL_BUSY);
    assert_non_null(strstr(err.text, "in use"));
    recover_plan_close(plan);
    (void)close(fd);
    driver_close(&driver);
    free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_last_term_wins_and_then_the_longest_log, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            what_is_made_is_a_directory_of_another_cluster, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            chunks_that_are_missing_come_from_other_sources, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(an_export_gives_the_other_members,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(
            a_damaged_export_is_refused_with_the_reason, tmpdir_setup,
            tmpdir_teardown),
        cmocka_unit_test_setup_teardown(sources_of_two_clusters_are_refused,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(two_directories_of_one_node_are_refused,
                                        tmpdir_setup, tmpdir_teardown),
        cmocka_unit_test_setup_teardown(a_directory_in_use_is_refused,
                                        tmpdir_setup, tmpdir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
