/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/recovered.h"

#include <string.h>

#include "machine/state.h"
#include "util/limits.h"

static void renew_logs(struct logs *logs);
static void name_cluster(struct backups *backups, const uint8_t cluster[16]);
static void freeze(struct state *state);

void machine_recover(struct machine *machine, uint64_t index,
                     const uint8_t cluster[16])
{
    struct state *state = machine->state;

    renew_logs(&state->logs);
    producers_void(&state->producers, index);
    if (state->kept[MACHINE_UNDO] != NULL) {
        state_let_go_all(state, &state->kept[MACHINE_UNDO]->logs);
    }
    for (unsigned part = 0; part < MACHINE_PARTS; part++) {
        kept_free(state->kept[part]);
        state->kept[part] = NULL;
    }
    memset(&state->last_recovery, 0, sizeof(state->last_recovery));
    name_cluster(&state->backups, cluster);
    freeze(state);
    state->state_index++;
    machine_changed_all(machine);
}

/* What has been restored or taken since is lost with the rest, but not to those who
 * know of it: no incarnation and no epoch of that time comes again. */
static void renew_logs(struct logs *logs)
{
    for (size_t i = 0; i < logs->count; i++) {
        struct log *log = logs->by_uid[i];

        logs_touch(logs, log);
        log->incarnation += 1 + RECOVER_GAP_INCARNATIONS;
        log_set_writer(log, log->writer_epoch + 1 + RECOVER_GAP_EPOCHS,
                       (struct bytes){NULL, 0});
    }
}

/* Rows of its own do not say whose they are. */
static void name_cluster(struct backups *backups, const uint8_t cluster[16])
{
    static const uint8_t own[16];

    for (size_t i = 0; i < backups->count; i++) {
        struct backup_row *row = &backups->rows[i];

        if (!row->foreign && memcmp(row->cluster, own, sizeof(own)) == 0) {
            memcpy(row->cluster, cluster, sizeof(row->cluster));
        }
    }
}

static void freeze(struct state *state)
{
    static const char reason[] = RECOVERED_REASON;

    if (state->standstill.frozen) {
        standstill_end(&state->standstill);
    }
    standstill_begin(
        &state->standstill, state->time_ms,
        (struct bytes){(const uint8_t *)reason, sizeof(reason) - 1},
        (struct bytes){NULL, 0});
}
