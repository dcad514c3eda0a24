/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/recovery_rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"

#define CALL_ID 1000u
#define VALUE_LEN 60u

static const struct machine_limits limits = {.chunk_bytes = 300,
                                             .open_bytes = 100000};

static void replicate(struct recovery_rig *rig, enum command_kind kind,
                      const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int recovery_rig_setup(void **state)
{
    static struct recovery_rig rig;

    memset(&rig, 0, sizeof(rig));
    fake_node_limits = &limits;
    rig_open(&rig.rig);
    rig.chunks = node_chunks(rig.rig.node);
    rig.backups = fake_backups_new(node_machine(rig.rig.node));
    fake_node_set_backups(rig.rig.node, rig.backups, NULL);
    recorder_open(&rig.client, &rig.rig, true);
    *state = &rig;
    return 0;
}

int recovery_rig_teardown(void **state)
{
    struct recovery_rig *rig = *state;

    recorder_close(&rig->client);
    rig_close(&rig->rig);
    fake_backups_free(rig->backups);
    fake_node_limits = NULL;
    return 0;
}

void recovery_rig_settle(struct recovery_rig *rig)
{
    bool busy = true;

    while (busy) {
        busy =
            !fake_node_idle(rig->rig.node) || !fake_backups_idle(rig->backups);
        uv_run(&rig->rig.loop, UV_RUN_NOWAIT);
        fake_backups_step(rig->backups);
        while (!rig->holds_loads && fake_chunks_waiting(rig->chunks) > 0) {
            fake_chunks_finish(rig->chunks, 0, 0);
            busy = true;
        }
    }
}

struct bytes recovery_rig_call(struct recovery_rig *rig, const char *method,
                               const char *params)
{
    assert_int_equal(recorder_send(&rig->client, CALL_ID, method, params), 0);
    recovery_rig_settle(rig);
    return recorder_result(&rig->client, CALL_ID);
}

struct rpc_error recovery_rig_refused(struct recovery_rig *rig, int code,
                                      const char *method, const char *params)
{
    assert_int_equal(recorder_send(&rig->client, CALL_ID, method, params), 0);
    recovery_rig_settle(rig);
    return recorder_error(&rig->client, CALL_ID, code);
}

void recovery_rig_create(struct recovery_rig *rig, const char *log)
{
    replicate(rig, COMMAND_LOG_CREATE, "{'log': '%s'}", log);
}

void recovery_rig_delete(struct recovery_rig *rig, const char *log)
{
    replicate(rig, COMMAND_LOG_DELETE, "{'log': '%s'}", log);
}

void recovery_rig_trim(struct recovery_rig *rig, const char *log,
                       unsigned before)
{
    replicate(rig, COMMAND_LOG_TRIM, "{'log': '%s', 'before': %u}", log,
              before);
}

void recovery_rig_append(struct recovery_rig *rig, const char *log,
                         unsigned count)
{
    const struct bytes name = {(const uint8_t *)log, strlen(log)};
    struct log_stat stat;

    while (count-- > 0) {
        char value[VALUE_LEN + 1];
        int len;

        assert_int_equal(
            machine_log_stat(node_machine(rig->rig.node), name, &stat), 0);
        len =
            snprintf(value, sizeof(value), "%s-%u-", log, (unsigned)stat.tail);
        memset(value + len, 'x', VALUE_LEN - (size_t)len);
        value[VALUE_LEN] = '\0';
        replicate(rig, COMMAND_LOG_APPEND,
                  "{'appends': [{'log': '%s', 'entries': [[b'k%u', b'%s']]}]}",
                  log, (unsigned)(stat.tail % 3), value);
    }
}

void recovery_rig_backup(struct recovery_rig *rig, const char *name)
{
    replicate(rig, COMMAND_BACKUP_CREATE, "{'name': '%s'}", name);
}

uint64_t recovery_rig_stage(struct recovery_rig *rig, const char *name)
{
    char params[200];

    snprintf(params, sizeof(params), "{'name': '%s'}", name);
    (void)recovery_rig_call(rig, "recovery.stage", params);
    return recovery_rig_part(rig, MACHINE_STAGED).id;
}

struct recovery_status_result recovery_rig_status(struct recovery_rig *rig)
{
    struct recovery_status_result result;
    struct err err;

    assert_int_equal(
        recovery_status_result_decode(
            &result, recovery_rig_call(rig, "recovery.status", "{}"), &err),
        0);
    return result;
}

struct machine_part_info recovery_rig_part(const struct recovery_rig *rig,
                                           enum machine_part part)
{
    struct machine_part_info info;

    assert_true(machine_part_info(node_machine(rig->rig.node), part, &info));
    return info;
}

static void replicate(struct recovery_rig *rig, enum command_kind kind,
                      const char *format, ...)
{
    char params[500];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(params, sizeof(params), format, args);
    va_end(args);
    assert_true(len > 0 && (size_t)len < sizeof(params));
    assert_int_equal(rig_replicate(&rig->rig, kind, params), 0);
}
