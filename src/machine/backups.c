/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "machine/backups.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/limits.h"
#include "util/mem.h"

void backups_close(struct backups *backups)
{
    free(backups->rows);
    *backups = (struct backups){0};
}

struct backup_row *backups_find(const struct backups *backups,
                                struct bytes name)
{
    size_t i;

    for (i = 0; i < backups->count; i++) {
        struct backup_row *row = &backups->rows[i];

        if (strlen(row->name) == name.len &&
            memcmp(row->name, name.data, name.len) == 0) {
            return row;
        }
    }
    return NULL;
}

struct backup_row *backups_add(struct backups *backups,
                               const struct backup_row *row)
{
    struct backup_row *added;

    assert(backups->count < BACKUPS_MAX);
    assert(row->id > backups->id_last);
    if (backups->count == backups->room) {
        backups->room = backups->room == 0 ? 16 : backups->room * 2;
        backups->rows = mem_must_resize(backups->rows,
                                        backups->room * sizeof(*backups->rows));
    }
    added = &backups->rows[backups->count];
    *added = *row;
    backups->count++;
    backups->id_last = row->id;
    return added;
}

void backups_remove(struct backups *backups, const struct backup_row *row)
{
    size_t index = (size_t)(row - backups->rows);

    assert(index < backups->count);
    backups->count--;
    memmove(backups->rows + index, backups->rows + index + 1,
            (backups->count - index) * sizeof(*backups->rows));
}
