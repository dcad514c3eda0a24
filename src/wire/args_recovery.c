/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Staging, committing and undoing; recovery.status is args_recovery_status.c, what
 * fills a draft is args_recovery_load.c. */
#include "wire/args_recovery.h"

#include <stddef.h>

#include "wire/recovery_fields.h"

static int check_operation(const char *method, uint64_t operation,
                           struct err *err);

static const struct field stage_fields[] = {
    {FIELD_KEY("name"), .kind = FIELD_BACKUP, .required = true,
     .offset = offsetof(struct recovery_stage_args, name)},
};
static const struct message stage_message =
    FIELD_MESSAGE("recovery.stage", stage_fields);

int recovery_stage_args_decode(struct recovery_stage_args *ret,
                               struct bytes params, struct err *err)
{
    return fields_decode_to(&stage_message, params, ret, sizeof(*ret), err);
}

int recovery_stage_args_encode(const struct recovery_stage_args *args,
                               struct buf *buf)
{
    return fields_encode(&stage_message, args, buf);
}

static const struct field staging_fields[] = {
    {FIELD_KEY("stage"), .kind = FIELD_U64, .required = true, .min = 1,
     .offset = offsetof(struct recovery_stage_result, stage)},
};
static const struct message staging_message =
    FIELD_MESSAGE("stage answer", staging_fields);

int recovery_stage_result_decode(struct recovery_stage_result *ret,
                                 struct bytes result, struct err *err)
{
    return fields_decode_to(&staging_message, result, ret, sizeof(*ret), err);
}

int recovery_stage_result_encode(const struct recovery_stage_result *result,
                                 struct buf *buf)
{
    return fields_encode(&staging_message, result, buf);
}

static const struct field unload_fields[] = {
    {FIELD_KEY("undo"), .kind = FIELD_BOOL,
     .offset = offsetof(struct recovery_unload_args, undo)},
};
static const struct message unload_message =
    FIELD_MESSAGE("recovery.unload", unload_fields);

int recovery_unload_args_decode(struct recovery_unload_args *ret,
                                struct bytes params, struct err *err)
{
    return fields_decode_to(&unload_message, params, ret, sizeof(*ret), err);
}

int recovery_unload_args_encode(const struct recovery_unload_args *args,
                                struct buf *buf)
{
    return fields_encode(&unload_message, args, buf);
}

/* ---- Commit and undo ----------------------------------------------------- */

static const struct field commit_fields[] = {
    {FIELD_KEY("stage"), .kind = FIELD_U64, .required = true, .min = 1,
     .offset = offsetof(struct recovery_commit_args, stage)},
    {FIELD_KEY("revision"), .kind = FIELD_U64, .required = true,
     .offset = offsetof(struct recovery_commit_args, revision)},
    {FIELD_KEY("operation"), .kind = FIELD_U64,
     .offset = offsetof(struct recovery_commit_args, operation)},
    {FIELD_KEY("expect_state"), .kind = FIELD_U64,
     .offset = offsetof(struct recovery_commit_args, expect_state),
     .has = offsetof(struct recovery_commit_args, has_expect_state)},
    {FIELD_KEY("discard_newer"), .kind = FIELD_BOOL,
     .offset = offsetof(struct recovery_commit_args, discard_newer)},
    {FIELD_KEY("dry_run"), .kind = FIELD_BOOL,
     .offset = offsetof(struct recovery_commit_args, dry_run)},
};
static const struct message commit_message =
    FIELD_MESSAGE("recovery.commit", commit_fields);

int recovery_commit_args_decode(struct recovery_commit_args *ret,
                                struct bytes params, struct err *err)
{
    struct recovery_commit_args args = {0};
    int rv = fields_decode(&commit_message, params, &args, err);

    if (rv == 0 && !args.dry_run) {
        rv = check_operation(commit_message.name, args.operation, err);
    }
    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int recovery_commit_args_encode(const struct recovery_commit_args *args,
                                struct buf *buf)
{
    return fields_encode(&commit_message, args, buf);
}

static const struct field undo_fields[] = {
    {FIELD_KEY("operation"), .kind = FIELD_U64,
     .offset = offsetof(struct recovery_undo_args, operation)},
    {FIELD_KEY("expect_state"), .kind = FIELD_U64,
     .offset = offsetof(struct recovery_undo_args, expect_state),
     .has = offsetof(struct recovery_undo_args, has_expect_state)},
    {FIELD_KEY("discard_newer"), .kind = FIELD_BOOL,
     .offset = offsetof(struct recovery_undo_args, discard_newer)},
};
static const struct message undo_message =
    FIELD_MESSAGE("recovery.undo", undo_fields);

int recovery_undo_args_decode(struct recovery_undo_args *ret,
                              struct bytes params, struct err *err)
{
    struct recovery_undo_args args = {0};
    int rv = fields_decode(&undo_message, params, &args, err);

    if (rv == 0) {
        rv = check_operation(undo_message.name, args.operation, err);
    }
    if (rv == 0) {
        *ret = args;
    }
    return rv;
}

int recovery_undo_args_encode(const struct recovery_undo_args *args,
                              struct buf *buf)
{
    return fields_encode(&undo_message, args, buf);
}

/* Without one a repetition would be a second recovery. */
static int check_operation(const char *method, uint64_t operation,
                           struct err *err)
{
    return operation != 0
               ? 0
               : err_set(err, QL_INVALID, "%s: 'operation' is missing", method);
}

/* By enum recovery_kind. */
static const char *const kinds[] = {"none", "commit", "undo"};
static const struct words kind_words = {
    .words = kinds,
    .count = sizeof(kinds) / sizeof(kinds[0]),
    .refusal = "must be none, commit or undo",
};

static const struct field last_fields[] = {
    FIELD_NUMBER(recovery_last, operation),
    {FIELD_KEY("kind"), .kind = FIELD_WORD, .words = &kind_words,
     .offset = offsetof(struct recovery_last, kind)},
    FIELD_NUMBER(recovery_last, index),
    FIELD_NUMBER(recovery_last, time_ms),
    {FIELD_KEY("source"), .kind = FIELD_BACKUP,
     .offset = offsetof(struct recovery_last, source)},
    FIELD_NUMBER(recovery_last, state_index),
    FIELD_NUMBER(recovery_last, logs_before),
    FIELD_NUMBER(recovery_last, entries_before),
    FIELD_NUMBER(recovery_last, logs_after),
    FIELD_NUMBER(recovery_last, entries_after),
};
const struct message recovery_last_message =
    FIELD_MESSAGE("last recovery", last_fields);

int recovery_last_decode(struct recovery_last *ret, struct bytes result,
                         struct err *err)
{
    return fields_decode_to(&recovery_last_message, result, ret, sizeof(*ret),
                            err);
}

int recovery_last_encode(const struct recovery_last *last, struct buf *buf)
{
    return fields_encode(&recovery_last_message, last, buf);
}

static const struct field plan_fields[] = {
    FIELD_NUMBER(recovery_plan_result, stage),
    FIELD_NUMBER(recovery_plan_result, revision),
    FIELD_NUMBER(recovery_plan_result, state_index),
    FIELD_NUMBER(recovery_plan_result, logs_created),
    FIELD_NUMBER(recovery_plan_result, logs_removed),
    FIELD_NUMBER(recovery_plan_result, logs_changed),
    FIELD_NUMBER(recovery_plan_result, logs_same),
    FIELD_NUMBER(recovery_plan_result, entries_lost),
    FIELD_NUMBER(recovery_plan_result, entries_back),
    FIELD_NUMBER(recovery_plan_result, bytes_lost),
    FIELD_NUMBER(recovery_plan_result, bytes_back),
    FIELD_NUMBER(recovery_plan_result, estimate_ms),
};
static const struct message plan_message =
    FIELD_MESSAGE("recovery plan", plan_fields);

int recovery_plan_result_decode(struct recovery_plan_result *ret,
                                struct bytes result, struct err *err)
{
    return fields_decode_to(&plan_message, result, ret, sizeof(*ret), err);
}

int recovery_plan_result_encode(const struct recovery_plan_result *result,
                                struct buf *buf)
{
    return fields_encode(&plan_message, result, buf);
}
