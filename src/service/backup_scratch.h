/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The logs of a backup in a machine of their own: read from the backup's front, and
 * built off the loop. The bytes of sealed chunks are not in it.
 */
#pragma once

#include "backup/backup_store.h"
#include "machine/machine_parts.h"
#include "service/service.h"

struct backup_scratch_log {
    uint64_t uid;
    uint32_t first_row; /* number of its first chunk's row in the front */
};

struct backup_scratch;
/* @status 0: everything below may be used. Else @err says what is the matter. */
typedef void (*backup_scratch_cb)(void *data, int status,
                                  const struct err *err);

/* @row is the backup's in the table, or that of a file without one. Never calls
 * back from inside. Returns 0 and *ret, or a code with a sentence. */
int backup_scratch_open(struct backup_scratch **ret, struct service *service,
                        const struct backup_row *row, backup_scratch_cb cb,
                        void *data, struct err *err);
/* At any time; before the callback: it does not come. NULL is fine. */
void backup_scratch_close(struct backup_scratch *scratch);

/* Borrowed. Nobody else changes it. */
const struct machine *backup_scratch_machine(
    const struct backup_scratch *scratch);
/* Its logs by uid; borrowed. */
const struct backup_scratch_log *backup_scratch_logs(
    const struct backup_scratch *scratch, size_t *ret_count);
