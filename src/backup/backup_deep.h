/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The deep check of a backup: builds its whole state from what lies in the
 * directory, away from the loop, in a machine of its own, walks every entry of
 * every chunk and computes every chain digest anew. It takes the memory of the
 * backup's tables and some chunks, however many there are.
 */
#pragma once

#include "backup/backup_store.h"

struct backup_deep;

struct backup_deep_result {
    uint64_t chunks;
    uint64_t bytes; /* of the stream that was read */
    uint64_t entries;
    uint64_t memory_bytes; /* that it took at most, about */
};

/* @status 0: it is whole, and @result says what was walked. Else @err says what is
 * the matter. The check is gone afterwards. */
typedef void (*backup_deep_cb)(void *data, int status,
                               const struct backup_deep_result *result,
                               const struct err *err);

/* @disk is the store's, or one of the same kind: works are done there. Returns 0
 * and *ret, or what backup_store_read_front() does. */
int backup_deep_start(struct backup_deep **ret, struct backup_store *store,
                      struct disk *disk, const char *name, backup_deep_cb cb,
                      void *data);
/* The callback does not come any more. NULL is fine. */
void backup_deep_cancel(struct backup_deep *deep);
