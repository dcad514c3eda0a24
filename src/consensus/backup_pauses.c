/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/backup_pauses.h"

#include "util/limits.h"

static struct backup_pause *pause_of(struct backup_pauses *pauses,
                                     uint64_t backup);

void backup_pauses_add(struct backup_pauses *pauses, uint64_t backup,
                       uint64_t now_ms)
{
    struct backup_pause *pause = pause_of(pauses, backup);

    if (pause == NULL) {
        pause = &pauses->items[pauses->next];
        pauses->next = (pauses->next + 1) % BACKUP_PAUSES_MAX;
        *pause = (struct backup_pause){.backup = backup,
                                       .delay_ms = BACKUP_FETCH_RETRY_MIN_MS};
    }
    pause->until_ms = now_ms + pause->delay_ms;
    pause->delay_ms *= 2;
    if (pause->delay_ms > BACKUP_FETCH_RETRY_MAX_MS) {
        pause->delay_ms = BACKUP_FETCH_RETRY_MAX_MS;
    }
}

bool backup_pauses_has(const struct backup_pauses *pauses, uint64_t backup,
                       uint64_t now_ms)
{
    const struct backup_pause *pause =
        pause_of((struct backup_pauses *)pauses, backup);

    return pause != NULL && now_ms < pause->until_ms;
}

void backup_pauses_forget(struct backup_pauses *pauses, uint64_t backup)
{
    struct backup_pause *pause = pause_of(pauses, backup);

    if (pause != NULL) {
        pause->backup = 0;
    }
}

static struct backup_pause *pause_of(struct backup_pauses *pauses,
                                     uint64_t backup)
{
    for (size_t i = 0; i < BACKUP_PAUSES_MAX; i++) {
        if (pauses->items[i].backup == backup) {
            return &pauses->items[i];
        }
    }
    return NULL;
}
