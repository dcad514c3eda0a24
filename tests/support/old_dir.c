/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/old_dir.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "consensus/disk_real.h"
#include "consensus/recover_make.h"
#include "support/cmocka.h"
#include "util/file.h"
#include "util/mem.h"
#include "util/random.h"

#define MEMBERS                                                                \
    "1=127.0.0.1:7421/127.0.0.1:7420,2=127.0.0.1:7431/127.0.0.1:7430,"         \
    "3=127.0.0.1:7441/127.0.0.1:7440"
#define ENTRY_LEN 9000u

void old_dir_path(const struct tmpdir *dir, const char *name,
                  char ret_path[PATH_LEN_MAX])
{
    assert_int_equal(path_join(ret_path, PATH_LEN_MAX, dir->path, name, NULL),
                     0);
}

void old_dir_must(int rv, const struct err *err)
{
    if (rv != 0) {
        fail_msg("%s", err->text);
    }
}

void old_dir_identity(struct identity *identity, uint64_t node, bool is_other)
{
    memset(identity, 0, sizeof *identity);
    (void)strcpy(identity->cluster,
                 is_other ? OLD_DIR_STRANGER : OLD_DIR_CLUSTER);
    random_uuid(identity->instance);
    identity->node = node;
    memset(identity->secret, 0xA5, SECRET_LEN);
    assert_int_equal(members_parse(MEMBERS, identity->members,
                                   &identity->members_count, NULL),
                     0);
}

void old_dir_make_of(const char *dir, uint64_t node, struct driver *driver,
                     uint64_t term, bool is_other)
{
    struct recover_plan *plan = mem_must_zalloc(sizeof *plan);
    const struct recover_result result = {.term = term, .index = driver->index};
    struct recover_make make = {.plan = plan, .result = &result};
    struct identity identity;
    struct err err = {0};

    plan->machine = driver->machine;
    old_dir_identity(&identity, node, is_other);
    old_dir_must(recover_make(&make, &identity, dir, &err), &err);
    free(plan);
}

void old_dir_make(const char *dir, uint64_t node, struct driver *driver,
                  uint64_t term)
{
    old_dir_make_of(dir, node, driver, term, false);
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
    old_dir_must(disk_real_start(&real, &options, &err), &err);
    const struct wal_options wal_options = {.disk = disk_real_disk(real)};
    old_dir_must(
        wal_open(&wal, &wal_options, snapshot + 1, &reader, &report, &err),
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

void old_dir_append(const char *dir, uint64_t snapshot, uint64_t term,
                    const char *value)
{
    struct append_entry entry = {{NULL, 0}, text(value)};
    struct append_part_args part = {text("a"), 0, 0, &entry, 1};
    const struct append_args args = {.parts = &part, .parts_count = 1};
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

void old_dir_machine(struct driver *driver)
{
    driver_init(driver);
    assert_int_equal(driver_create(driver, "a"), 0);
    for (unsigned i = 0; i < OLD_DIR_ENTRIES / 100; i++) {
        assert_int_equal(driver_append_many(driver, "a", 100, ENTRY_LEN), 0);
    }
    assert_int_equal(driver_create(driver, "b"), 0);
    assert_int_equal(driver_append(driver, "b", "open"), 0);
}

void old_dir_plan(struct recover_plan *plan, const char *const *paths,
                  size_t count)
{
    struct err err = {0};

    old_dir_must(recover_plan_make(plan, paths, count, &err), &err);
}

void old_dir_recover(struct recover_plan *plan, const char *dir, uint64_t node,
                     struct recover_result *ret)
{
    struct recover_make make = {.plan = plan, .result = ret};
    struct identity identity;
    struct err err = {0};

    old_dir_identity(&identity, node, false);
    old_dir_must(recover_plan_result(plan, identity.members,
                                     identity.members_count, ret, &err),
                 &err);
    memcpy(identity.cluster, ret->cluster, sizeof identity.cluster);
    identity.ancestors_count = ret->ancestors_count;
    memcpy(identity.ancestors, ret->ancestors, sizeof identity.ancestors);
    old_dir_must(recover_make(&make, &identity, dir, &err), &err);
}
