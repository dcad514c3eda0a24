/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * An operator who makes backups, stages one, takes entries out of what is staged,
 * commits it, undoes that, at whoever leads. A draft whose leader is gone is begun
 * anew, or filled further when the new one has applied all of the old.
 */
#include <stdio.h>
#include <string.h>

#include "sim/sim_feed.h"

#define STEP_MS 60u
#define BEHIND_MAX 24 /* entries that are not committed: wait */

struct sim_operator {
    struct feed feed;
    uint64_t names;     /* that were given */
    uint64_t operation; /* the last */
    /* A commit or an undo that is repeated until it is answered. */
    enum command_kind kind; /* 0: none */
    struct sim_bytes params;
    uint64_t repeat_at;
    struct sim_bytes past[PAST_COMMITS]; /* commits that were answered */
    unsigned past_count;
};

static void on_step(struct sim *sim, struct sim_node *node, void *data);

void sim_operator_start(struct sim *sim)
{
    struct sim_recovery *recovery;
    bool wanted =
        sim->options.bias == SIM_RECOVERY ||
        (sim->options.bias != SIM_FIGURE8 && sim->options.bias != SIM_BLIPS &&
         sim->options.seed % RECOVERY_EVERY == RECOVERY_EVERY - 1);

    if (!wanted || (sim->options.without & SIM_RECOVERIES) != 0) {
        return;
    }
    recovery = sim_alloc(sim, sizeof *recovery);
    sim->clients->recovery = recovery;
    recovery->random_state[0] = sim->options.seed * 0xD1342543DE82EF95u + 3;
    recovery->random_state[1] = sim->options.seed ^ 0x2545F4914F6CDD1Du;
    recovery->who = sim_alloc(sim, sizeof *recovery->who);
    sim_at(sim, STEP_MS, NULL, on_step, NULL);
}

/* ---- Batches ---- */

static void on_stepped_down(struct sim *sim, struct sim_node *node, void *data)
{
    (void)sim;
    (void)data;
    if (node->raft.state == RAFT_LEADER) {
        sim_node_transfer(node, 0);
    }
}

static void answer(struct sim *sim, const struct operation *operation,
                   const struct command *command, const struct outcome *outcome)
{
    struct sim_operator *who = sim->clients->recovery->who;
    struct feed *feed = &who->feed;
    bool is_draft = command->kind == COMMAND_RECOVERY_LOAD ||
                    command->kind == COMMAND_RECOVERY_END;

    if (is_draft && outcome->code != 0) {
        feed->synced = false;
        if (outcome->code != QL_NOT_FOUND && outcome->code != QL_NO_SPACE &&
            outcome->code != QL_OUT_OF_ORDER) {
            sim_fail(sim, "RECOVERY: a record is refused: %d", outcome->code);
        }
    }
    if (who->kind == command->kind &&
        who->params.base == (const void *)command->params.data) {
        who->kind = 0;
        if (command->kind == COMMAND_RECOVERY_COMMIT) {
            who->past[who->past_count % PAST_COMMITS] = who->params;
            who->past_count++;
        }
        if (outcome->code == 0 && sim_recovery_draw(sim, 3) != 0) {
            sim_at(sim, sim->now, operation->node, on_stepped_down, NULL);
        }
    }
}

static void on_answered(struct raft_apply *apply, int status, void *result)
{
    struct operation *operation = apply->data;
    struct sim_node *node = operation->node;
    struct sim *sim = node->sim;
    struct feed *feed = &sim->clients->recovery->who->feed;
    const struct sim_answers *answers;

    (void)result;
    if (operation->feeds && feed->node == node->id &&
        feed->term == operation->term) {
        feed->under_way--;
        feed->synced = feed->synced && status == 0;
    }
    if (status != 0 || node->ended) {
        return;
    }
    answers = &node->machine->answers;
    if (answers->index != apply->index || answers->count != operation->count) {
        sim_fail(sim, "ANSWERS: %u at %llu to %u at %llu", answers->count,
                 answers->index, operation->count, apply->index);
        return;
    }
    sim_oracle_ack_bytes(node, apply->index, operation->value, operation->hash);
    for (unsigned i = 0; i < operation->count; i++) {
        answer(sim, operation, &operation->commands[i], &answers->outcomes[i]);
    }
}

static void submit(struct sim_node *node, struct operation *operation)
{
    struct sim *sim = node->sim;
    struct batch_writer writer;
    struct raft_buffer buffer;
    size_t len = 0;

    if (operation->count == 0 || sim->next_value == SIM_VALUES_MAX) {
        return;
    }
    for (unsigned i = 0; i < operation->count; i++) {
        len += operation->commands[i].params.len;
    }
    buffer.len = batch_len(operation->count, len);
    buffer.base = raft_calloc(1, buffer.len);
    batch_open(&writer, buffer.base, buffer.len, sim_client_time(sim));
    for (unsigned i = 0; i < operation->count; i++) {
        batch_add(&writer, operation->commands[i].kind,
                  operation->commands[i].params);
    }
    buffer.len = batch_close(&writer);
    operation->apply.data = operation;
    operation->node = node;
    operation->term = node->raft.current_term;
    operation->value = sim->next_value;
    operation->hash = sim_hash(buffer.base, buffer.len);
    sim->next_value++;
    sim_trace(sim, "%llu is given operation %u", node->id,
              (unsigned)operation->commands[0].kind);
    if (raft_apply(&node->raft, &operation->apply, &buffer, 1, on_answered) !=
        0) {
        raft_free(buffer.base);
        sim->clients->recovery->who->feed.synced = false;
        return;
    }
    if (operation->feeds) {
        sim->clients->recovery->who->feed.under_way++;
    }
    guard_after(node->guard);
}

/* ---- What it does next ---- */

static void make_backup(struct sim *sim, struct operation *operation)
{
    struct sim_recovery *recovery = sim->clients->recovery;
    struct backup_create_args create = {.scheduled = false};
    struct backup_delete_args remove = {.id = 0};
    struct buf params = BUF_INIT;
    const struct sim_backup *backup =
        &recovery->backups[sim_recovery_draw(sim, recovery->backups_count)];

    if (recovery->backups_count > 2 && sim_recovery_draw(sim, 4) == 0) {
        memcpy(remove.name, backup->name, sizeof remove.name);
        (void)backup_delete_args_encode(&remove, &params);
        sim_operation_add(operation, COMMAND_BACKUP_DELETE,
                          sim_take_buf(sim, &params));
        return;
    }
    if (sim_recovery_draw(sim, 4) != 0) {
        recovery->who->names++;
        (void)snprintf(create.name, sizeof create.name, "b%llu",
                       (unsigned long long)recovery->who->names);
    }
    (void)backup_create_args_encode(&create, &params);
    sim_operation_add(operation, COMMAND_BACKUP_CREATE,
                      sim_take_buf(sim, &params));
}

static void begin_job(struct sim *sim, const struct sim_job *job,
                      struct operation *operation)
{
    struct sim_recovery *recovery = sim->clients->recovery;
    struct recovery_begin_args args = {.edit_of = job->edit_of,
                                       .revision = job->revision};
    struct buf params = BUF_INIT;

    recovery->jobs[recovery->jobs_count] = *job;
    recovery->jobs_count++;
    args.total_bytes = recovery->jobs_count; /* tells which job it is */
    operation->feeds = true;
    (void)snprintf(args.source, sizeof args.source, "%s",
                   job->backup == NULL ? "edit" : job->backup->name);
    if (job->backup != NULL) {
        args.from_index = job->backup->index;
        args.from_time_ms = job->backup->time_ms;
        args.from_state_index = job->backup->state_index;
    }
    (void)recovery_begin_args_encode(&args, &params);
    sim_operation_add(operation, COMMAND_RECOVERY_BEGIN,
                      sim_take_buf(sim, &params));
    recovery->who->feed.synced = false;
}

static void stage(struct sim *sim, struct operation *operation)
{
    struct sim_recovery *recovery = sim->clients->recovery;
    unsigned count = recovery->backups_count;
    const struct sim_backup *backup =
        &recovery->backups[sim_recovery_draw(sim, count)];
    struct sim_job job = {
        .backup = backup, .plan = backup->plan, .expected = backup->state};

    if (count > 0 && backup->plan != NULL && recovery->jobs_count < JOBS_ALL) {
        begin_job(sim, &job, operation);
    }
}

static void edit(struct sim_node *node, const struct machine_part_info *info,
                 struct operation *operation)
{
    const struct sim_recovery *recovery = node->sim->clients->recovery;
    struct sim_job job = {.edit_of = info->id, .revision = info->revision};

    /* The history may be ahead of this server. */
    if (recovery->staged == NULL || recovery->stage != info->id ||
        recovery->revision != info->revision ||
        recovery->jobs_count == JOBS_ALL) {
        return;
    }
    job.plan = sim_plan_edit(node, recovery->staged, &job.expected);
    if (job.plan != NULL) {
        begin_job(node->sim, &job, operation);
    }
}

static void unload(struct sim *sim, bool undo, struct operation *operation)
{
    struct recovery_unload_args args = {undo};
    struct buf params = BUF_INIT;

    (void)recovery_unload_args_encode(&args, &params);
    sim_operation_add(operation, COMMAND_RECOVERY_UNLOAD,
                      sim_take_buf(sim, &params));
}

/* @info: of what is staged, or NULL for an undo. */
static void commit(struct sim_node *node, const struct machine_part_info *info)
{
    struct sim *sim = node->sim;
    struct sim_operator *who = sim->clients->recovery->who;
    struct recovery_commit_args args = {.operation = ++who->operation};
    struct buf params = BUF_INIT;
    struct machine_counts counts;

    machine_counts(node->machine->machine, &counts);
    args.has_expect_state = sim_recovery_draw(sim, 2) == 0;
    args.expect_state = args.has_expect_state ? counts.state_index : 0;
    args.discard_newer = sim_recovery_draw(sim, 3) == 0;
    if (info == NULL) {
        struct recovery_undo_args undo = {args.operation, args.has_expect_state,
                                          args.expect_state,
                                          args.discard_newer};

        (void)recovery_undo_args_encode(&undo, &params);
    } else {
        args.stage = info->id;
        args.revision = info->revision;
        (void)recovery_commit_args_encode(&args, &params);
    }
    who->kind = info == NULL ? COMMAND_RECOVERY_UNDO : COMMAND_RECOVERY_COMMIT;
    who->params = sim_take_buf(sim, &params);
    who->repeat_at = 0;
}

static void repeat(struct sim *sim, struct operation *operation)
{
    struct sim_operator *who = sim->clients->recovery->who;

    if (sim->now >= who->repeat_at) {
        who->repeat_at = sim->now + 100 + sim_recovery_draw(sim, 1500);
        sim_operation_add(operation, who->kind, who->params);
        if (sim_recovery_draw(sim, 4) == 0) {
            sim_operation_add(operation, who->kind, who->params);
        }
    }
}

/* A commit that was answered long ago does nothing. */
static void repeat_past(struct sim *sim, struct operation *operation)
{
    const struct sim_operator *who = sim->clients->recovery->who;
    unsigned kept =
        who->past_count < PAST_COMMITS ? who->past_count : PAST_COMMITS;

    if (kept > 0 && operation->count < SIM_BATCH_MAX) {
        sim_operation_add(operation, COMMAND_RECOVERY_COMMIT,
                          who->past[sim_recovery_draw(sim, kept)]);
    }
}

static void choose(struct sim_node *node, struct operation *operation)
{
    struct sim *sim = node->sim;
    const struct machine *machine = node->machine->machine;
    uint64_t kind = sim_recovery_draw(sim, 16);
    struct machine_part_info staged;
    struct machine_part_info undo;
    bool has_undo = machine_part_info(machine, MACHINE_UNDO, &undo);
    bool has_staged = machine_part_info(machine, MACHINE_STAGED, &staged);

    if (kind < 2 || sim->clients->recovery->backups_count == 0) {
        make_backup(sim, operation);
    } else if (kind == 2 && has_undo) {
        unload(sim, true, operation);
    } else if (kind == 3) {
        unload(sim, false, operation);
    } else if (kind < 6 && has_undo) {
        commit(node, NULL);
    } else if (!has_staged) {
        stage(sim, operation);
    } else if (kind < 11) {
        edit(node, &staged, operation);
    } else {
        commit(node, &staged);
    }
}

/* ---- Steps ---- */

static void mishap(struct sim *sim, struct sim_node *node)
{
    if (sim_has(sim, SIM_CRASHES) && sim_recovery_draw(sim, 40) == 0) {
        sim_node_crash(node);
    } else if (sim_has(sim, SIM_PARTITIONS) &&
               sim_recovery_draw(sim, 60) == 0) {
        memset(sim->cut[node->id - 1], true, sizeof sim->cut[0]);
    }
}

static void step(struct sim *sim, struct sim_node *node)
{
    struct sim_operator *who = sim->clients->recovery->who;
    struct operation *operation = sim_alloc(sim, sizeof *operation);
    struct feed *feed = &who->feed;
    struct machine_part_info info;
    bool is_left = false;
    bool is_draft =
        machine_part_info(node->machine->machine, MACHINE_DRAFT, &info);

    if (feed->node != node->id || feed->term != node->raft.current_term) {
        memset(feed, 0, sizeof *feed);
        feed->node = node->id;
        feed->term = node->raft.current_term;
        is_left = is_draft && sim_recovery_draw(sim, 3) == 0;
    }
    if (is_left && sim_recovery_draw(sim, 2) == 0) {
        unload(sim, false, operation);
    } else if (is_left) {
        stage(sim, operation);
    } else if (who->kind != 0) {
        repeat(sim, operation);
    } else if ((!is_draft && feed->under_way == 0) ||
               !sim_feed(node, feed, operation)) {
        choose(node, operation);
    }
    if (sim_recovery_draw(sim, 12) == 0) {
        repeat_past(sim, operation);
    }
    submit(node, operation);
    mishap(sim, node);
}

static void on_step(struct sim *sim, struct sim_node *node, void *data)
{
    unsigned every =
        sim->options.bias == SIM_RECOVERY ? 2 * STEP_MS : 6 * STEP_MS;

    (void)data;
    if (sim->healed) {
        return;
    }
    node = sim_some_leader(sim);
    if (node != NULL && !node->doomed && !node->restarting && !node->ended &&
        node->machine != NULL && guard_is_ready_leader(node->guard) &&
        raft_last_index(&node->raft) < node->raft.commit_index + BEHIND_MAX) {
        sim->running = node;
        step(sim, node);
    }
    sim_at(sim, sim->now + 1 + sim_recovery_draw(sim, every), NULL, on_step,
           NULL);
}
