/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cluster.settings: what all nodes go by, kept in the replicated state. See
 * args_log.h for the rules that are common to all messages. */
#pragma once

#include <stdbool.h>

#include "util/buf.h"
#include "util/err.h"

/* cluster.settings {backup_interval_ms?, max_saved_backups?} and
 * COMMAND_SETTINGS, which also has only_if_unset. What is absent stays as it is;
 * a call without any is a question. An interval is 0 or
 * BACKUP_INTERVAL_MIN_MS..BACKUP_INTERVAL_MAX_MS; max_saved_backups
 * 1..BACKUPS_SAVED_MAX. */
struct settings_args {
    uint64_t backup_interval_ms; /* 0: backups are taken by hand only */
    bool has_interval;
    uint64_t max_saved_backups; /* 0: absent */
    bool only_if_unset; /* nothing happens when anything was set before: for
                           what a node was told when it was started */
};
int settings_args_decode(struct settings_args *ret, struct bytes params,
                         struct err *err);
int settings_args_encode(const struct settings_args *args, struct buf *buf);

/* The answer: how it is now. */
struct settings_result {
    uint64_t backup_interval_ms;
    uint64_t max_saved_backups;
};
int settings_result_decode(struct settings_result *ret, struct bytes result,
                           struct err *err);
int settings_result_encode(const struct settings_result *result,
                           struct buf *buf);
