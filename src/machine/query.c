/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Asking the machine about its logs, and reading their entries. */
#include <string.h>

#include "machine/state.h"
#include "util/mem.h"

static bool has_prefix(struct bytes name, struct bytes prefix);
static size_t list_start(const struct logs *logs,
                         const struct log_list_args *args);
static bool reader_enter(struct machine_reader *reader);

int machine_log_stat(const struct machine *machine, struct bytes log,
                     struct log_stat *ret)
{
    const struct log *found = logs_find(&machine->state->logs, log);

    if (found == NULL) {
        return QL_NOT_FOUND;
    }
    log_stat_fill(found, ret);
    return 0;
}

int machine_log_stat_uid(const struct machine *machine, uint64_t uid,
                         struct log_stat *ret)
{
    const struct log *found = logs_find_uid(&machine->state->logs, uid);

    if (found == NULL) {
        return QL_NOT_FOUND;
    }
    log_stat_fill(found, ret);
    return 0;
}

int machine_log_list(const struct machine *machine,
                     const struct log_list_args *args,
                     struct log_list_result *ret)
{
    return machine_part_list(machine, MACHINE_LIVE, args, ret);
}

int machine_part_list(const struct machine *machine, enum machine_part part,
                      const struct log_list_args *args,
                      struct log_list_result *ret)
{
    const struct logs *logs = state_logs(machine->state, part);
    size_t max = args->max;
    size_t from;
    size_t to;
    size_t i;

    if (logs == NULL) {
        return QL_NOT_FOUND;
    }
    from = list_start(logs, args);
    if (max == 0 || max > LIST_PAGE_MAX) {
        max = LIST_PAGE_MAX;
    }
    to = from;
    while (to < logs->count && to - from < max &&
           has_prefix(logs->by_name[to]->name, args->prefix)) {
        to++;
    }
    ret->count = to - from;
    ret->more =
        to < logs->count && has_prefix(logs->by_name[to]->name, args->prefix);
    ret->stats = NULL;
    if (ret->count > 0) {
        ret->stats = mem_must_array(ret->count, sizeof(*ret->stats));
    }
    for (i = 0; i < ret->count; i++) {
        log_stat_fill(logs->by_name[from + i], &ret->stats[i]);
    }
    return 0;
}

int machine_reader_open(struct machine_reader *ret,
                        const struct machine *machine, uint64_t log_uid,
                        uint64_t from, uint64_t to, uint64_t *ret_head)
{
    return machine_reader_open_part(ret, machine, MACHINE_LIVE, log_uid, from,
                                    to, ret_head);
}

int machine_reader_open_part(struct machine_reader *ret,
                             const struct machine *machine,
                             enum machine_part part, uint64_t uid,
                             uint64_t from, uint64_t to, uint64_t *ret_head)
{
    const struct logs *logs = state_logs(machine->state, part);
    const struct log *log = logs == NULL ? NULL : logs_find_uid(logs, uid);

    if (log == NULL) {
        return QL_NOT_FOUND;
    }
    if (ret_head != NULL) {
        *ret_head = log->head;
    }
    if (from == 0) {
        from = log->head;
    }
    if (from < log->head) {
        return QL_TRIMMED;
    }
    ret->log = log;
    ret->at = from;
    ret->to = to == 0 || to > log->tail ? log->tail : to;
    ret->chunk = NULL;
    ret->offset = 0;
    ret->absent = NULL;
    return 0;
}

enum machine_read machine_reader_next(struct machine_reader *reader,
                                      struct read_entry *ret)
{
    struct read_entry entry;

    if (reader->at >= reader->to) {
        return MACHINE_READ_END;
    }
    while (reader->chunk != NULL || reader_enter(reader)) {
        if (reader->chunk->memory == NULL) {
            reader->absent = reader->chunk;
            return MACHINE_READ_ABSENT;
        }
        if (!chunk_next(reader->chunk, &reader->offset, &entry)) {
            reader->at = reader->chunk->name.last + 1;
            reader->chunk = NULL;
            continue;
        }
        if (entry.position >= reader->to) {
            break;
        }
        reader->at = entry.position + 1;
        *ret = entry;
        return MACHINE_READ_ENTRY;
    }
    reader->at = reader->to;
    return MACHINE_READ_END;
}

struct chunk *machine_reader_ahead(const struct machine_reader *reader)
{
    struct chunk *chunk;
    uint64_t position;

    if (reader->chunk == NULL) {
        return NULL;
    }
    position = reader->chunk->name.last + 1;
    chunk = log_find(reader->log, position);
    if (chunk == NULL) {
        return NULL;
    }
    chunk = chunk_leaf(chunk, position);
    if (chunk->memory != NULL || chunk->name.first >= reader->to) {
        return NULL;
    }
    return chunk;
}

/* Finds the chunk, or part of one, that has the next entry; false when none
 * does. */
static bool reader_enter(struct machine_reader *reader)
{
    struct chunk *chunk = log_find(reader->log, reader->at);

    if (chunk == NULL || reader->at >= reader->to) {
        return false;
    }
    reader->chunk = chunk_leaf(chunk, reader->at);
    reader->offset = 0;
    if (reader->chunk->memory != NULL) {
        reader->offset = chunk_find(reader->chunk, reader->at);
    }
    return true;
}

static bool has_prefix(struct bytes name, struct bytes prefix)
{
    return name.len >= prefix.len &&
           (prefix.len == 0 || memcmp(name.data, prefix.data, prefix.len) == 0);
}

/* The first name with the prefix that is behind args->after. */
static size_t list_start(const struct logs *logs,
                         const struct log_list_args *args)
{
    size_t by_prefix = logs_find_name(logs, args->prefix);
    size_t by_after;

    if (args->after.len == 0) {
        return by_prefix;
    }
    by_after = logs_find_name(logs, args->after);
    if (by_after < logs->count) {
        const struct log *log = logs->by_name[by_after];

        if (log->name.len == args->after.len &&
            memcmp(log->name.data, args->after.data, args->after.len) == 0) {
            by_after++;
        }
    }
    return by_after > by_prefix ? by_after : by_prefix;
}
