/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/pool_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_proof.h"
#include "machine/machine_parts.h"
#include "support/cmocka.h"

#define STEP_MS 250u

static void on_changed(void *data)
{
    struct pool_rig *rig = data;

    rig->changes++;
}

/* ---- Life ---------------------------------------------------------------- */

void pool_rig_init(struct pool_rig *rig, uint64_t seed)
{
    memset(rig, 0, sizeof(*rig));
    store_rig_init(&rig->chunks, seed);
    store_rig_must_open(&rig->chunks);
    store_rig_create(&rig->chunks, "a");
    store_rig_create(&rig->chunks, "b");
    store_rig_append(&rig->chunks, "a", 40, 600);
    store_rig_append(&rig->chunks, "b", 20, 600);
    store_rig_settle(&rig->chunks);
    rig->fake = fake_disk_new(seed + 1);
    memset(rig->cluster, 0xc1, sizeof(rig->cluster));
    rig->now_ms = 1000;
    rig->wall_ms = 1700000000000;
    pool_rig_open(rig);
}

void pool_rig_close(struct pool_rig *rig)
{
    pool_rig_stop(rig);
    fake_disk_free(rig->fake);
    store_rig_close(&rig->chunks);
}

void pool_rig_open(struct pool_rig *rig)
{
    struct backup_store_options options = {
        .disk = fake_disk_disk(rig->fake),
        .chunks = rig->chunks.store,
        .where = "backups",
        .scrub_bytes = rig->scrub_bytes,
        .on_changed = on_changed,
        .data = rig,
    };

    memcpy(options.cluster, rig->cluster, PACK_CLUSTER_LEN);
    rig->store = backup_store_open(&options);
    backup_store_set_table(rig->store, rig->rows, rig->count, rig->id_last);
}

void pool_rig_stop(struct pool_rig *rig)
{
    if (rig->store == NULL) {
        return;
    }
    backup_store_stop(rig->store);
    pool_rig_drain(rig);
    assert_true(fake_disk_is_dead(rig->fake) ||
                !backup_store_is_busy(rig->store));
    backup_store_free(rig->store);
    rig->store = NULL;
}

void pool_rig_crash(struct pool_rig *rig, enum fake_crash how)
{
    fake_disk_crash(rig->fake, how);
    backup_store_free(rig->store);
    rig->store = NULL;
    pool_rig_open(rig);
}

/* ---- The table ----------------------------------------------------------- */

void pool_rig_take(struct pool_rig *rig, const char *name)
{
    const struct machine *machine = rig->chunks.driver.machine;
    struct backup_row *row = &rig->rows[rig->count];
    struct machine_part_info info = {.id = 0};
    struct machine_counts counts;

    assert_true(rig->count < POOL_RIG_ROWS);
    memset(row, 0, sizeof(*row));
    machine_counts(machine, &counts);
    assert_true(machine_part_info(machine, MACHINE_LIVE, &info));
    rig->chunks.driver.index++;
    row->id = rig->chunks.driver.index;
    row->index = row->id;
    (void)snprintf(row->name, sizeof(row->name), "%s", name);
    row->time_ms = counts.time_ms;
    row->state_index = counts.state_index;
    row->logs = counts.logs;
    row->entries = counts.entries;
    row->bytes = counts.bytes;
    row->chunks = info.chunks;
    machine_logs_digest(machine, row->digest);
    backup_store_begin(rig->store, row, machine_freeze_logs(machine));
    rig->count++;
    backup_store_set_table(rig->store, rig->rows, rig->count, rig->id_last);
}

void pool_rig_drop(struct pool_rig *rig, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < rig->count; i++) {
        if (strcmp(rig->rows[i].name, name) != 0) {
            rig->rows[kept] = rig->rows[i];
            kept++;
        }
    }
    rig->count = kept;
    backup_store_set_table(rig->store, rig->rows, rig->count, rig->id_last);
}

void pool_rig_append(struct pool_rig *rig, uint64_t count)
{
    store_rig_append(&rig->chunks, "a", count, 600);
}

/* ---- Time ---------------------------------------------------------------- */

void pool_rig_drain(struct pool_rig *rig)
{
    while (fake_disk_end_work(rig->fake) ||
           fake_disk_end_work(rig->chunks.fake)) {
    }
}

void pool_rig_run(struct pool_rig *rig, uint64_t ms)
{
    for (uint64_t at = 0; at < ms; at += STEP_MS) {
        rig->now_ms += STEP_MS;
        rig->wall_ms += STEP_MS;
        rig->chunks.now_ms += STEP_MS;
        chunk_store_tick(rig->chunks.store, rig->chunks.now_ms);
        backup_store_tick(rig->store, rig->now_ms, rig->wall_ms);
        pool_rig_drain(rig);
    }
}

/* ---- Looking ------------------------------------------------------------- */

const struct backup_info *pool_rig_info(const struct pool_rig *rig,
                                        const char *name)
{
    return backup_store_find(rig->store, name);
}

bool pool_rig_is_verified(const struct pool_rig *rig, const char *name)
{
    const struct backup_info *info = pool_rig_info(rig, name);

    return info != NULL && info->state == BACKUP_VERIFIED;
}

struct backup_store_status pool_rig_status(const struct pool_rig *rig)
{
    struct backup_store_status status;

    backup_store_get_status(rig->store, &status);
    return status;
}

struct piece {
    struct buf *ret;
    uint64_t total;
    size_t len;
    int status;
    bool is_done;
};

static void on_piece(struct backup_read *read, int status)
{
    struct piece *piece = read->data;

    piece->is_done = true;
    piece->status = status;
    if (status == 0) {
        piece->total = read->total;
        piece->len = read->bytes.len;
        assert_int_equal(buf_add(piece->ret, read->bytes.data, read->bytes.len),
                         0);
    }
}

int pool_rig_stream(struct pool_rig *rig, const char *name, uint32_t step,
                    struct buf *ret)
{
    struct piece piece = {.ret = ret, .len = 1};
    struct backup_read read = {.data = &piece};
    int rv;

    while (piece.len > 0) {
        piece.is_done = false;
        rv = backup_store_read_stream(rig->store, &read, name, ret->len, step,
                                      on_piece);
        if (rv != 0) {
            return rv;
        }
        pool_rig_drain(rig);
        assert_true(piece.is_done);
        if (piece.status != 0) {
            return piece.status;
        }
    }
    assert_int_equal(ret->len, piece.total);
    return 0;
}

bool pool_rig_proves(struct bytes stream, const struct backup_row *row)
{
    struct backup_front front = {.chunks = 0};
    struct backup_proof proof;
    struct bytes bytes = stream;
    struct err err = {0};
    uint64_t at;
    bool is_good;

    if (backup_front_decode(stream.data, &front, &err) != 0) {
        return false;
    }
    bytes.len = (size_t)backup_front_len(&front);
    if (backup_proof_begin(&proof, bytes, &err) != 0) {
        print_message("%s\n", err.text);
        return false;
    }
    at = bytes.len;
    is_good = memcmp(front.row.digest, row->digest, HASH128_LEN) == 0;
    for (uint32_t i = 0; i < front.chunks && is_good; i++) {
        struct pack_row chunk = {.frame_len = 0};

        assert_int_equal(backup_front_row(bytes, i, &chunk, &err), 0);
        is_good = backup_proof_chunk(
                      &proof, (struct bytes){stream.data + at, chunk.frame_len},
                      NULL, &err) == 0;
        at += chunk.frame_len;
    }
    if (is_good && front.tail_len > 0) {
        is_good = backup_proof_tail(
                      &proof,
                      (struct bytes){stream.data + at, stream.len - (size_t)at},
                      &err) == 0;
    }
    is_good = is_good && backup_proof_is_whole(&proof);
    backup_proof_close(&proof);
    if (!is_good) {
        print_message("%s\n", err.text);
    }
    return is_good;
}

static void on_verified(struct backup_verify *verify, int status)
{
    *(int *)verify->data = status;
}

int pool_rig_verify(struct pool_rig *rig, const char *name,
                    struct backup_verify *ret)
{
    int status = -1;
    int rv;

    memset(ret, 0, sizeof(*ret));
    ret->data = &status;
    rv = backup_store_verify(rig->store, ret, name, on_verified);
    if (rv != 0) {
        return rv;
    }
    pool_rig_run(rig, STEP_MS);
    assert_int_not_equal(status, -1);
    return status;
}

struct count {
    const char *prefix;
    const char *suffix;
    size_t count;
    char first[DISK_NAME_MAX];
};

static void on_name(void *data, const char *name)
{
    struct count *count = data;
    size_t len = strlen(name);
    size_t suffix = strlen(count->suffix);

    if (strncmp(name, count->prefix, strlen(count->prefix)) == 0 &&
        len >= suffix && strcmp(name + len - suffix, count->suffix) == 0) {
        if (count->count == 0 || strcmp(name, count->first) < 0) {
            (void)snprintf(count->first, sizeof(count->first), "%s", name);
        }
        count->count++;
    }
}

size_t pool_rig_files(const struct pool_rig *rig, const char *prefix,
                      const char *suffix)
{
    struct count count = {prefix, suffix, 0, ""};

    fake_disk_each(rig->fake, on_name, &count);
    return count.count;
}

bool pool_rig_pack(const struct pool_rig *rig, char ret_name[DISK_NAME_MAX])
{
    struct count count = {"chunks/", ".pack", 0, ""};

    fake_disk_each(rig->fake, on_name, &count);
    (void)snprintf(ret_name, DISK_NAME_MAX, "%s", count.first);
    return count.count > 0;
}
