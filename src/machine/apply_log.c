/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The commands about logs themselves: create, configure, delete, trim. */
#include <string.h>

#include "machine/apply.h"
#include "machine/must.h"

static bool retention_equal(const struct retention *a,
                            const struct retention *b);

void apply_log_create(struct machine *machine, struct bytes params,
                      struct outcome *ret)
{
    struct state *state = machine->state;
    struct log_config_args args;
    struct log *log;

    ret->code = must_have_memory(log_config_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    log = logs_find(&state->logs, args.log);
    if (log != NULL) {
        ret->log_uid = log->uid;
        if (args.token == 0 || args.token != log->token) {
            ret->code = QL_EXISTS;
            return;
        }
        apply_answer_stat(ret, log);
        return;
    }
    if (apply_is_frozen(machine, ret)) {
        return;
    }
    if (state->logs.count == LOGS_MAX) {
        ret->code = QL_LIMIT;
        return;
    }
    if (state->space_low) {
        ret->code = QL_NO_SPACE;
        return;
    }
    log = log_new(state->logs.uid_last + 1, args.log);
    log->token = args.token;
    log->retention = args.retention;
    logs_insert(&state->logs, log);
    state->state_index++;
    ret->log_uid = log->uid;
    apply_answer_stat(ret, log);
    machine_changed(machine, log);
}

void apply_log_configure(struct machine *machine, struct bytes params,
                         struct outcome *ret)
{
    struct state *state = machine->state;
    struct log_config_args args;
    struct log *log;

    ret->code = must_have_memory(log_config_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    log = apply_find_log(machine, args.log, ret);
    if (log == NULL || apply_is_frozen(machine, ret)) {
        return;
    }
    if (!retention_equal(&log->retention, &args.retention)) {
        logs_configure(&state->logs, log, &args.retention);
        state->state_index++;
    }
    apply_answer_stat(ret, log);
}

void apply_log_delete(struct machine *machine, struct bytes params,
                      struct outcome *ret)
{
    struct log_args args;
    struct log *log;

    ret->code = must_have_memory(log_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    log = apply_find_log(machine, args.log, ret);
    if (log == NULL || apply_is_frozen(machine, ret)) {
        return;
    }
    logs_remove(&machine->state->logs, log);
    state_let_go(machine->state, log);
    machine->grave = log;
    machine->state->state_index++;
    apply_answer_stat(ret, log);
    machine_changed(machine, log);
}

void apply_log_trim(struct machine *machine, struct bytes params,
                    struct outcome *ret)
{
    struct log_trim_args args;
    struct log *log;

    ret->code = must_have_memory(log_trim_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    log = apply_find_log(machine, args.log, ret);
    if (log == NULL) {
        return;
    }
    if (args.before > log->tail) {
        ret->code = QL_INVALID;
        ret->position = log->tail;
        return;
    }
    if (apply_is_frozen(machine, ret)) {
        return;
    }
    if (args.before > log->head) {
        logs_trim(&machine->state->logs, log, args.before);
        machine->state->state_index++;
        machine_changed(machine, log);
    }
    apply_answer_stat(ret, log);
}

struct log *apply_find_log(struct machine *machine, struct bytes name,
                           struct outcome *ret)
{
    struct log *log = logs_find(&machine->state->logs, name);

    if (log == NULL) {
        ret->code = QL_NOT_FOUND;
        return NULL;
    }
    logs_touch(&machine->state->logs, log);
    ret->log_uid = log->uid;
    return log;
}

void apply_answer_stat(struct outcome *ret, const struct log *log)
{
    ret->has_stat = true;
    log_stat_fill(log, &ret->stat);
}

static bool retention_equal(const struct retention *a,
                            const struct retention *b)
{
    return a->entries == b->entries && a->bytes == b->bytes &&
           a->age_ms == b->age_ms;
}
