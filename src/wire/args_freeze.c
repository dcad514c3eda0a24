/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_freeze.h"

#include <stddef.h>

#include "util/limits.h"
#include "wire/fields.h"

static const struct field freeze_fields[] = {
    {FIELD_KEY("reason"), .kind = FIELD_NAME, .required = true, .min = 1,
     .max = FREEZE_REASON_MAX, .offset = offsetof(struct freeze_args, reason)},
    {FIELD_KEY("by"), .kind = FIELD_NAME, .max = FREEZE_BY_MAX,
     .offset = offsetof(struct freeze_args, by)},
};
static const struct message freeze_message =
    FIELD_MESSAGE("cluster.freeze", freeze_fields);

int freeze_args_decode(struct freeze_args *ret, struct bytes params,
                       struct err *err)
{
    struct freeze_args args = {0};
    int rv = fields_decode(&freeze_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int freeze_args_encode(const struct freeze_args *args, struct buf *buf)
{
    return fields_encode(&freeze_message, args, buf);
}
