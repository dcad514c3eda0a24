/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/backup_leader.h"

#include <stdlib.h>
#include <string.h>

#include "backup/backup_store.h"
#include "machine/machine_parts.h"
#include "util/clock.h"
#include "util/diag.h"
#include "util/mem.h"
#include "wire/args_settings.h"

static bool propose_settings(struct backup_leader *leader);
static bool propose_backup(struct backup_leader *leader,
                           const struct machine_settings *settings,
                           uint64_t now_ms, uint64_t wall_ms);
static void propose_rotation(struct backup_leader *leader,
                             const struct machine_settings *settings,
                             uint64_t now_ms);
static bool sees_enough(const struct backup_leader *leader, uint64_t now_ms);
static void look(const struct backup_leader *leader,
                 const struct backup_row *row, uint64_t now_ms,
                 struct backup_sight *ret);
static void count_one(struct backup_sight *sight, enum backup_state state);
static size_t majority(const struct backup_leader *leader);
static void submit(struct backup_leader *leader, enum command_kind kind,
                   const struct buf *params);
static void on_applied(struct node_submit *submit, int status,
                       const struct outcome *outcome);

void backup_leader_init(struct backup_leader *leader, struct node *node,
                        const struct core *core,
                        const struct backup_reports *reports,
                        const struct node_options *options)
{
    *leader = (struct backup_leader){.node = node,
                                     .core = core,
                                     .reports = reports,
                                     .interval_ms = options->backup_interval_ms,
                                     .max_saved = options->max_saved_backups};
    if (leader->max_saved == 0) {
        leader->max_saved = BACKUPS_SAVED;
    }
}

void backup_leader_step(struct backup_leader *leader, uint64_t now_ms,
                        uint64_t wall_ms)
{
    const struct machine *machine = node_machine(leader->node);
    struct machine_settings settings;
    size_t count;
    const struct backup_row *rows = machine_backups(machine, &count);

    backup_schedule_look(&leader->schedule, rows, count, now_ms);
    if (leader->under_way || leader->core->raft.state != RAFT_LEADER ||
        !backup_schedule_may_propose(&leader->schedule, now_ms)) {
        return;
    }
    machine_settings(machine, &settings);
    if (!settings.set) {
        (void)propose_settings(leader);
    } else if (!propose_backup(leader, &settings, now_ms, wall_ms)) {
        propose_rotation(leader, &settings, now_ms);
    }
}

static bool propose_settings(struct backup_leader *leader)
{
    const struct settings_args args = {.has_interval = true,
                                       .backup_interval_ms =
                                           leader->interval_ms,
                                       .max_saved_backups = leader->max_saved,
                                       .only_if_unset = true};
    struct buf params = BUF_INIT;

    if (settings_args_encode(&args, &params) == 0) {
        submit(leader, COMMAND_SETTINGS, &params);
    }
    buf_close(&params);
    return leader->under_way;
}

/* A cluster in which nothing ever happened has nothing to save. While this node
 * writes one the next has to wait, or none would ever be done where writing takes
 * longer than the interval; unless its directory is in trouble, which is no reason
 * for the others to have none. */
static bool propose_backup(struct backup_leader *leader,
                           const struct machine_settings *settings,
                           uint64_t now_ms, uint64_t wall_ms)
{
    const struct backup_create_args args = {.scheduled = true};
    struct backup_store_status status;
    struct machine_counts counts;
    struct buf params = BUF_INIT;

    machine_counts(node_machine(leader->node), &counts);
    backup_store_get_status(node_backups(leader->node), &status);
    if (counts.state_index == 0 ||
        (status.waiting > 0 && status.problem[0] == '\0') ||
        !backup_schedule_is_due(&leader->schedule, settings->backup_interval_ms,
                                now_ms, wall_ms)) {
        return false;
    }
    if (backup_create_args_encode(&args, &params) == 0) {
        submit(leader, COMMAND_BACKUP_CREATE, &params);
    }
    buf_close(&params);
    return leader->under_way;
}

/* ---- Rotation ---- */

static void propose_rotation(struct backup_leader *leader,
                             const struct machine_settings *settings,
                             uint64_t now_ms)
{
    struct backup_delete_args args = {.id = 0};
    struct backup_sight *sights;
    struct buf params = BUF_INIT;
    size_t count;
    size_t oldest;
    const struct backup_row *rows =
        machine_backups(node_machine(leader->node), &count);

    if (count <= settings->max_saved_backups || !sees_enough(leader, now_ms)) {
        return;
    }
    sights = mem_must_zalloc(count * sizeof *sights);
    for (size_t i = 0; i < count; i++) {
        look(leader, &rows[i], now_ms, &sights[i]);
    }
    oldest = backup_schedule_rotate(sights, count, settings->max_saved_backups,
                                    majority(leader));
    free(sights);
    if (oldest == count) {
        return;
    }
    memcpy(args.name, rows[oldest].name, sizeof args.name);
    args.id = rows[oldest].id;
    if (backup_delete_args_encode(&args, &params) == 0) {
        submit(leader, COMMAND_BACKUP_DELETE, &params);
    }
    buf_close(&params);
}

/* Who has not been heard may have the only one that is whole: nothing is deleted
 * before this node knows what it has, and what a majority has. */
static bool sees_enough(const struct backup_leader *leader, uint64_t now_ms)
{
    const struct identity *identity = leader->reports->identity;
    struct backup_store_status status;
    size_t seen = 1;

    backup_store_get_status(node_backups(leader->node), &status);
    for (size_t i = 0; i < identity->members_count; i++) {
        seen += backup_reports_is_fresh(leader->reports,
                                        identity->members[i].id, now_ms);
    }
    return status.is_ready && seen >= majority(leader);
}

static void look(const struct backup_leader *leader,
                 const struct backup_row *row, uint64_t now_ms,
                 struct backup_sight *ret)
{
    const struct identity *identity = leader->reports->identity;
    const struct backup_info *own =
        backup_store_find(node_backups(leader->node), row->name);
    struct backup_report_item item;

    *ret = (struct backup_sight){0};
    if (own != NULL && own->row.id == row->id) {
        count_one(ret, own->state);
    }
    for (size_t i = 0; i < identity->members_count; i++) {
        if (backup_reports_find(leader->reports, identity->members[i].id,
                                row->id, now_ms, &item)) {
            count_one(ret, item.state);
        }
    }
}

static void count_one(struct backup_sight *sight, enum backup_state state)
{
    switch (state) {
    case BACKUP_MISSING:
        return;
    case BACKUP_VERIFIED:
        sight->whole++;
        break;
    case BACKUP_WAITING:
    case BACKUP_WRITING:
    case BACKUP_FETCHING:
        sight->making++;
        break;
    case BACKUP_DAMAGED:
    case BACKUP_STATES:
        break;
    }
    sight->parts++;
}

static size_t majority(const struct backup_leader *leader)
{
    return identity_quorum(leader->reports->identity);
}

/* ---- Proposals ---- */

/* Refused while the node is busy or not ready: the next look will do. */
static void submit(struct backup_leader *leader, enum command_kind kind,
                   const struct buf *params)
{
    leader->submit.data = leader;
    leader->under_way =
        node_submit(leader->node, &leader->submit, kind,
                    (struct bytes){params->data, params->len}, on_applied) == 0;
}

/* Lost leadership needs no patience: another one looks at once. */
static void on_applied(struct node_submit *submit, int status,
                       const struct outcome *outcome)
{
    struct backup_leader *leader = submit->data;

    leader->under_way = false;
    if (status != 0) {
        return;
    }
    if (outcome->code == 0) {
        backup_schedule_done(&leader->schedule);
        return;
    }
    if (leader->schedule.delay_ms == 0) {
        diag_warning("a backup that was due, or the end of an old one, was "
                     "refused: %s",
                     machine_refusal_text(outcome));
    }
    backup_schedule_refused(&leader->schedule, clock_monotonic_ms());
}
