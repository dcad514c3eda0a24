/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A kept state becomes the live one, and the live one goes to the undo slot. Logs
 * are paired by their names. Whoever knew a log before can tell: it has another
 * incarnation, all writers are fenced, no producer is left, and no position that
 * was ever given is given again.
 */
#include <stdio.h>

#include "machine/apply.h"
#include "machine/must.h"

static bool is_done(const struct machine *machine, uint32_t kind,
                    uint64_t operation, uint64_t stage, struct outcome *ret);
static bool is_expected(const struct machine *machine,
                        const struct recovery_undo_args *args,
                        struct outcome *ret);
static void swap(struct machine *machine, enum machine_part part,
                 uint64_t operation, struct outcome *ret);
static bool age_would_drop(const struct state *state);
static void renew(const struct state *state, struct log *log,
                  const struct log *live);
static void let_go(struct logs *logs);
static uint64_t newest_entry(const struct logs *logs);
static void become_undo(struct machine *machine, struct kept *kept,
                        bool is_undo);

void apply_recovery_commit(struct machine *machine, struct bytes params,
                           struct outcome *ret)
{
    struct state *state = machine->state;
    const struct kept *staged = state->kept[MACHINE_STAGED];
    struct recovery_commit_args args;
    struct recovery_undo_args guard;

    ret->code =
        must_have_memory(recovery_commit_args_decode(&args, params, NULL));
    if (ret->code != 0 ||
        is_done(machine, RECOVERY_COMMIT, args.operation, args.stage, ret)) {
        return;
    }
    if (args.dry_run) {
        ret->code = QL_INVALID;
        return;
    }
    if (staged == NULL) {
        ret->code = QL_NOT_FOUND;
        return;
    }
    if (staged->id != args.stage || staged->revision != args.revision) {
        ret->code = QL_CONDITION_FAILED;
        ret->position = staged->revision;
        ret->recovery.stage = staged->id;
        ret->recovery.revision = staged->revision;
        return;
    }
    guard = (struct recovery_undo_args){args.operation, args.has_expect_state,
                                        args.expect_state, args.discard_newer};
    if (is_expected(machine, &guard, ret)) {
        ret->recovery.stage = staged->id;
        ret->recovery.revision = staged->revision;
        swap(machine, MACHINE_STAGED, args.operation, ret);
    }
}

void apply_recovery_undo(struct machine *machine, struct bytes params,
                         struct outcome *ret)
{
    struct recovery_undo_args args;

    ret->code =
        must_have_memory(recovery_undo_args_decode(&args, params, NULL));
    if (ret->code != 0 ||
        is_done(machine, RECOVERY_UNDO, args.operation, 0, ret)) {
        return;
    }
    if (machine->state->kept[MACHINE_UNDO] == NULL) {
        ret->code = QL_NOT_FOUND;
        return;
    }
    if (is_expected(machine, &args, ret)) {
        swap(machine, MACHINE_UNDO, args.operation, ret);
    }
}

/* Is it asked for again because an answer was lost? What is still staged has not
 * been committed, and to call it done would be to say that its logs are back. */
static bool is_done(const struct machine *machine, uint32_t kind,
                    uint64_t operation, uint64_t stage, struct outcome *ret)
{
    const struct recovery_last *last = &machine->state->last_recovery;
    const struct kept *staged = machine->state->kept[MACHINE_STAGED];

    if (last->kind == RECOVERY_NONE || last->operation != operation) {
        return false;
    }
    if (last->kind != kind ||
        (kind == RECOVERY_COMMIT && staged != NULL && staged->id == stage)) {
        ret->code = QL_EXISTS;
        return true;
    }
    ret->duplicate = true;
    ret->recovery.last = *last;
    return true;
}

static bool is_expected(const struct machine *machine,
                        const struct recovery_undo_args *args,
                        struct outcome *ret)
{
    const struct state *state = machine->state;

    if (!args->has_expect_state || args->discard_newer ||
        args->expect_state == state->state_index) {
        return true;
    }
    ret->code = QL_CONDITION_FAILED;
    ret->position = state->state_index;
    return false;
}

static void swap(struct machine *machine, enum machine_part part,
                 uint64_t operation, struct outcome *ret)
{
    struct state *state = machine->state;
    struct recovery_last *last = &state->last_recovery;
    struct kept *kept = state->kept[part];
    struct kept *undo = state->kept[MACHINE_UNDO];
    struct kept *draft = state->kept[MACHINE_DRAFT];
    uint64_t uid_last = state->logs.uid_last;
    uint64_t opened_last = state->logs.opened_last;
    size_t i;

    *last = (struct recovery_last){
        .operation = operation,
        .kind = part == MACHINE_UNDO ? RECOVERY_UNDO : RECOVERY_COMMIT,
        .index = machine->index,
        .state_index = state->state_index,
        .logs_before = state->logs.count,
        .entries_before = state->logs.entries,
        .logs_after = kept->logs.count,
        .entries_after = kept->logs.entries};
    (void)snprintf(last->source, sizeof(last->source), "%s",
                   part == MACHINE_UNDO ? "undo" : kept->source);
    if (part == MACHINE_STAGED && undo != NULL) {
        state_let_go_all(state, &undo->logs);
    }
    for (i = 0; i < kept->logs.count; i++) {
        struct log *log = kept->logs.by_uid[i];

        logs_touch(&kept->logs, log);
        renew(state, log, logs_find(&state->logs, log->name));
    }
    logs_seal_all(&state->logs);
    let_go(&state->logs);
    logs_swap(&state->logs, &kept->logs);
    if (state->logs.uid_last < uid_last) {
        state->logs.uid_last = uid_last;
    }
    state->logs.opened_last = opened_last;
    kept->logs.opened_last = 0;
    producers_void(&state->producers, machine->index);
    become_undo(machine, kept, part == MACHINE_UNDO);
    state->kept[part] = NULL;
    state->kept[MACHINE_UNDO] = kept;
    state->state_index++;
    machine_set_clock(machine, newest_entry(&state->logs));
    if (age_would_drop(state)) {
        state->age_suspended = true;
    }
    last->time_ms = state->time_ms;
    ret->recovery.last = *last;
    if (part == MACHINE_STAGED) {
        kept_free(undo);
        kept_free(draft); /* an edit of what is live now */
        state->kept[MACHINE_DRAFT] = NULL;
    }
    machine_changed_all(machine);
}

/* Would what came back be dropped by the next tick for its age, whatever else may
 * drop it? It is older by as much as its backup is: an operator says when that is to
 * count again. */
static bool age_would_drop(const struct state *state)
{
    const struct list *link;

    for (link = state->logs.retained.next; link != &state->logs.retained;
         link = link->next) {
        const struct log *log = LIST_ITEM(link, struct log, retained_link);

        if (log->retention.age_ms != 0 && log_chunk_count(log) > 0 &&
            state->time_ms - log_chunk(log, 0)->last_time_ms >
                log->retention.age_ms) {
            return true;
        }
    }
    return false;
}

/* @live is the log that has the name now, or NULL. Unless it is this very log,
 * that one may have been there and gone since the backup. */
static void renew(const struct state *state, struct log *log,
                  const struct log *live)
{
    uint64_t epoch = log->writer_epoch;

    if (live == NULL || live->uid != log->uid) {
        if (log->incarnation < state->gone_incarnation) {
            log->incarnation = state->gone_incarnation;
        }
        if (epoch < state->gone_epoch) {
            epoch = state->gone_epoch;
        }
    }
    if (live != NULL) {
        if (log->incarnation < live->incarnation) {
            log->incarnation = live->incarnation;
        }
        if (epoch < live->writer_epoch) {
            epoch = live->writer_epoch;
        }
        if (log->tail < live->tail) {
            log->tail = live->tail;
        }
    }
    log->incarnation++;
    log_set_writer(log, epoch + 1, (struct bytes){NULL, 0});
}

/* Nobody holds a log that is not live. */
static void let_go(struct logs *logs)
{
    size_t i;

    for (i = 0; i < logs->count; i++) {
        struct log *log = logs->by_uid[i];

        if (log->writer_name.len > 0) {
            logs_touch(logs, log);
            log_set_writer(log, log->writer_epoch, (struct bytes){NULL, 0});
        }
    }
}

static uint64_t newest_entry(const struct logs *logs)
{
    uint64_t time_ms = 0;
    size_t i;

    for (i = 0; i < logs->count; i++) {
        if (time_ms < logs->by_uid[i]->last_time_ms) {
            time_ms = logs->by_uid[i]->last_time_ms;
        }
    }
    return time_ms;
}

/* @kept has what was live until now. The clock is that of the command yet. */
static void become_undo(struct machine *machine, struct kept *kept,
                        bool is_undo)
{
    struct state *state = machine->state;

    kept->id = state_next_kept_id(state, machine->index);
    kept->revision = 1;
    kept->from_index = machine->index;
    kept->from_time_ms = state->time_ms;
    kept->from_state_index = state->state_index;
    kept->deleted = 0;
    if (is_undo) {
        kept_set_source(kept, "undo");
    }
}
