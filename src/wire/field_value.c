/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/field_value.h"

#include <assert.h>
#include <string.h>

#include "util/limits.h"
#include "util/text.h"
#include "wire/backup_name.h"
#include "wire/pack.h"
#include "wire/utf8.h"

static inline int check_number(const struct message *message,
                               const struct field *field, struct err *err,
                               const struct token *head, uint64_t max);
static int refuse_number(const struct message *message,
                         const struct field *field, struct err *err,
                         const struct token *head, uint64_t max);
static int refuse_integer(const struct message *message,
                          const struct field *field, struct err *err,
                          const struct token *head);
static uint32_t clamped(const struct field *field, uint64_t number);
static int refuse(const struct message *message, const struct field *field,
                  struct err *err, const char *what);
static int refuse_bound(const struct message *message,
                        const struct field *field, struct err *err,
                        const char *bound, uint64_t number, const char *unit);
static int read_string(const struct message *message, const struct field *field,
                       struct err *err, const struct token *head,
                       struct bytes value, void *at);
static int read_log(const struct message *message, const struct field *field,
                    struct err *err, struct bytes name, struct bytes *ret);
static int read_bytes(const struct message *message, const struct field *field,
                      struct err *err, struct bytes bytes, struct bytes *ret);
static int read_backup(const struct message *message, const struct field *field,
                       struct err *err, struct bytes name, char *ret);
static int read_word(const struct message *message, const struct field *field,
                     struct err *err, struct bytes word, uint32_t *ret);
static int read_digest(const struct message *message, const struct field *field,
                       struct err *err, const struct token *head,
                       struct bytes bytes, uint8_t *ret);
static bool any_is_set(const struct message *message, const void *source);

int field_value_read(const struct message *message, const struct field *field,
                     struct bytes value, void *target, struct err *err)
{
    const struct token head = value_head(value);
    void *at = (char *)target + field->offset;
    int rv = 0;

    if (head.kind == TOKEN_NIL) {
        return field_value_absent(message, field, target, err);
    }
    if (field->has != 0) {
        *(bool *)((char *)target + field->has) = true;
    }
    switch (field->kind) {
    case FIELD_U64:
        rv = check_number(message, field, err, &head, UINT64_MAX);
        *(uint64_t *)at = head.number;
        return rv;
    case FIELD_U32:
        rv = check_number(message, field, err, &head, UINT32_MAX);
        *(uint32_t *)at = (uint32_t)head.number;
        return rv;
    case FIELD_CLAMPED:
        *(uint32_t *)at = clamped(field, head.number);
        return head.kind == TOKEN_UINT
                   ? 0
                   : refuse_integer(message, field, err, &head);
    case FIELD_BOOL:
        *(bool *)at = head.number != 0;
        return head.kind == TOKEN_BOOL
                   ? 0
                   : refuse(message, field, err, "must be true or false");
    case FIELD_MAP:
        return fields_read(field->inner, value, at, err);
    case FIELD_ARRAY:
        if (head.kind != TOKEN_ARRAY) {
            return refuse(message, field, err, "must be an array");
        }
        return value_items(value, &head, at) ? 0 : fields_unsound(err);
    case FIELD_VALUE:
        *(struct bytes *)at = value;
        return 0;
    default:
        break;
    }
    return read_string(message, field, err, &head, value, at);
}

/* The struct was zeroed, which means absent to all kinds but one. */
int field_value_absent(const struct message *message, const struct field *field,
                       void *target, struct err *err)
{
    void *at = (char *)target + field->offset;

    if (field->required) {
        return refuse(message, field, err, "is missing");
    }
    if (field->kind == FIELD_CLAMPED) {
        *(uint32_t *)at = field->absent;
    }
    return 0;
}

bool field_value_is_set(const struct field *field, const void *source)
{
    const void *at = (const char *)source + field->offset;

    if (field->has != 0) {
        return *(const bool *)((const char *)source + field->has);
    }
    switch (field->kind) {
    case FIELD_U64:
        return *(const uint64_t *)at != 0;
    case FIELD_U32:
    case FIELD_CLAMPED:
    case FIELD_WORD:
        return *(const uint32_t *)at != 0;
    case FIELD_BOOL:
        return *(const bool *)at;
    case FIELD_BYTES:
    case FIELD_BIN:
    case FIELD_LOG:
    case FIELD_NAME:
        return ((const struct bytes *)at)->len > 0;
    case FIELD_BACKUP:
        return *(const char *)at != '\0';
    case FIELD_MAP:
        return any_is_set(field->inner, at);
    case FIELD_DIGEST:
    case FIELD_ARRAY:
    case FIELD_VALUE:
        break;
    }
    return true;
}

int field_value_pack(const struct field *field, const void *source,
                     struct buf *buf)
{
    const void *at = (const char *)source + field->offset;
    const struct bytes *bytes = at;

    switch (field->kind) {
    case FIELD_U64:
        return pack_u64(buf, *(const uint64_t *)at);
    case FIELD_U32:
    case FIELD_CLAMPED:
        return pack_u64(buf, *(const uint32_t *)at);
    case FIELD_BOOL:
        return pack_bool(buf, *(const bool *)at);
    case FIELD_BYTES:
    case FIELD_LOG:
    case FIELD_NAME:
        return pack_str(buf, bytes->data, bytes->len);
    case FIELD_BIN:
        return pack_bin(buf, bytes->data, bytes->len);
    case FIELD_BACKUP:
        return pack_text(buf, at);
    case FIELD_WORD:
        assert(*(const uint32_t *)at < field->words->count);
        return pack_text(buf, field->words->words[*(const uint32_t *)at]);
    case FIELD_DIGEST:
        return pack_bin(buf, at, FIELD_DIGEST_LEN);
    case FIELD_MAP:
        return fields_pack(field->inner, at, 0, buf);
    case FIELD_ARRAY:
    case FIELD_VALUE:
        break;
    }
    assert(false); /* arrays are packed by the message they belong to */
    return QL_INTERNAL;
}

static inline int check_number(const struct message *message,
                               const struct field *field, struct err *err,
                               const struct token *head, uint64_t max)
{
    if (field->max != 0) {
        max = field->max;
    }
    if (head->kind != TOKEN_UINT || head->number < field->min ||
        head->number > max) {
        return refuse_number(message, field, err, head, max);
    }
    return 0;
}

static int refuse_number(const struct message *message,
                         const struct field *field, struct err *err,
                         const struct token *head, uint64_t max)
{
    if (head->kind != TOKEN_UINT) {
        return refuse_integer(message, field, err, head);
    }
    if (head->number < field->min) {
        return refuse_bound(message, field, err, "at least", field->min, "");
    }
    return refuse_bound(message, field, err, "at most", max, "");
}

static int refuse_integer(const struct message *message,
                          const struct field *field, struct err *err,
                          const struct token *head)
{
    return refuse(message, field, err,
                  head->kind == TOKEN_NEGATIVE ? "must not be negative"
                                               : "must be an integer");
}

static uint32_t clamped(const struct field *field, uint64_t number)
{
    number = number < field->min ? field->min : number;
    number = number > field->max ? field->max : number;
    return (uint32_t)number;
}

static int refuse(const struct message *message, const struct field *field,
                  struct err *err, const char *what)
{
    return err_set(err, QL_INVALID, "%s: '%s' %s", message->name, field->key,
                   what);
}

static int refuse_bound(const struct message *message,
                        const struct field *field, struct err *err,
                        const char *bound, uint64_t number, const char *unit)
{
    return err_set(err, QL_INVALID, "%s: '%s' must be %s %llu%s", message->name,
                   field->key, bound, (unsigned long long)number, unit);
}

/* What is a str or bin on the wire. */
static int read_string(const struct message *message, const struct field *field,
                       struct err *err, const struct token *head,
                       struct bytes value, void *at)
{
    struct bytes bytes = value_body(value, head);

    switch (field->kind) {
    case FIELD_DIGEST:
        return read_digest(message, field, err, head, bytes, at);
    case FIELD_BYTES:
    case FIELD_BIN:
    case FIELD_LOG:
    case FIELD_NAME:
    case FIELD_BACKUP:
    case FIELD_WORD:
        break;
    default:
        assert(false); /* a kind that the switches do not know */
    }
    if (head->kind != TOKEN_STR && head->kind != TOKEN_BIN) {
        return refuse(message, field, err, "must be a string");
    }
    switch (field->kind) {
    case FIELD_LOG:
        return read_log(message, field, err, bytes, at);
    case FIELD_BACKUP:
        return read_backup(message, field, err, bytes, at);
    case FIELD_WORD:
        return read_word(message, field, err, bytes, at);
    default:
        return read_bytes(message, field, err, bytes, at);
    }
}

static int read_log(const struct message *message, const struct field *field,
                    struct err *err, struct bytes name, struct bytes *ret)
{
    int rv = log_name_check((const char *)name.data, name.len, err);

    if (rv != 0) {
        err_wrap(err, "%s: '%s'", message->name, field->key);
        return rv;
    }
    *ret = name;
    return 0;
}

static int read_bytes(const struct message *message, const struct field *field,
                      struct err *err, struct bytes bytes, struct bytes *ret)
{
    if (bytes.len < field->min) {
        return refuse(message, field, err, "must not be empty");
    }
    if (field->max != 0 && bytes.len > field->max) {
        return refuse_bound(message, field, err, "at most", field->max,
                            " bytes long");
    }
    if (field->kind == FIELD_NAME && !utf8_is_printable(bytes)) {
        return refuse(message, field, err,
                      "must be UTF-8 without control characters");
    }
    *ret = bytes;
    return 0;
}

static int read_backup(const struct message *message, const struct field *field,
                       struct err *err, struct bytes name, char *ret)
{
    int rv = backup_name_check((const char *)name.data, name.len, err);

    if (rv != 0) {
        err_wrap(err, "%s: '%s'", message->name, field->key);
        return rv;
    }
    memset(ret, 0, BACKUP_NAME_MAX + 1);
    memcpy(ret, name.data, name.len);
    return 0;
}

static int read_word(const struct message *message, const struct field *field,
                     struct err *err, struct bytes word, uint32_t *ret)
{
    const struct words *words = field->words;
    uint32_t i;

    for (i = 0; i < words->count; i++) {
        if (strlen(words->words[i]) == word.len &&
            memcmp(words->words[i], word.data, word.len) == 0) {
            *ret = i;
            return 0;
        }
    }
    return refuse(message, field, err, words->refusal);
}

static int read_digest(const struct message *message, const struct field *field,
                       struct err *err, const struct token *head,
                       struct bytes bytes, uint8_t *ret)
{
    if ((head->kind != TOKEN_STR && head->kind != TOKEN_BIN) ||
        bytes.len != FIELD_DIGEST_LEN) {
        return refuse(message, field, err, "must be 16 bytes");
    }
    memcpy(ret, bytes.data, bytes.len);
    return 0;
}

static bool any_is_set(const struct message *message, const void *source)
{
    size_t i;

    for (i = 0; i < message->count; i++) {
        if (field_value_is_set(&message->fields[i], source)) {
            return true;
        }
    }
    return false;
}
