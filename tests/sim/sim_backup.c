/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Backups: what each server freezes when one is made is the same, gives the logs
 * back, and has the entries that were appended.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/sim_recovery.h"
#include "util/mem.h"

struct bytes sim_backup_log(const struct sim *sim, unsigned log)
{
    const char *name = sim->clients->logs[log].name;

    return (struct bytes){(const uint8_t *)name, strlen(name)};
}

/* ---- Before ---- */

static void take_stat(struct kept_log *log, const struct log_stat *stat)
{
    memset(log, 0, sizeof *log);
    log->uid = stat->uid;
    log->incarnation = stat->incarnation;
    log->head = stat->head;
    log->tail = stat->tail;
    log->entries = stat->entries;
    log->epoch = stat->writer_epoch;
    memcpy(log->digest, stat->digest, HASH128_LEN);
}

void sim_recovery_before(struct sim_node *node, const struct command *command)
{
    struct sim_recovery *recovery = node->sim->clients->recovery;
    struct machine_counts counts;
    struct log_stat stat;

    if (recovery == NULL || (command->kind != COMMAND_BACKUP_CREATE &&
                             command->kind != COMMAND_RECOVERY_COMMIT &&
                             command->kind != COMMAND_RECOVERY_UNDO)) {
        return;
    }
    machine_counts(node->machine->machine, &counts);
    recovery->before_state_index = counts.state_index;
    for (unsigned i = 0; i < LOGS; i++) {
        struct kept_log *log = &recovery->before.logs[i];

        memset(log, 0, sizeof *log);
        if (machine_log_stat(node->machine->machine,
                             sim_backup_log(node->sim, i), &stat) == 0) {
            take_stat(log, &stat);
        }
    }
}

/* The live logs as they were then, with all their entries. */
struct kept_state *sim_backup_live(struct sim *sim)
{
    struct kept_state *state = sim_alloc(sim, sizeof *state);

    *state = sim->clients->recovery->before;
    for (unsigned i = 0; i < LOGS; i++) {
        if (state->logs[i].uid != 0) {
            sim_plan_copy(sim, &state->logs[i], &sim->clients->logs[i]);
        }
    }
    return state;
}

/* ---- Backups ---- */

static struct buf image_of(const struct view *view)
{
    struct view_cursor *cursor = mem_must_zalloc(sizeof *cursor);
    struct buf image = BUF_INIT;
    struct bytes run;

    view_cursor_init(cursor);
    while (view_next(view, cursor, &run)) {
        (void)buf_add(&image, run.data, run.len);
    }
    free(cursor);
    return image;
}

static void take(struct sim_node *node, struct sim_backup *backup,
                 const struct backup_row *row, const struct buf *image)
{
    struct sim *sim = node->sim;
    struct machine *scratch = machine_new(sim_machine_limits());
    uint8_t digest[HASH128_LEN];
    struct err err;

    memcpy(backup->name, row->name, sizeof backup->name);
    backup->id = row->id;
    backup->index = row->index;
    backup->time_ms = row->time_ms;
    backup->state_index = row->state_index;
    backup->state = sim_backup_live(sim);
    if (machine_restore(scratch, image->data, image->len, NULL, &err) != 0) {
        sim_fail(sim, "BACKUP: server %llu: %s", node->id, err.text);
    } else {
        machine_logs_digest(scratch, digest);
        if (memcmp(digest, row->digest, HASH128_LEN) != 0) {
            sim_fail(sim, "BACKUP: %s does not give the logs back", row->name);
        }
        backup->plan = sim_plan_stage(sim, scratch, backup->state);
    }
    machine_free(scratch);
    sim->totals.backups++;
}

/* Each server's is the same. */
static void on_backup(void *data, const struct backup_row *row)
{
    struct sim_node *node = data;
    struct sim_recovery *recovery = node->sim->clients->recovery;
    struct sim_backup *backup = NULL;
    struct view *view = machine_freeze_logs(node->machine->machine);
    struct buf image = image_of(view);
    uint64_t hash = sim_hash(image.data, image.len);

    for (unsigned i = 0; i < recovery->backups_count; i++) {
        if (recovery->backups[i].id == row->id) {
            backup = &recovery->backups[i];
        }
    }
    if (backup == NULL && recovery->backups_count < BACKUPS_ALL) {
        backup = &recovery->backups[recovery->backups_count++];
        backup->image = hash;
        take(node, backup, row, &image);
    } else if (backup != NULL && backup->image != hash) {
        sim_fail(node->sim, "BACKUP: server %llu has another %s", node->id,
                 row->name);
    }
    buf_close(&image);
    view_free(view);
}

void sim_recovery_open(struct sim_node *node)
{
    if (node->sim->clients->recovery != NULL) {
        machine_on_backup(node->machine->machine, on_backup, node);
    }
}

void sim_backup_gone(struct sim *sim, const struct backup_row *row)
{
    struct sim_recovery *recovery = sim->clients->recovery;

    for (unsigned i = 0; i < recovery->backups_count; i++) {
        if (recovery->backups[i].id == row->id) {
            recovery->backups[i].gone = true;
        }
    }
}
