/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The table of backups and the settings. A backup is of the state just before the
 * command: its logs are what every node freezes while it is told. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "machine/apply.h"
#include "machine/must.h"
#include "wire/args_settings.h"

static bool may_add(const struct machine *machine, const char *name,
                    struct outcome *ret);
static uint64_t next_id(const struct machine *machine);
static void name_by_time(const struct machine *machine,
                         char ret[BACKUP_NAME_MAX + 1]);
static struct bytes name_bytes(const char *name);

void apply_backup_create(struct machine *machine, struct bytes params,
                         struct outcome *ret)
{
    struct state *state = machine->state;
    struct backup_create_args args;
    struct backup_row row = {0};

    ret->code =
        must_have_memory(backup_create_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    if (args.name[0] == '\0') {
        name_by_time(machine, args.name);
    }
    if (!may_add(machine, args.name, ret)) {
        return;
    }
    row.id = next_id(machine);
    memcpy(row.name, args.name, sizeof(row.name));
    row.index = machine->index;
    row.time_ms = state->time_ms;
    row.state_index = state->state_index;
    row.logs = state->logs.count;
    row.entries = state->logs.entries;
    row.bytes = state->logs.bytes;
    row.chunks = state->logs.chunks;
    row.scheduled = args.scheduled;
    machine_logs_digest(machine, row.digest);
    if (machine->on_backup != NULL) {
        machine->on_backup(machine->on_backup_data, &row);
    }
    ret->backup = backups_add(&state->backups, &row);
}

void apply_backup_delete(struct machine *machine, struct bytes params,
                         struct outcome *ret)
{
    struct backups *backups = &machine->state->backups;
    struct backup_delete_args args;
    const struct backup_row *row;

    ret->code =
        must_have_memory(backup_delete_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    row = backups_find(backups, name_bytes(args.name));
    if (row == NULL || (args.id != 0 && args.id != row->id)) {
        ret->code = QL_NOT_FOUND;
        return;
    }
    machine->gone = *row;
    ret->backup = &machine->gone;
    backups_remove(backups, row);
}

/* The id is ours to give: that of another cluster may be taken here. */
void apply_backup_add(struct machine *machine, struct bytes params,
                      struct outcome *ret)
{
    struct backup_row row;

    ret->code = must_have_memory(backup_row_decode(&row, params, NULL));
    if (ret->code != 0) {
        return;
    }
    if (row.name[0] == '\0') {
        ret->code = QL_INVALID;
        return;
    }
    if (!may_add(machine, row.name, ret)) {
        return;
    }
    row.id = next_id(machine);
    ret->backup = backups_add(&machine->state->backups, &row);
}

void apply_settings(struct machine *machine, struct bytes params,
                    struct outcome *ret)
{
    struct machine_settings *settings = &machine->state->settings;
    struct settings_args args;

    ret->code = must_have_memory(settings_args_decode(&args, params, NULL));
    if (ret->code != 0 || (args.only_if_unset && settings->set) ||
        (!args.has_interval && args.max_saved_backups == 0)) {
        return;
    }
    if (!settings->set) {
        settings->set = true;
        settings->backup_interval_ms = BACKUP_INTERVAL_MS;
        settings->max_saved_backups = BACKUPS_SAVED;
    }
    if (args.has_interval) {
        settings->backup_interval_ms = args.backup_interval_ms;
    }
    if (args.max_saved_backups != 0) {
        settings->max_saved_backups = args.max_saved_backups;
    }
}

static bool may_add(const struct machine *machine, const char *name,
                    struct outcome *ret)
{
    const struct backups *backups = &machine->state->backups;

    if (backups_find(backups, name_bytes(name)) != NULL) {
        ret->code = QL_EXISTS;
        return false;
    }
    if (backups->count == BACKUPS_MAX) {
        ret->code = QL_LIMIT;
        return false;
    }
    return true;
}

/* Several commands may stand in one raft entry. */
static uint64_t next_id(const struct machine *machine)
{
    uint64_t id = machine->state->backups.id_last + 1;

    return id > machine->index ? id : machine->index;
}

/* The machine's clock as people write it, and a number when that is taken. */
static void name_by_time(const struct machine *machine,
                         char ret[BACKUP_NAME_MAX + 1])
{
    const struct state *state = machine->state;
    time_t seconds = (time_t)(state->time_ms / 1000);
    char name[BACKUP_NAME_MAX - 8];
    unsigned number = 1;
    struct tm utc;

    if (gmtime_r(&seconds, &utc) != NULL) {
        (void)snprintf(name, sizeof(name),
                       "quorlog-backup-%04d-%02d-%02d-%02d-%02d-%02d",
                       utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                       utc.tm_hour, utc.tm_min, utc.tm_sec);
    } else { /* a year that does not fit */
        (void)snprintf(name, sizeof(name), "quorlog-backup-%" PRIu64,
                       state->time_ms);
    }
    (void)snprintf(ret, BACKUP_NAME_MAX + 1, "%s", name);
    while (backups_find(&state->backups, name_bytes(ret)) != NULL) {
        number++;
        (void)snprintf(ret, BACKUP_NAME_MAX + 1, "%s-%u", name, number);
    }
}

static struct bytes name_bytes(const char *name)
{
    return (struct bytes){(const uint8_t *)name, strlen(name)};
}
