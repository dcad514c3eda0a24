/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The messages about one backup; those that list them are args_backup_list.c. */
#include "wire/args_backup.h"

#include <stddef.h>

#include "wire/backup_fields.h"

#define SENTENCE_MAX 1024u

_Static_assert(sizeof(((struct backup_row *)0)->digest) == FIELD_DIGEST_LEN,
               "a digest has the length the wire gives it");
_Static_assert(sizeof(((struct backup_row *)0)->cluster) == FIELD_DIGEST_LEN,
               "and so has a cluster's id");

static const struct field row_fields[] = {BACKUP_ROW_FIELDS(backup_row, )};
const struct message backup_row_message = FIELD_MESSAGE("backup", row_fields);

int backup_row_decode(struct backup_row *ret, struct bytes params,
                      struct err *err)
{
    return fields_decode_to(&backup_row_message, params, ret, sizeof(*ret),
                            err);
}

int backup_row_encode(const struct backup_row *row, struct buf *buf)
{
    return fields_encode(&backup_row_message, row, buf);
}

/* ---- Making and removing ------------------------------------------------- */

static const struct field create_fields[] = {
    {FIELD_KEY("name"), .kind = FIELD_BACKUP,
     .offset = offsetof(struct backup_create_args, name)},
    {FIELD_KEY("scheduled"), .kind = FIELD_BOOL,
     .offset = offsetof(struct backup_create_args, scheduled)},
};
static const struct message create_message =
    FIELD_MESSAGE("backup.create", create_fields);

int backup_create_args_decode(struct backup_create_args *ret,
                              struct bytes params, struct err *err)
{
    return fields_decode_to(&create_message, params, ret, sizeof(*ret), err);
}

int backup_create_args_encode(const struct backup_create_args *args,
                              struct buf *buf)
{
    return fields_encode(&create_message, args, buf);
}

/* The answer has the row in a map of its own, so that more can stand beside. */
static const struct field created_fields[] = {
    {FIELD_KEY("backup"), .kind = FIELD_MAP, .required = true,
     .inner = &backup_row_message},
};
static const struct message created_message =
    FIELD_MESSAGE("backup answer", created_fields);

int backup_create_result_decode(struct backup_row *ret, struct bytes result,
                                struct err *err)
{
    return fields_decode_to(&created_message, result, ret, sizeof(*ret), err);
}

int backup_create_result_encode(const struct backup_row *row, struct buf *buf)
{
    return fields_encode(&created_message, row, buf);
}

static const struct field delete_fields[] = {
    {FIELD_KEY("name"), .kind = FIELD_BACKUP, .required = true,
     .offset = offsetof(struct backup_delete_args, name)},
    {FIELD_KEY("id"), .kind = FIELD_U64,
     .offset = offsetof(struct backup_delete_args, id)},
};
static const struct message delete_message =
    FIELD_MESSAGE("backup.delete", delete_fields);

int backup_delete_args_decode(struct backup_delete_args *ret,
                              struct bytes params, struct err *err)
{
    return fields_decode_to(&delete_message, params, ret, sizeof(*ret), err);
}

int backup_delete_args_encode(const struct backup_delete_args *args,
                              struct buf *buf)
{
    return fields_encode(&delete_message, args, buf);
}

/* ---- Verifying ----------------------------------------------------------- */

static const struct field verify_fields[] = {
    {FIELD_KEY("name"), .kind = FIELD_BACKUP, .required = true,
     .offset = offsetof(struct backup_verify_args, name)},
    {FIELD_KEY("deep"), .kind = FIELD_BOOL,
     .offset = offsetof(struct backup_verify_args, deep)},
};
static const struct message verify_message =
    FIELD_MESSAGE("backup.verify", verify_fields);

int backup_verify_args_decode(struct backup_verify_args *ret,
                              struct bytes params, struct err *err)
{
    return fields_decode_to(&verify_message, params, ret, sizeof(*ret), err);
}

int backup_verify_args_encode(const struct backup_verify_args *args,
                              struct buf *buf)
{
    return fields_encode(&verify_message, args, buf);
}

static const struct field verified_fields[] = {
    FIELD_NUMBER(backup_verify_result, chunks),
    FIELD_NUMBER(backup_verify_result, bytes),
    FIELD_NUMBER(backup_verify_result, entries),
    FIELD_NUMBER(backup_verify_result, ms),
    FIELD_NUMBER(backup_verify_result, memory_bytes),
};
static const struct message verified_message =
    FIELD_MESSAGE("verify answer", verified_fields);

int backup_verify_result_decode(struct backup_verify_result *ret,
                                struct bytes result, struct err *err)
{
    return fields_decode_to(&verified_message, result, ret, sizeof(*ret), err);
}

int backup_verify_result_encode(const struct backup_verify_result *result,
                                struct buf *buf)
{
    return fields_encode(&verified_message, result, buf);
}

/* ---- As one file --------------------------------------------------------- */

static const struct field export_fields[] = {
    {FIELD_KEY("name"), .kind = FIELD_BACKUP, .required = true,
     .offset = offsetof(struct backup_export_args, name)},
    {FIELD_KEY("offset"), .kind = FIELD_U64,
     .offset = offsetof(struct backup_export_args, offset)},
    {FIELD_KEY("len"), .kind = FIELD_U32, .required = true, .min = 1,
     .max = EXPORT_BYTES_MAX,
     .offset = offsetof(struct backup_export_args, len)},
};
static const struct message export_message =
    FIELD_MESSAGE("backup.export", export_fields);

int backup_export_args_decode(struct backup_export_args *ret,
                              struct bytes params, struct err *err)
{
    return fields_decode_to(&export_message, params, ret, sizeof(*ret), err);
}

int backup_export_args_encode(const struct backup_export_args *args,
                              struct buf *buf)
{
    return fields_encode(&export_message, args, buf);
}

static const struct field piece_fields[] = {
    {FIELD_KEY("tag"), .kind = FIELD_DIGEST, .required = true,
     .offset = offsetof(struct backup_export_result, tag)},
    FIELD_NUMBER(backup_export_result, total),
    {FIELD_KEY("bytes"), .kind = FIELD_BIN, .max = EXPORT_BYTES_MAX,
     .offset = offsetof(struct backup_export_result, bytes)},
};
static const struct message piece_message =
    FIELD_MESSAGE("export answer", piece_fields);

int backup_export_result_decode(struct backup_export_result *ret,
                                struct bytes result, struct err *err)
{
    return fields_decode_to(&piece_message, result, ret, sizeof(*ret), err);
}

int backup_export_result_encode(const struct backup_export_result *result,
                                struct buf *buf)
{
    return fields_encode(&piece_message, result, buf);
}

static const struct field import_fields[] = {
    {FIELD_KEY("token"), .kind = FIELD_U64, .required = true, .min = 1,
     .offset = offsetof(struct backup_import_args, token)},
    {FIELD_KEY("total"), .kind = FIELD_U64, .required = true, .min = 1,
     .offset = offsetof(struct backup_import_args, total)},
    {FIELD_KEY("offset"), .kind = FIELD_U64,
     .offset = offsetof(struct backup_import_args, offset)},
    {FIELD_KEY("bytes"), .kind = FIELD_BIN, .max = EXPORT_BYTES_MAX,
     .offset = offsetof(struct backup_import_args, bytes)},
    {FIELD_KEY("foreign"), .kind = FIELD_BOOL,
     .offset = offsetof(struct backup_import_args, foreign)},
};
static const struct message import_message =
    FIELD_MESSAGE("backup.import", import_fields);

int backup_import_args_decode(struct backup_import_args *ret,
                              struct bytes params, struct err *err)
{
    struct backup_import_args args = {0};
    int rv = fields_decode(&import_message, params, &args, err);

    if (rv != 0) {
        return rv;
    }
    if (args.offset > args.total || args.bytes.len > args.total - args.offset) {
        return err_set(err, QL_INVALID,
                       "backup.import: the bytes end behind 'total'");
    }
    *ret = args;
    return 0;
}

int backup_import_args_encode(const struct backup_import_args *args,
                              struct buf *buf)
{
    return fields_encode(&import_message, args, buf);
}

/* By enum backup_import_state. */
static const char *const import_states[] = {"receiving", "verifying", "done",
                                            "failed"};
static const struct words import_state_words = {
    .words = import_states,
    .count = sizeof(import_states) / sizeof(import_states[0]),
    .refusal = "must be receiving, verifying, done or failed",
};

static const struct field imported_fields[] = {
    FIELD_NUMBER(backup_import_result, offset),
    {FIELD_KEY("state"), .kind = FIELD_WORD, .required = true,
     .words = &import_state_words,
     .offset = offsetof(struct backup_import_result, state)},
    {FIELD_KEY("backup"), .kind = FIELD_MAP, .inner = &backup_row_message,
     .offset = offsetof(struct backup_import_result, backup),
     .has = offsetof(struct backup_import_result, has_backup)},
    {FIELD_KEY("code"), .kind = FIELD_U32,
     .offset = offsetof(struct backup_import_result, code)},
    {FIELD_KEY("error"), .kind = FIELD_BYTES, .max = SENTENCE_MAX,
     .offset = offsetof(struct backup_import_result, error)},
};
static const struct message imported_message =
    FIELD_MESSAGE("import answer", imported_fields);

int backup_import_result_decode(struct backup_import_result *ret,
                                struct bytes result, struct err *err)
{
    return fields_decode_to(&imported_message, result, ret, sizeof(*ret), err);
}

int backup_import_result_encode(const struct backup_import_result *result,
                                struct buf *buf)
{
    return fields_encode(&imported_message, result, buf);
}
