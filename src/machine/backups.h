/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The table of backups: which there are, not their bytes. Private to the
 * floor. */
#pragma once

#include "util/buf.h"
#include "wire/args_backup.h"

struct backups {
    struct backup_row *rows; /* in order of ids */
    size_t count;
    size_t room;
    uint64_t id_last; /* the last one given */
};

void backups_close(struct backups *backups);
/* NULL when no backup has the name. */
struct backup_row *backups_find(const struct backups *backups,
                                struct bytes name);
/* Takes a copy, whose id is above all that were given; the table has room. */
struct backup_row *backups_add(struct backups *backups,
                               const struct backup_row *row);
void backups_remove(struct backups *backups, const struct backup_row *row);
