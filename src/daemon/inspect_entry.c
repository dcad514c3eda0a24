/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "daemon/inspect_entry.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "machine/command.h"
#include "wire/args_append.h"
#include "wire/args_log.h"
#include "wire/args_writer.h"

#define SHOWN_BYTES 64u /* of a key or a value */

static void print_batch(const struct inspect_entry *entry, bool values,
                        FILE *out);
static void print_members(const struct inspect_entry *entry, FILE *out);
static void print_member(void *data, const struct inspect_member *member);
static void print_time(uint64_t time_ms, FILE *out);
static void print_command(const struct command *command, bool values,
                          FILE *out);
static void print_append(struct bytes params, bool values, FILE *out);
static bool log_of(const struct command *command, struct bytes *ret_log);
static void print_escaped(struct bytes bytes, size_t len_max, FILE *out);

static const struct {
    enum command_kind kind;
    const char *name;
} kinds[] = {
    {COMMAND_LOG_CREATE, "log.create"},
    {COMMAND_LOG_CONFIGURE, "log.configure"},
    {COMMAND_LOG_DELETE, "log.delete"},
    {COMMAND_LOG_TRIM, "log.trim"},
    {COMMAND_LOG_APPEND, "log.append"},
    {COMMAND_PRODUCER_OPEN, "producer.open"},
    {COMMAND_PRODUCER_CLOSE, "producer.close"},
    {COMMAND_WRITER_ACQUIRE, "writer.acquire"},
    {COMMAND_WRITER_RELEASE, "writer.release"},
    {COMMAND_TICK, "tick"},
    {COMMAND_CONFIRM_CLOCK, "cluster.confirm_clock"},
    {COMMAND_SPACE, "space"},
    {COMMAND_FREEZE, "cluster.freeze"},
    {COMMAND_THAW, "cluster.thaw"},
    {COMMAND_DIGEST, "digest"},
    {COMMAND_BACKUP_CREATE, "backup.create"},
    {COMMAND_BACKUP_DELETE, "backup.delete"},
    {COMMAND_BACKUP_ADD, "backup.add"},
    {COMMAND_SETTINGS, "cluster.settings"},
    {COMMAND_RECOVERY_BEGIN, "recovery.begin"},
    {COMMAND_RECOVERY_LOAD, "recovery.load"},
    {COMMAND_RECOVERY_END, "recovery.end"},
    {COMMAND_RECOVERY_UNLOAD, "recovery.unload"},
    {COMMAND_RECOVERY_COMMIT, "recovery.commit"},
    {COMMAND_RECOVERY_UNDO, "recovery.undo"},
};

#define KINDS_COUNT (sizeof(kinds) / sizeof(kinds[0]))

void inspect_entry_print(const struct inspect_entry *entry, bool values,
                         FILE *out)
{
    static const char *const types[] = {
        [INSPECT_COMMANDS] = "commands",
        [INSPECT_BARRIER] = "barrier",
        [INSPECT_MEMBERS] = "members",
        [INSPECT_UNKNOWN] = "of a type that this version does not know",
    };

    fprintf(out, "  %" PRIu64 "  term %" PRIu64 "  %s  %zu bytes", entry->index,
            entry->term, types[entry->type], entry->payload.len);
    if (entry->type == INSPECT_COMMANDS) {
        print_batch(entry, values, out);
    } else {
        fputc('\n', out);
    }
    if (entry->type == INSPECT_MEMBERS) {
        print_members(entry, out);
    }
}

static void print_members(const struct inspect_entry *entry, FILE *out)
{
    struct err err;

    if (inspect_members(entry->payload, print_member, out, &err) != 0) {
        fprintf(out, "    no list of members: %s\n", err.text);
    }
}

static void print_member(void *data, const struct inspect_member *member)
{
    const struct bytes address = {(const uint8_t *)member->address,
                                  strlen(member->address)};
    FILE *out = data;

    fprintf(out, "    member %" PRIu64 "  peers ", member->id);
    print_escaped(address, address.len, out);
    fputs(member->voter ? "\n" : "  does not vote\n", out);
}

static void print_batch(const struct inspect_entry *entry, bool values,
                        FILE *out)
{
    struct batch batch;
    struct command command;
    struct err err;

    if (batch_decode(&batch, entry->payload.data, entry->payload.len, &err) !=
        0) {
        fprintf(out, "\n    no batch of commands: %s\n", err.text);
        return;
    }
    print_time(batch.time_ms, out);
    while (batch_next(&batch, &command)) {
        print_command(&command, values, out);
    }
}

static void print_time(uint64_t time_ms, FILE *out)
{
    time_t seconds = (time_t)(time_ms / 1000);
    char text[32];
    struct tm utc;

    if (gmtime_r(&seconds, &utc) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc) == 0) {
        fprintf(out, "  %" PRIu64 " ms\n", time_ms);
        return;
    }
    fprintf(out, "  %s.%03uZ\n", text, (unsigned)(time_ms % 1000));
}

static void print_command(const struct command *command, bool values, FILE *out)
{
    struct bytes log = {0};
    const char *name = NULL;

    for (size_t i = 0; i < KINDS_COUNT; i++) {
        if (kinds[i].kind == command->kind) {
            name = kinds[i].name;
        }
    }
    if (name == NULL) {
        fprintf(out, "    kind %u, which this version does not know\n",
                (unsigned)command->kind);
        return;
    }
    fprintf(out, "    %s", name);
    if (command->kind == COMMAND_LOG_APPEND) {
        print_append(command->params, values, out);
        return;
    }
    if (log_of(command, &log)) {
        fputc(' ', out);
        print_escaped(log, log.len, out);
    }
    fputc('\n', out);
}

static void print_append(struct bytes params, bool values, FILE *out)
{
    struct append_args args;
    struct err err;

    if (append_args_decode(&args, params, &err) != 0) {
        fprintf(out, " that the machine refuses: %s\n", err.text);
        return;
    }
    for (size_t i = 0; i < args.parts_count; i++) {
        const struct append_part_args *part = &args.parts[i];

        fputs(i == 0 ? " " : ", ", out);
        print_escaped(part->log, part->log.len, out);
        fprintf(out, " (%zu)", part->entries_count);
    }
    fputc('\n', out);
    for (size_t i = 0; values && i < args.parts_count; i++) {
        const struct append_part_args *part = &args.parts[i];

        for (size_t j = 0; j < part->entries_count; j++) {
            const struct append_entry *entry = &part->entries[j];

            fputs("      ", out);
            print_escaped(part->log, part->log.len, out);
            if (entry->key.data != NULL) {
                fputs(" key \"", out);
                print_escaped(entry->key, SHOWN_BYTES, out);
                fputc('"', out);
            }
            fputs(" value \"", out);
            print_escaped(entry->value, SHOWN_BYTES, out);
            fprintf(out, "\" %zu bytes\n", entry->value.len);
        }
    }
    append_args_close(&args);
}

static bool log_of(const struct command *command, struct bytes *ret_log)
{
    struct log_config_args config;
    struct log_args log;
    struct log_trim_args trim;
    struct writer_args writer;
    struct err err;
    int rv = QL_INVALID;

    switch (command->kind) {
    case COMMAND_LOG_CREATE:
    case COMMAND_LOG_CONFIGURE:
        rv = log_config_args_decode(&config, command->params, &err);
        if (rv == 0) {
            *ret_log = config.log;
        }
        break;
    case COMMAND_LOG_DELETE:
        rv = log_args_decode(&log, command->params, &err);
        if (rv == 0) {
            *ret_log = log.log;
        }
        break;
    case COMMAND_LOG_TRIM:
        rv = log_trim_args_decode(&trim, command->params, &err);
        if (rv == 0) {
            *ret_log = trim.log;
        }
        break;
    case COMMAND_WRITER_ACQUIRE:
        rv = writer_acquire_args_decode(&writer, command->params, &err);
        if (rv == 0) {
            *ret_log = writer.log;
        }
        break;
    case COMMAND_WRITER_RELEASE:
        rv = writer_release_args_decode(&writer, command->params, &err);
        if (rv == 0) {
            *ret_log = writer.log;
        }
        break;
    default:
        break;
    }
    return rv == 0;
}

/* Printable ASCII as it is, all else as \xNN: no byte of it reaches a terminal
 * in any other form. */
static void print_escaped(struct bytes bytes, size_t len_max, FILE *out)
{
    for (size_t i = 0; i < bytes.len && i < len_max; i++) {
        uint8_t byte = bytes.data[i];

        if (byte == '\\' || byte == '"') {
            fprintf(out, "\\%c", byte);
        } else if (byte >= 0x20 && byte < 0x7f) {
            fputc(byte, out);
        } else {
            fprintf(out, "\\x%02x", byte);
        }
    }
    if (bytes.len > len_max) {
        fputs("...", out);
    }
}
