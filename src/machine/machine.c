/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "machine/apply.h"
#include "machine/image.h"
#include "machine/must.h"
#include "util/mem.h"
#include "wire/args_cluster.h"

/* An idle cluster's clock moves at least this often, so that a long silence does
 * not look like a jump. */
#define CLOCK_IDLE_MS (CLOCK_JUMP_MS / 4)

static const struct machine_limits default_limits = {CHUNK_BYTES,
                                                     OPEN_CHUNKS_BYTES};

static void apply_tick(struct machine *machine, struct bytes params,
                       struct outcome *ret);
static void apply_confirm_clock(struct machine *machine, struct bytes params,
                                struct outcome *ret);
static void apply_nothing(struct machine *machine, struct bytes params,
                          struct outcome *ret);
static void apply_space(struct machine *machine, struct bytes params,
                        struct outcome *ret);
static bool retain_logs(struct machine *machine);

struct apply_row {
    enum command_kind kind;
    void (*apply)(struct machine *machine, struct bytes params,
                  struct outcome *ret);
};

static const struct apply_row apply_rows[] = {
    {COMMAND_LOG_CREATE, apply_log_create},
    {COMMAND_LOG_CONFIGURE, apply_log_configure},
    {COMMAND_LOG_DELETE, apply_log_delete},
    {COMMAND_LOG_TRIM, apply_log_trim},
    {COMMAND_LOG_APPEND, apply_log_append},
    {COMMAND_PRODUCER_OPEN, apply_producer_open},
    {COMMAND_PRODUCER_CLOSE, apply_producer_close},
    {COMMAND_WRITER_ACQUIRE, apply_writer_acquire},
    {COMMAND_WRITER_RELEASE, apply_writer_release},
    {COMMAND_TICK, apply_tick},
    {COMMAND_CONFIRM_CLOCK, apply_confirm_clock},
    {COMMAND_SPACE, apply_space},
    {COMMAND_FREEZE, apply_freeze},
    {COMMAND_THAW, apply_thaw},
    {COMMAND_DIGEST, apply_nothing},
    {COMMAND_BACKUP_CREATE, apply_backup_create},
    {COMMAND_BACKUP_DELETE, apply_backup_delete},
    {COMMAND_BACKUP_ADD, apply_backup_add},
    {COMMAND_SETTINGS, apply_settings},
    {COMMAND_RECOVERY_BEGIN, apply_recovery_begin},
    {COMMAND_RECOVERY_LOAD, apply_recovery_load},
    {COMMAND_RECOVERY_END, apply_recovery_end},
    {COMMAND_RECOVERY_UNLOAD, apply_recovery_unload},
    {COMMAND_RECOVERY_COMMIT, apply_recovery_commit},
    {COMMAND_RECOVERY_UNDO, apply_recovery_undo},
};

struct machine *machine_new(const struct machine_limits *limits)
{
    struct machine *machine = mem_must_zalloc(sizeof(*machine));

    (void)machine_take_state(
        machine, state_new(limits == NULL ? &default_limits : limits));
    return machine;
}

void machine_free(struct machine *machine)
{
    if (machine == NULL) {
        return;
    }
    state_free(machine->state);
    log_free(machine->grave);
    free(machine);
}

void machine_begin(struct machine *machine, uint64_t index, uint64_t time_ms)
{
    machine->index = index;
    machine_set_clock(machine, time_ms);
}

void machine_set_clock(struct machine *machine, uint64_t time_ms)
{
    struct state *state = machine->state;

    if (time_ms <= state->time_ms) {
        return;
    }
    if (state->time_ms != 0 && time_ms - state->time_ms > CLOCK_JUMP_MS) {
        state->age_suspended = true;
    }
    state->time_ms = time_ms;
}

/* All but the places, of which there are as many as append.count says: they are
 * nearly all of it. */
static void clear(struct outcome *ret)
{
    size_t places = offsetof(struct outcome, append.places);
    size_t behind = places + sizeof(ret->append.places);

    memset(ret, 0, places);
    memset((uint8_t *)ret + behind, 0, sizeof(*ret) - behind);
}

void machine_apply(struct machine *machine, const struct command *command,
                   struct outcome *ret)
{
    size_t i;

    log_free(machine->grave);
    machine->grave = NULL;
    clear(ret);
    ret->kind = command->kind;
    for (i = 0; i < sizeof(apply_rows) / sizeof(apply_rows[0]); i++) {
        if (apply_rows[i].kind == command->kind) {
            apply_rows[i].apply(machine, command->params, ret);
            return;
        }
    }
    ret->code = QL_UNKNOWN_METHOD;
}

void machine_on_changed(struct machine *machine, machine_changed_cb cb,
                        void *data)
{
    machine->changed = cb;
    machine->changed_data = data;
}

void machine_changed(const struct machine *machine, const struct log *log)
{
    if (machine->changed != NULL) {
        machine->changed(machine->changed_data, log->uid);
    }
}

void machine_counts(const struct machine *machine, struct machine_counts *ret)
{
    const struct state *state = machine->state;

    ret->logs = state->logs.count;
    ret->entries = state->logs.entries;
    ret->bytes = state->logs.bytes;
    ret->producers = state->producers.count;
    ret->state_index = state->state_index;
    ret->time_ms = state->time_ms;
    ret->age_suspended = state->age_suspended;
    ret->space_low = state->space_low;
    ret->frozen = state->standstill.frozen;
}

void machine_standstill(const struct machine *machine,
                        struct machine_standstill *ret)
{
    const struct standstill *standstill = &machine->state->standstill;

    *ret = (struct machine_standstill){.frozen = standstill->frozen,
                                       .since_ms = standstill->since_ms,
                                       .reason = standstill->reason,
                                       .by = standstill->by};
}

bool machine_wants_tick(const struct machine *machine, uint64_t time_ms)
{
    const struct state *state = machine->state;
    const struct list *link = state->logs.retained.next;

    if (state->time_ms == 0) {
        return false;
    }
    if (time_ms < state->time_ms) {
        time_ms = state->time_ms;
    }
    if (time_ms - state->time_ms > CLOCK_IDLE_MS) {
        return true;
    }
    if (state->standstill.frozen) {
        return false;
    }
    if (!state->age_suspended &&
        producers_idle(&state->producers, time_ms) != NULL) {
        return true;
    }
    while (link != &state->logs.retained) {
        if (log_retention_due(LIST_ITEM(link, struct log, retained_link),
                              time_ms, state->age_suspended)) {
            return true;
        }
        link = link->next;
    }
    return false;
}

int machine_restore(struct machine *machine, const uint8_t *image, size_t len,
                    const struct chunk_source *source, struct err *err)
{
    struct state *state;
    int rv;

    rv = image_read(&state, &machine->state->logs.limits, image, len, source,
                    err);
    if (rv != 0) {
        return rv;
    }
    state_free(machine_take_state(machine, state));
    machine_changed_all(machine);
    return 0;
}

void machine_swap_state(struct machine *a, struct machine *b)
{
    const struct machine_limits *limits = &a->state->logs.limits;

    assert(limits->chunk_bytes == b->state->logs.limits.chunk_bytes);
    assert(limits->open_bytes == b->state->logs.limits.open_bytes);
    (void)machine_take_state(b, machine_take_state(a, b->state));
    machine_changed_all(a);
    machine_changed_all(b);
}

void machine_changed_all(const struct machine *machine)
{
    if (machine->changed != NULL) {
        machine->changed(machine->changed_data, 0);
    }
}

static void apply_tick(struct machine *machine, struct bytes params,
                       struct outcome *ret)
{
    struct state *state = machine->state;
    struct producer *idle;

    (void)params;
    (void)ret;
    if (state->standstill.frozen) {
        return;
    }
    if (retain_logs(machine)) {
        state->state_index++;
    }
    if (state->age_suspended) {
        return;
    }
    idle = producers_idle(&state->producers, state->time_ms);
    while (idle != NULL) {
        producers_remove(&state->producers, idle);
        idle = producers_idle(&state->producers, state->time_ms);
    }
}

static void apply_confirm_clock(struct machine *machine, struct bytes params,
                                struct outcome *ret)
{
    (void)params;
    (void)ret;
    machine->state->age_suspended = false;
}

static void apply_nothing(struct machine *machine, struct bytes params,
                          struct outcome *ret)
{
    (void)machine;
    (void)params;
    (void)ret;
}

static void apply_space(struct machine *machine, struct bytes params,
                        struct outcome *ret)
{
    struct space_args args;

    ret->code = must_have_memory(space_args_decode(&args, params, NULL));
    if (ret->code == 0) {
        machine->state->space_low = args.low;
    }
}

/* The order of the list does not matter: what one log drops depends on itself
 * alone. Returns whether any dropped something. */
static bool retain_logs(struct machine *machine)
{
    struct state *state = machine->state;
    struct list *link;
    struct log *log;
    bool dropped = false;

    for (link = state->logs.retained.next; link != &state->logs.retained;
         link = link->next) {
        log = LIST_ITEM(link, struct log, retained_link);
        if (logs_retain(&state->logs, log, state->time_ms,
                        state->age_suspended)) {
            dropped = true;
            machine_changed(machine, log);
        }
    }
    return dropped;
}
