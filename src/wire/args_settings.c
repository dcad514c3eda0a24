/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_settings.h"

#include <stddef.h>

#include "util/limits.h"
#include "wire/fields.h"

static const struct field settings_fields[] = {
    {FIELD_KEY("backup_interval_ms"), .kind = FIELD_U64,
     .max = BACKUP_INTERVAL_MAX_MS,
     .offset = offsetof(struct settings_args, backup_interval_ms),
     .has = offsetof(struct settings_args, has_interval)},
    {FIELD_KEY("max_saved_backups"), .kind = FIELD_U64, .min = 1,
     .max = BACKUPS_SAVED_MAX,
     .offset = offsetof(struct settings_args, max_saved_backups)},
    {FIELD_KEY("only_if_unset"), .kind = FIELD_BOOL,
     .offset = offsetof(struct settings_args, only_if_unset)},
};
static const struct message settings_message =
    FIELD_MESSAGE("cluster.settings", settings_fields);

int settings_args_decode(struct settings_args *ret, struct bytes params,
                         struct err *err)
{
    struct settings_args args = {0};
    int rv = fields_decode(&settings_message, params, &args, err);

    if (rv != 0) {
        return rv;
    }
    if (args.backup_interval_ms > 0 &&
        args.backup_interval_ms < BACKUP_INTERVAL_MIN_MS) {
        return err_set(err, QL_INVALID,
                       "cluster.settings: 'backup_interval_ms' must be 0 or "
                       "at least %u",
                       BACKUP_INTERVAL_MIN_MS);
    }
    *ret = args;
    return 0;
}

int settings_args_encode(const struct settings_args *args, struct buf *buf)
{
    return fields_encode(&settings_message, args, buf);
}

static const struct field result_fields[] = {
    FIELD_NUMBER(settings_result, backup_interval_ms),
    FIELD_NUMBER(settings_result, max_saved_backups),
};
static const struct message result_message =
    FIELD_MESSAGE("settings", result_fields);

int settings_result_decode(struct settings_result *ret, struct bytes result,
                           struct err *err)
{
    return fields_decode_to(&result_message, result, ret, sizeof(*ret), err);
}

int settings_result_encode(const struct settings_result *result,
                           struct buf *buf)
{
    return fields_encode(&result_message, result, buf);
}
