/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_writer.h"

#include <stddef.h>

#include "util/limits.h"
#include "wire/fields.h"

static const struct field acquire_fields[] = {
    {FIELD_KEY("log"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct writer_args, log)},
    {FIELD_KEY("name"), .kind = FIELD_NAME, .required = true, .min = 1,
     .max = WRITER_NAME_MAX, .offset = offsetof(struct writer_args, name)},
};
static const struct message acquire_message =
    FIELD_MESSAGE("writer.acquire", acquire_fields);

int writer_acquire_args_decode(struct writer_args *ret, struct bytes params,
                               struct err *err)
{
    struct writer_args args = {0};
    int rv = fields_decode(&acquire_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int writer_acquire_args_encode(const struct writer_args *args, struct buf *buf)
{
    return fields_encode(&acquire_message, args, buf);
}

static const struct field release_fields[] = {
    {FIELD_KEY("log"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct writer_args, log)},
    {FIELD_KEY("epoch"), .kind = FIELD_U64, .required = true, .min = 1,
     .offset = offsetof(struct writer_args, epoch)},
};
static const struct message release_message =
    FIELD_MESSAGE("writer.release", release_fields);

int writer_release_args_decode(struct writer_args *ret, struct bytes params,
                               struct err *err)
{
    struct writer_args args = {0};
    int rv = fields_decode(&release_message, params, &args, err);

    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int writer_release_args_encode(const struct writer_args *args, struct buf *buf)
{
    return fields_encode(&release_message, args, buf);
}

static const struct field fenced_fields[] = {
    {FIELD_KEY("log"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct writer_fenced, log)},
    {FIELD_KEY("epoch"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct writer_fenced, epoch)},
    {FIELD_KEY("newer"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct writer_fenced, newer)},
};
static const struct message fenced_message =
    FIELD_MESSAGE("writer.fenced", fenced_fields);

int writer_fenced_decode(struct writer_fenced *ret, struct bytes params,
                         struct err *err)
{
    struct writer_fenced fenced = {0};
    int rv = fields_decode(&fenced_message, params, &fenced, err);

    if (rv == 0) {
        *ret = fenced;
    }
    return rv;
}

int writer_fenced_encode(const struct writer_fenced *fenced, struct buf *buf)
{
    return fields_encode(&fenced_message, fenced, buf);
}
