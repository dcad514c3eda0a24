/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/saved.h"

#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/set_source.h"

static int apply_encoded(struct driver *driver, enum command_kind kind,
                         struct buf *params)
{
    struct bytes encoded = {params->data, params->len};
    int rv = driver_apply(driver, kind, encoded);

    buf_close(params);
    return rv;
}

/* ---- Backups ---- */

struct told {
    struct driver *driver;
    struct saved *saved;
    int count;
};

static void on_backup(void *data, const struct backup_row *row)
{
    struct told *told = data;
    struct machine *machine = told->driver->machine;
    struct view *view = machine_freeze_logs(machine);
    struct chunk_set *set = machine_chunks(machine);
    struct chunk_source source = set_source(set);
    struct buf image = BUF_INIT;
    struct err err;

    view_image(view, &image);
    view_free(view);
    told->count++;
    told->saved->row = *row;
    told->saved->machine = machine_new(told->driver->limits);
    assert_int_equal(machine_restore(told->saved->machine, image.data,
                                     image.len, &source, &err),
                     0);
    chunk_set_drop(set);
    buf_close(&image);
}

void saved_take(struct saved *ret, struct driver *driver, const char *name)
{
    struct told told = {driver, ret, 0};

    machine_on_backup(driver->machine, on_backup, &told);
    assert_int_equal(driver_backup(driver, name), 0);
    machine_on_backup(driver->machine, NULL, NULL);
    assert_int_equal(told.count, 1);
}

void saved_close(struct saved *saved)
{
    machine_free(saved->machine);
    saved->machine = NULL;
}

int driver_backup(struct driver *driver, const char *name)
{
    struct backup_create_args args = {.scheduled = false};
    struct buf params = BUF_INIT;

    (void)snprintf(args.name, sizeof(args.name), "%s", name);
    assert_int_equal(backup_create_args_encode(&args, &params), 0);
    return apply_encoded(driver, COMMAND_BACKUP_CREATE, &params);
}

int driver_backup_delete(struct driver *driver, const char *name, uint64_t id)
{
    struct backup_delete_args args = {.id = id};
    struct buf params = BUF_INIT;

    (void)snprintf(args.name, sizeof(args.name), "%s", name);
    assert_int_equal(backup_delete_args_encode(&args, &params), 0);
    return apply_encoded(driver, COMMAND_BACKUP_DELETE, &params);
}

int driver_backup_add(struct driver *driver, const struct backup_row *row)
{
    struct buf params = BUF_INIT;

    assert_int_equal(backup_row_encode(row, &params), 0);
    return apply_encoded(driver, COMMAND_BACKUP_ADD, &params);
}

/* ---- Drafts ---- */

int driver_begin(struct driver *driver, const char *source, uint64_t edit_of,
                 uint64_t revision)
{
    struct recovery_begin_args args = {.from_index = 7,
                                       .from_time_ms = 8,
                                       .from_state_index = 9,
                                       .edit_of = edit_of,
                                       .revision = revision,
                                       .total_bytes = 10};
    struct buf params = BUF_INIT;

    (void)snprintf(args.source, sizeof(args.source), "%s", source);
    assert_int_equal(recovery_begin_args_encode(&args, &params), 0);
    return apply_encoded(driver, COMMAND_RECOVERY_BEGIN, &params);
}

int driver_load(struct driver *driver, uint64_t draft, uint64_t seq,
                struct buf *record)
{
    struct recovery_load_args args = {draft, seq, {record->data, record->len}};
    struct buf params = BUF_INIT;

    assert_int_equal(recovery_load_args_encode(&args, &params), 0);
    buf_close(record);
    return apply_encoded(driver, COMMAND_RECOVERY_LOAD, &params);
}

int driver_end(struct driver *driver, uint64_t draft, uint64_t seq,
               uint64_t deleted)
{
    struct recovery_end_args args = {draft, seq, deleted};
    struct buf params = BUF_INIT;

    assert_int_equal(recovery_end_args_encode(&args, &params), 0);
    return apply_encoded(driver, COMMAND_RECOVERY_END, &params);
}

int driver_unload(struct driver *driver, bool undo)
{
    struct recovery_unload_args args = {undo};
    struct buf params = BUF_INIT;

    assert_int_equal(recovery_unload_args_encode(&args, &params), 0);
    return apply_encoded(driver, COMMAND_RECOVERY_UNLOAD, &params);
}

int driver_commit(struct driver *driver, uint64_t operation)
{
    struct recovery_commit_args args = {
        .stage = 1, .revision = 1, .operation = operation};
    struct machine_part_info info;

    if (machine_part_info(driver->machine, MACHINE_STAGED, &info)) {
        args.stage = info.id;
        args.revision = info.revision;
    }
    return driver_commit_args(driver, &args);
}

int driver_commit_args(struct driver *driver,
                       const struct recovery_commit_args *args)
{
    struct buf params = BUF_INIT;

    assert_int_equal(recovery_commit_args_encode(args, &params), 0);
    return apply_encoded(driver, COMMAND_RECOVERY_COMMIT, &params);
}

int driver_undo(struct driver *driver, uint64_t operation)
{
    struct recovery_undo_args args = {.operation = operation};
    struct buf params = BUF_INIT;

    assert_int_equal(recovery_undo_args_encode(&args, &params), 0);
    return apply_encoded(driver, COMMAND_RECOVERY_UNDO, &params);
}

/* ---- Filling one ---- */

void saved_bytes(const struct chunk *chunk, struct buf *ret)
{
    if (chunk->memory != NULL) {
        assert_int_equal(buf_add(ret, chunk_bytes(chunk), chunk->len), 0);
        return;
    }
    assert_non_null(chunk->parts);
    for (size_t i = 0; i < chunk->parts->count; i++) {
        saved_bytes(chunk->parts->chunks[i], ret);
    }
}

static int load_chunk(struct saved_steps *steps, struct driver *driver,
                      const struct chunk *chunk)
{
    struct chunk_facts facts = chunk_facts(chunk);
    uint8_t row[CHUNK_ROW_LEN];
    struct buf record = BUF_INIT;
    struct buf bytes = BUF_INIT;

    if (chunk->sealed && steps->way == SAVED_REFS &&
        machine_has_chunk(driver->machine, &facts)) {
        chunk_row_encode(chunk, row);
        assert_int_equal(load_refs_encode(row, 1, &record), 0);
    } else {
        saved_bytes(chunk, &bytes);
        assert_int_equal(
            load_bytes_encode((struct bytes){bytes.data, bytes.len}, &record),
            0);
        buf_close(&bytes);
    }
    return driver_load(driver, steps->draft, steps->seq, &record);
}

static int step_in_log(struct saved_steps *steps, struct driver *driver,
                       const struct log_stat *stat)
{
    const struct machine *machine = steps->saved->machine;
    struct buf record = BUF_INIT;
    struct chunk *const *chunks;
    struct load_log log;
    size_t count;

    chunks = machine_part_chunks(machine, MACHINE_LIVE, stat->uid, &count);
    if (!steps->in_log) {
        steps->in_log = true;
        steps->chunk = 0;
        assert_int_equal(
            machine_part_log(machine, MACHINE_LIVE, stat->uid, &log), 0);
        assert_int_equal(load_log_encode(&log, &record), 0);
        return driver_load(driver, steps->draft, steps->seq, &record);
    }
    steps->chunk++;
    if (steps->chunk <= count) {
        return load_chunk(steps, driver, chunks[steps->chunk - 1]);
    }
    if (steps->chunk == count + 1 &&
        machine_part_open(machine, MACHINE_LIVE, stat->uid) != NULL) {
        return load_chunk(steps, driver,
                          machine_part_open(machine, MACHINE_LIVE, stat->uid));
    }
    steps->in_log = false;
    steps->log++;
    assert_int_equal(load_done_encode(stat->digest, &record), 0);
    return driver_load(driver, steps->draft, steps->seq, &record);
}

/* The log at @index in the order of uids; false when there are fewer. */
static bool log_at(const struct machine *machine, size_t index,
                   struct log_stat *ret)
{
    const struct log_list_args args = {{NULL, 0}, {NULL, 0}, 0, false};
    struct log_list_result list;
    uint64_t uid = 0;
    bool found = true;

    assert_int_equal(machine_log_list(machine, &args, &list), 0);
    for (size_t n = 0; n <= index && found; n++) {
        uint64_t next = UINT64_MAX;

        for (size_t i = 0; i < list.count; i++) {
            if (list.stats[i].uid > uid && list.stats[i].uid < next) {
                next = list.stats[i].uid;
                *ret = list.stats[i];
            }
        }
        found = next != UINT64_MAX;
        uid = next;
    }
    log_list_result_close(&list);
    return found;
}

bool saved_step(struct saved_steps *steps, struct driver *driver)
{
    struct log_stat stat;

    if (steps->ended) {
        return false;
    }
    if (steps->draft == 0) {
        steps->code = driver_begin(driver, steps->saved->row.name, 0, 0);
        steps->draft = driver->outcome.position;
        steps->ended = steps->code != 0;
        return true;
    }
    if (log_at(steps->saved->machine, steps->log, &stat)) {
        steps->code = step_in_log(steps, driver, &stat);
        steps->seq++;
        steps->ended = steps->code != 0;
        return true;
    }
    steps->code = driver_end(driver, steps->draft, steps->seq, 0);
    steps->ended = true;
    return true;
}

int saved_stage(const struct saved *saved, struct driver *driver,
                enum saved_way way)
{
    struct saved_steps steps = {.saved = saved, .way = way};

    while (saved_step(&steps, driver)) {
    }
    return steps.code;
}
