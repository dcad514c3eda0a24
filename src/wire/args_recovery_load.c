/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The rest of args_recovery.h: the commands that fill a draft. */
#include <stddef.h>

#include "wire/args_recovery.h"
#include "wire/fields.h"

static const struct field begin_fields[] = {
    {FIELD_KEY("source"), .kind = FIELD_BACKUP, .required = true,
     .offset = offsetof(struct recovery_begin_args, source)},
    FIELD_NUMBER(recovery_begin_args, from_index),
    FIELD_NUMBER(recovery_begin_args, from_time_ms),
    FIELD_NUMBER(recovery_begin_args, from_state_index),
    FIELD_NUMBER(recovery_begin_args, edit_of),
    FIELD_NUMBER(recovery_begin_args, revision),
    FIELD_NUMBER(recovery_begin_args, total_bytes),
};
static const struct message begin_message =
    FIELD_MESSAGE("recovery begin", begin_fields);

int recovery_begin_args_decode(struct recovery_begin_args *ret,
                               struct bytes params, struct err *err)
{
    return fields_decode_to(&begin_message, params, ret, sizeof(*ret), err);
}

int recovery_begin_args_encode(const struct recovery_begin_args *args,
                               struct buf *buf)
{
    return fields_encode(&begin_message, args, buf);
}

static const struct field load_fields[] = {
    {FIELD_KEY("draft"), .kind = FIELD_U64, .required = true, .min = 1,
     .offset = offsetof(struct recovery_load_args, draft)},
    {FIELD_KEY("seq"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct recovery_load_args, seq)},
    {FIELD_KEY("record"), .kind = FIELD_BIN, .required = true, .min = 1,
     .max = RECOVERY_RECORD_MAX,
     .offset = offsetof(struct recovery_load_args, record)},
};
static const struct message load_message =
    FIELD_MESSAGE("recovery load", load_fields);

int recovery_load_args_decode(struct recovery_load_args *ret,
                              struct bytes params, struct err *err)
{
    return fields_decode_to(&load_message, params, ret, sizeof(*ret), err);
}

int recovery_load_args_encode(const struct recovery_load_args *args,
                              struct buf *buf)
{
    return fields_encode(&load_message, args, buf);
}

static const struct field end_fields[] = {
    {FIELD_KEY("draft"), .kind = FIELD_U64, .required = true, .min = 1,
     .offset = offsetof(struct recovery_end_args, draft)},
    {FIELD_KEY("seq"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct recovery_end_args, seq)},
    FIELD_NUMBER(recovery_end_args, deleted),
};
static const struct message end_message =
    FIELD_MESSAGE("recovery end", end_fields);

int recovery_end_args_decode(struct recovery_end_args *ret, struct bytes params,
                             struct err *err)
{
    return fields_decode_to(&end_message, params, ret, sizeof(*ret), err);
}

int recovery_end_args_encode(const struct recovery_end_args *args,
                             struct buf *buf)
{
    return fields_encode(&end_message, args, buf);
}
