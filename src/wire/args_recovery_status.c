/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The rest of args_recovery.h: recovery.status. */
#include <stddef.h>

#include "wire/args_recovery.h"
#include "wire/recovery_fields.h"

#define SENTENCE_MAX 1024u

/* By enum recovery_phase. */
static const char *const phases[] = {"none", "staging", "interrupted", "staged",
                                     "editing"};
static const struct words phase_words = {
    .words = phases,
    .count = sizeof(phases) / sizeof(phases[0]),
    .refusal = "must be none, staging, interrupted, staged or editing",
};

static const struct field status_fields[] = {
    {FIELD_KEY("phase"), .kind = FIELD_WORD, .required = true,
     .words = &phase_words,
     .offset = offsetof(struct recovery_status_result, phase)},
    FIELD_NUMBER(recovery_status_result, stage),
    FIELD_NUMBER(recovery_status_result, revision),
    {FIELD_KEY("source"), .kind = FIELD_BACKUP,
     .offset = offsetof(struct recovery_status_result, source)},
    FIELD_NUMBER(recovery_status_result, from_index),
    FIELD_NUMBER(recovery_status_result, from_time_ms),
    FIELD_NUMBER(recovery_status_result, from_state_index),
    FIELD_NUMBER(recovery_status_result, logs),
    FIELD_NUMBER(recovery_status_result, entries),
    FIELD_NUMBER(recovery_status_result, bytes),
    FIELD_NUMBER(recovery_status_result, deleted),
    FIELD_NUMBER(recovery_status_result, done_bytes),
    FIELD_NUMBER(recovery_status_result, total_bytes),
    {FIELD_KEY("job_code"), .kind = FIELD_U32,
     .offset = offsetof(struct recovery_status_result, job_code)},
    {FIELD_KEY("job_error"), .kind = FIELD_BYTES, .max = SENTENCE_MAX,
     .offset = offsetof(struct recovery_status_result, job_error)},
    FIELD_NUMBER(recovery_status_result, state_index),
    {FIELD_KEY("frozen"), .kind = FIELD_BOOL,
     .offset = offsetof(struct recovery_status_result, frozen)},
    {FIELD_KEY("has_undo"), .kind = FIELD_BOOL,
     .offset = offsetof(struct recovery_status_result, has_undo)},
    {FIELD_KEY("undo_source"), .kind = FIELD_BACKUP,
     .offset = offsetof(struct recovery_status_result, undo_source)},
    FIELD_NUMBER(recovery_status_result, undo_time_ms),
    FIELD_NUMBER(recovery_status_result, undo_logs),
    FIELD_NUMBER(recovery_status_result, undo_entries),
    FIELD_NUMBER(recovery_status_result, undo_bytes),
    {FIELD_KEY("last"), .kind = FIELD_MAP, .inner = &recovery_last_message,
     .offset = offsetof(struct recovery_status_result, last)},
};
static const struct message status_message =
    FIELD_MESSAGE("recovery status", status_fields);

int recovery_status_result_decode(struct recovery_status_result *ret,
                                  struct bytes result, struct err *err)
{
    return fields_decode_to(&status_message, result, ret, sizeof(*ret), err);
}

int recovery_status_result_encode(const struct recovery_status_result *result,
                                  struct buf *buf)
{
    return fields_encode(&status_message, result, buf);
}
