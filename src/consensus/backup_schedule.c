/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/backup_schedule.h"

static bool may_go(const struct backup_sight *sight, size_t enough,
                   size_t whole);

void backup_schedule_look(struct backup_schedule *schedule,
                          const struct backup_row *rows, size_t count,
                          uint64_t now_ms)
{
    uint64_t newest = 0;
    uint64_t newest_ms = 0;

    for (size_t i = 0; i < count; i++) {
        if (!rows[i].foreign && rows[i].time_ms >= newest_ms) {
            newest = rows[i].id;
            newest_ms = rows[i].time_ms;
        }
    }
    if (newest != schedule->newest) {
        schedule->newest = newest;
        schedule->newest_ms = newest_ms;
        schedule->seen_ms = now_ms;
    }
}

bool backup_schedule_is_due(const struct backup_schedule *schedule,
                            uint64_t interval_ms, uint64_t now_ms,
                            uint64_t wall_ms)
{
    if (interval_ms == 0) {
        return false;
    }
    if (schedule->newest == 0) {
        return true;
    }
    if (wall_ms >= schedule->newest_ms &&
        wall_ms - schedule->newest_ms >= interval_ms) {
        return true;
    }
    return now_ms - schedule->seen_ms >= interval_ms;
}

void backup_schedule_refused(struct backup_schedule *schedule, uint64_t now_ms)
{
    if (schedule->delay_ms == 0) {
        schedule->delay_ms = BACKUP_PROPOSE_MIN_MS;
    }
    schedule->not_before_ms = now_ms + schedule->delay_ms;
    schedule->delay_ms *= 2;
    if (schedule->delay_ms > BACKUP_PROPOSE_MAX_MS) {
        schedule->delay_ms = BACKUP_PROPOSE_MAX_MS;
    }
}

void backup_schedule_done(struct backup_schedule *schedule)
{
    schedule->not_before_ms = 0;
    schedule->delay_ms = 0;
}

/* ---- Rotation ---- */

size_t backup_schedule_rotate(const struct backup_sight *sights, size_t count,
                              uint64_t max, size_t majority)
{
    size_t enough = 1;
    size_t whole = 0;

    if (count <= max || count < 2) {
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        if (sights[i].whole >= majority) {
            enough = majority;
        }
    }
    for (size_t i = 0; i < count; i++) {
        whole += sights[i].whole >= enough;
    }
    for (size_t i = 0; i + 1 < count; i++) {
        if (may_go(&sights[i], enough, whole)) {
            return i;
        }
    }
    return count;
}

/* @whole backups are whole on @enough nodes. */
static bool may_go(const struct backup_sight *sight, size_t enough,
                   size_t whole)
{
    if (sight->whole >= enough) {
        return whole > 1;
    }
    if (sight->making > 0) {
        return false;
    }
    return whole > 0 || sight->parts == 0;
}
