/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Backups that could not be had, and when each is tried again: after a delay that
 * doubles each time. Of so many it is known; of another the oldest is forgotten.
 * Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BACKUP_PAUSES_MAX 32u

struct backup_pause {
    uint64_t backup; /* 0: free */
    uint64_t until_ms;
    uint64_t delay_ms; /* of the next */
};

struct backup_pauses {
    struct backup_pause items[BACKUP_PAUSES_MAX];
    size_t next; /* which is used again */
};

/* It could not be had. */
void backup_pauses_add(struct backup_pauses *pauses, uint64_t backup,
                       uint64_t now_ms);
bool backup_pauses_has(const struct backup_pauses *pauses, uint64_t backup,
                       uint64_t now_ms);
/* It could. */
void backup_pauses_forget(struct backup_pauses *pauses, uint64_t backup);
