/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* log.append: one or many entries to one or many logs, whole or not at all, and
 * exactly once for a producer. */
#include "machine/apply.h"
#include "machine/must.h"

static bool admit(struct machine *machine, const struct append_args *args,
                  struct outcome *ret, struct producer **ret_producer);
static void append_parts(struct machine *machine,
                         const struct append_args *args, struct outcome *ret);
static void check_part(struct log *log, const struct append_part_args *part,
                       struct outcome *ret);
static void append_part(struct machine *machine, struct log *log,
                        const struct append_part_args *part,
                        struct outcome *ret);

void apply_log_append(struct machine *machine, struct bytes params,
                      struct outcome *ret)
{
    struct append_args args;
    struct producer *producer = NULL;

    ret->code = must_have_memory(append_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    if (admit(machine, &args, ret, &producer)) {
        append_parts(machine, &args, ret);
        if (producer != NULL) {
            producer_keep(producer, ret);
        }
    }
    append_args_close(&args);
}

int machine_append_status(const struct machine *machine, uint64_t producer,
                          uint64_t sequence, struct append_result *ret)
{
    const struct producer_result *result;
    struct producer *found;
    struct outcome outcome;
    int rv;

    rv = producers_find(&machine->state->producers, producer, &found);
    if (rv != 0) {
        return rv;
    }
    if (sequence == 0 || sequence > found->last) {
        return QL_NOT_FOUND;
    }
    result = producer_result(found, sequence);
    if (result == NULL) {
        return QL_DUPLICATE_UNKNOWN;
    }
    producer_result_fill(result, &outcome);
    if (outcome.code == 0) {
        *ret = outcome.append;
    }
    return outcome.code;
}

/* False when @ret is the answer already. Otherwise *ret_producer, when there is
 * one, is to keep the result as that of its next sequence. */
static bool admit(struct machine *machine, const struct append_args *args,
                  struct outcome *ret, struct producer **ret_producer)
{
    struct state *state = machine->state;
    const struct producer_result *result;
    struct producer *producer;

    if (args->producer == 0) {
        return true;
    }
    ret->code = producers_find(&state->producers, args->producer, &producer);
    if (ret->code != 0) {
        ret->producer = args->producer;
        return false;
    }
    producers_use(&state->producers, producer, state->time_ms);
    if (args->sequence == producer->last + 1) {
        *ret_producer = producer;
        return true;
    }
    if (args->sequence > producer->last) {
        ret->code = QL_OUT_OF_ORDER;
        ret->position = producer->last + 1;
        return false;
    }
    result = producer_result(producer, args->sequence);
    if (result == NULL) {
        ret->code = QL_DUPLICATE_UNKNOWN;
        return false;
    }
    producer_result_fill(result, ret);
    ret->duplicate = true;
    return false;
}

/* Checks all parts before it touches the first. */
static void append_parts(struct machine *machine,
                         const struct append_args *args, struct outcome *ret)
{
    struct log *logs[APPEND_PARTS_MAX];
    size_t i;

    for (i = 0; i < args->parts_count; i++) {
        logs[i] = apply_find_log(machine, args->parts[i].log, ret);
        if (logs[i] == NULL) {
            ret->log_uid = 0;
            return;
        }
        check_part(logs[i], &args->parts[i], ret);
        if (ret->code != 0) {
            return;
        }
    }
    if (apply_is_frozen(machine, ret)) {
        return;
    }
    if (machine->state->logs.chunks >= CHUNKS_MAX) {
        ret->code = QL_LIMIT;
        return;
    }
    if (machine->state->space_low) {
        ret->code = QL_NO_SPACE;
        return;
    }
    for (i = 0; i < args->parts_count; i++) {
        append_part(machine, logs[i], &args->parts[i], ret);
    }
    ret->log_uid = logs[0]->uid;
    ret->append.time_ms = machine->state->time_ms;
    machine->state->state_index++;
}

static void check_part(struct log *log, const struct append_part_args *part,
                       struct outcome *ret)
{
    if (!log_writer_admits(log, part->epoch)) {
        ret->code = QL_FENCED;
        ret->position = log->writer_epoch;
        return;
    }
    if (part->expect_position != 0 && part->expect_position != log->tail) {
        ret->code = QL_CONDITION_FAILED;
        ret->position = log->tail;
    }
}

static void append_part(struct machine *machine, struct log *log,
                        const struct append_part_args *part,
                        struct outcome *ret)
{
    struct append_place *place = &ret->append.places[ret->append.count];
    size_t i;

    place->first = log->tail;
    place->count = part->entries_count;
    ret->append.count++;
    for (i = 0; i < part->entries_count; i++) {
        logs_append(&machine->state->logs, log, &part->entries[i],
                    machine->state->time_ms);
    }
    machine_changed(machine, log);
}
