/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * One map for every decoder of a message about backups and recovery, of calls, of
 * answers and of commands. What was decoded is encoded and decoded again, which
 * must give the same.
 */
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/fuzz_repack.h"
#include "wire/args_backup.h"
#include "wire/args_recovery.h"
#include "wire/args_scan.h"
#include "wire/args_settings.h"

/* Decodes @map and, when that works, encodes it into @again. */
typedef int (*message_cb)(struct bytes map, struct buf *again);

static int settings(struct bytes map, struct buf *again)
{
    struct settings_args message;
    int rv = settings_args_decode(&message, map, NULL);

    return rv != 0 ? rv : settings_args_encode(&message, again);
}

static int settings_answer(struct bytes map, struct buf *again)
{
    struct settings_result message;
    int rv = settings_result_decode(&message, map, NULL);

    return rv != 0 ? rv : settings_result_encode(&message, again);
}

static int row(struct bytes map, struct buf *again)
{
    struct backup_row message;
    int rv = backup_row_decode(&message, map, NULL);

    return rv != 0 ? rv : backup_row_encode(&message, again);
}

static int create(struct bytes map, struct buf *again)
{
    struct backup_create_args message;
    int rv = backup_create_args_decode(&message, map, NULL);

    return rv != 0 ? rv : backup_create_args_encode(&message, again);
}

static int delete_backup(struct bytes map, struct buf *again)
{
    struct backup_delete_args message;
    int rv = backup_delete_args_decode(&message, map, NULL);

    return rv != 0 ? rv : backup_delete_args_encode(&message, again);
}

static int show(struct bytes map, struct buf *again)
{
    struct backup_show_args message;
    int rv = backup_show_args_decode(&message, map, NULL);

    return rv != 0 ? rv : backup_show_args_encode(&message, again);
}

static int verify(struct bytes map, struct buf *again)
{
    struct backup_verify_args message;
    int rv = backup_verify_args_decode(&message, map, NULL);

    return rv != 0 ? rv : backup_verify_args_encode(&message, again);
}

static int verified(struct bytes map, struct buf *again)
{
    struct backup_verify_result message;
    int rv = backup_verify_result_decode(&message, map, NULL);

    return rv != 0 ? rv : backup_verify_result_encode(&message, again);
}

static int export(struct bytes map, struct buf *again)
{
    struct backup_export_args message;
    int rv = backup_export_args_decode(&message, map, NULL);

    return rv != 0 ? rv : backup_export_args_encode(&message, again);
}

static int exported(struct bytes map, struct buf *again)
{
    struct backup_export_result message;
    int rv = backup_export_result_decode(&message, map, NULL);

    return rv != 0 ? rv : backup_export_result_encode(&message, again);
}

static int import(struct bytes map, struct buf *again)
{
    struct backup_import_args message;
    int rv = backup_import_args_decode(&message, map, NULL);

    return rv != 0 ? rv : backup_import_args_encode(&message, again);
}

static int imported(struct bytes map, struct buf *again)
{
    struct backup_import_result message;
    int rv = backup_import_result_decode(&message, map, NULL);

    return rv != 0 ? rv : backup_import_result_encode(&message, again);
}

static int stage(struct bytes map, struct buf *again)
{
    struct recovery_stage_args message;
    int rv = recovery_stage_args_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_stage_args_encode(&message, again);
}

static int staging(struct bytes map, struct buf *again)
{
    struct recovery_stage_result message;
    int rv = recovery_stage_result_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_stage_result_encode(&message, again);
}

static int unload(struct bytes map, struct buf *again)
{
    struct recovery_unload_args message;
    int rv = recovery_unload_args_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_unload_args_encode(&message, again);
}

static int commit(struct bytes map, struct buf *again)
{
    struct recovery_commit_args message;
    int rv = recovery_commit_args_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_commit_args_encode(&message, again);
}

static int undo(struct bytes map, struct buf *again)
{
    struct recovery_undo_args message;
    int rv = recovery_undo_args_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_undo_args_encode(&message, again);
}

static int last(struct bytes map, struct buf *again)
{
    struct recovery_last message;
    int rv = recovery_last_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_last_encode(&message, again);
}

static int plan(struct bytes map, struct buf *again)
{
    struct recovery_plan_result message;
    int rv = recovery_plan_result_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_plan_result_encode(&message, again);
}

static int status(struct bytes map, struct buf *again)
{
    struct recovery_status_result message;
    int rv = recovery_status_result_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_status_result_encode(&message, again);
}

static int begin(struct bytes map, struct buf *again)
{
    struct recovery_begin_args message;
    int rv = recovery_begin_args_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_begin_args_encode(&message, again);
}

static int load(struct bytes map, struct buf *again)
{
    struct recovery_load_args message;
    int rv = recovery_load_args_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_load_args_encode(&message, again);
}

static int end(struct bytes map, struct buf *again)
{
    struct recovery_end_args message;
    int rv = recovery_end_args_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_end_args_encode(&message, again);
}

static int print(struct bytes map, struct buf *again)
{
    struct recovery_print_args message;
    int rv = recovery_print_args_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_print_args_encode(&message, again);
}

static int diff(struct bytes map, struct buf *again)
{
    struct recovery_diff_args message;
    int rv = recovery_diff_args_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_diff_args_encode(&message, again);
}

static int delete_entries(struct bytes map, struct buf *again)
{
    struct recovery_delete_args message;
    int rv = recovery_delete_args_decode(&message, map, NULL);

    return rv != 0 ? rv : recovery_delete_args_encode(&message, again);
}

static int list(struct bytes map, struct buf *again)
{
    struct backup_list_result message;
    int rv = backup_list_result_decode(&message, map, NULL);

    if (rv == 0) {
        rv = backup_list_result_encode(&message, again);
        backup_list_result_close(&message);
    }
    return rv;
}

static int shown(struct bytes map, struct buf *again)
{
    struct backup_show_result message;
    int rv = backup_show_result_decode(&message, map, NULL);

    if (rv == 0) {
        rv = backup_show_result_encode(&message, again);
        backup_show_result_close(&message);
    }
    return rv;
}

static int differences(struct bytes map, struct buf *again)
{
    struct recovery_diff_result message;
    int rv = recovery_diff_result_decode(&message, map, NULL);

    if (rv == 0) {
        rv = recovery_diff_result_encode(&message, again);
        recovery_diff_result_close(&message);
    }
    return rv;
}

static int printed(struct bytes map, struct buf *again)
{
    struct recovery_print_result message;
    struct buf packed = BUF_INIT;
    size_t i;
    int rv = recovery_print_result_decode(&message, map, NULL);

    if (rv != 0) {
        return rv;
    }
    for (i = 0; i < message.entries_count; i++) {
        assert(scan_entry_encode(&message.entries[i], &packed) == 0);
    }
    message.packed = (struct bytes){packed.data, packed.len};
    rv = recovery_print_result_encode(&message, again);
    recovery_print_result_close(&message);
    buf_close(&packed);
    return rv;
}

static const message_cb decoders[] = {
    settings, settings_answer, row,    create,   delete_backup, show,
    verify,   verified,        export, exported, import,        imported,
    stage,    staging,         unload, commit,   undo,          last,
    plan,     status,          begin,  load,     end,           print,
    diff,     delete_entries,  list,   shown,    differences,   printed,
};

/* Decoding @map gives @rv and, if that is 0, what is encoded as @expected. */
static void try_same(message_cb decode, struct bytes map, int rv,
                     const struct buf *expected)
{
    struct buf got = BUF_INIT;

    assert(decode(map, &got) == rv);
    if (rv == 0) {
        assert(got.len == expected->len);
        assert(memcmp(got.data, expected->data, got.len) == 0);
    }
    buf_close(&got);
}

/* msgpack-c sees the same in the bytes, and what it sees nothing in is refused
 * for that. */
static void try_decoder(message_cb decode, struct bytes map)
{
    struct buf again = BUF_INIT;
    struct buf repacked = BUF_INIT;
    int rv = decode(map, &again);
    int unsound = fuzz_repack(map, &repacked);

    if (rv == 0) {
        try_same(decode, (struct bytes){again.data, again.len}, 0, &again);
    }
    if (unsound == 0) {
        try_same(decode, (struct bytes){repacked.data, repacked.len}, rv,
                 &again);
    } else {
        assert(map.len == 0 || rv == unsound);
    }
    buf_close(&again);
    buf_close(&repacked);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    size_t i;

    for (i = 0; i < sizeof(decoders) / sizeof(decoders[0]); i++) {
        try_decoder(decoders[i], (struct bytes){bytes, len});
    }
    return 0;
}
