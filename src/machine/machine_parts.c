/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/machine_parts.h"

#include <string.h>

#include "machine/state.h"

static const struct log *find_log(const struct machine *machine,
                                  enum machine_part part, uint64_t uid);
static int stat_of(const struct log *log, struct log_stat *ret);

/* ---- Kept states --------------------------------------------------------- */

bool machine_part_info(const struct machine *machine, enum machine_part part,
                       struct machine_part_info *ret)
{
    struct logs *logs = state_logs(machine->state, part);
    const struct kept *kept = machine->state->kept[part];

    if (logs == NULL) {
        return false;
    }
    memset(ret, 0, sizeof(*ret));
    if (kept != NULL) {
        ret->id = kept->id;
        ret->revision = kept->revision;
        ret->source.data = (const uint8_t *)kept->source;
        ret->source.len = strlen(kept->source);
        ret->from_index = kept->from_index;
        ret->from_time_ms = kept->from_time_ms;
        ret->from_state_index = kept->from_state_index;
        ret->deleted = kept->deleted;
        ret->next_seq = kept->next_seq;
        ret->edit_of = kept->edit_of;
        ret->log_uid = kept->log_uid;
        ret->total_bytes = kept->total_bytes;
        state_logs_digest(logs, ret->digest);
    } else {
        machine_logs_digest(machine, ret->digest);
    }
    ret->logs = logs->count;
    ret->entries = logs->entries;
    ret->bytes = logs->bytes;
    ret->chunks = logs->chunks;
    return true;
}

int machine_part_stat(const struct machine *machine, enum machine_part part,
                      struct bytes log, struct log_stat *ret)
{
    const struct logs *logs = state_logs(machine->state, part);

    return stat_of(logs == NULL ? NULL : logs_find(logs, log), ret);
}

int machine_part_stat_uid(const struct machine *machine, enum machine_part part,
                          uint64_t uid, struct log_stat *ret)
{
    return stat_of(find_log(machine, part, uid), ret);
}

int machine_part_log(const struct machine *machine, enum machine_part part,
                     uint64_t uid, struct load_log *ret)
{
    const struct log *log = find_log(machine, part, uid);

    if (log == NULL) {
        return QL_NOT_FOUND;
    }
    *ret = (struct load_log){.uid = log->uid,
                             .incarnation = log->incarnation,
                             .token = log->token,
                             .head = log->head,
                             .tail = log->tail,
                             .last_time_ms = log->last_time_ms,
                             .retention = log->retention,
                             .writer_epoch = log->writer_epoch,
                             .name = log->name};
    memcpy(ret->base, log->base, sizeof(ret->base));
    return 0;
}

struct chunk *const *machine_part_chunks(const struct machine *machine,
                                         enum machine_part part, uint64_t uid,
                                         size_t *ret_count)
{
    const struct log *log = find_log(machine, part, uid);

    *ret_count = log == NULL ? 0 : chunk_list_count(log->sealed);
    return *ret_count == 0 ? NULL : log->sealed->chunks;
}

struct chunk *machine_part_open(const struct machine *machine,
                                enum machine_part part, uint64_t uid)
{
    const struct log *log = find_log(machine, part, uid);

    return log == NULL ? NULL : log->open;
}

struct chunk *machine_part_find(const struct machine *machine,
                                enum machine_part part, uint64_t uid,
                                uint64_t position)
{
    const struct log *log = find_log(machine, part, uid);
    size_t index;

    if (log == NULL) {
        return NULL;
    }
    index = chunk_list_find(log->sealed, position);
    return index == chunk_list_count(log->sealed)
               ? NULL
               : chunk_list_at(log->sealed, index);
}

const uint8_t *machine_part_base(const struct machine *machine,
                                 enum machine_part part, uint64_t uid)
{
    const struct log *log = find_log(machine, part, uid);

    return log == NULL ? NULL : log->base;
}

bool machine_has_chunk(const struct machine *machine,
                       const struct chunk_facts *facts)
{
    return state_find_kept(machine->state, facts, NULL) != NULL;
}

struct chunk *machine_find_named(const struct machine *machine,
                                 const struct chunk_name *name,
                                 const uint8_t **ret_from)
{
    return state_find_named(machine->state, name, MACHINE_PARTS, ret_from);
}

/* ---- The rest ------------------------------------------------------------ */

void machine_last_recovery(const struct machine *machine,
                           struct recovery_last *ret)
{
    *ret = machine->state->last_recovery;
}

uint64_t machine_backups_last(const struct machine *machine)
{
    return machine->state->backups.id_last;
}

const struct backup_row *machine_backups(const struct machine *machine,
                                         size_t *ret_count)
{
    *ret_count = machine->state->backups.count;
    return machine->state->backups.rows;
}

const struct backup_row *machine_find_backup(const struct machine *machine,
                                             struct bytes name)
{
    return backups_find(&machine->state->backups, name);
}

void machine_on_backup(struct machine *machine, machine_backup_cb cb,
                       void *data)
{
    machine->on_backup = cb;
    machine->on_backup_data = data;
}

void machine_settings(const struct machine *machine,
                      struct machine_settings *ret)
{
    *ret = machine->state->settings;
}

static const struct log *find_log(const struct machine *machine,
                                  enum machine_part part, uint64_t uid)
{
    const struct logs *logs = state_logs(machine->state, part);

    return logs == NULL ? NULL : logs_find_uid(logs, uid);
}

static int stat_of(const struct log *log, struct log_stat *ret)
{
    if (log == NULL) {
        return QL_NOT_FOUND;
    }
    log_stat_fill(log, ret);
    return 0;
}
