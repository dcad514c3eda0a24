/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/field_value.h"

#include <assert.h>
#include <string.h>

#include "util/limits.h"
#include "util/text.h"
#include "wire/backup_name.h"
#include "wire/pack.h"
#include "wire/utf8.h"

/* What a value is checked for, and who is told. */
struct reading {
    const struct message *message;
    const struct field *field;
    struct bytes value;
    struct token head;
    void *at; /* the field's place in the struct */
    struct err *err;
};

static int refuse_field(const struct message *message,
                        const struct field *field, const char *what,
                        struct err *err);
static int refuse_number(const struct message *message,
                         const struct field *field, const char *bound,
                         uint64_t number, const char *unit, struct err *err);
static inline int refuse(const struct reading *reading, const char *what);
static inline int refuse_bound(const struct reading *reading, const char *bound,
                               uint64_t number, const char *unit);
static inline int read_integer(const struct reading *reading, uint64_t *ret);
static inline int read_bounded(const struct reading *reading, uint64_t *ret);
static inline int read_bytes(const struct reading *reading);
static int read_backup(const struct reading *reading);
static int read_word(const struct reading *reading);
static int read_digest(const struct reading *reading);
static bool any_is_set(const struct message *message, const void *source);

int field_value_read(const struct message *message, const struct field *field,
                     struct bytes value, void *target, struct err *err)
{
    const struct reading reading = {message,
                                    field,
                                    value,
                                    value_head(value),
                                    (char *)target + field->offset,
                                    err};
    uint64_t number = 0;
    int rv = 0;

    if (reading.head.kind == TOKEN_NIL) {
        return field_value_absent(message, field, target, err);
    }
    if (field->has != 0) {
        *(bool *)((char *)target + field->has) = true;
    }
    switch (field->kind) {
    case FIELD_U64:
        rv = read_bounded(&reading, &number);
        *(uint64_t *)reading.at = number;
        return rv;
    case FIELD_U32:
        rv = read_bounded(&reading, &number);
        *(uint32_t *)reading.at = (uint32_t)number;
        return rv;
    case FIELD_CLAMPED:
        rv = read_integer(&reading, &number);
        number = number < field->min ? field->min : number;
        number = number > field->max ? field->max : number;
        *(uint32_t *)reading.at = (uint32_t)number;
        return rv;
    case FIELD_BOOL:
        if (reading.head.kind != TOKEN_BOOL) {
            return refuse(&reading, "must be true or false");
        }
        *(bool *)reading.at = reading.head.number != 0;
        return 0;
    case FIELD_BYTES:
    case FIELD_BIN:
    case FIELD_LOG:
    case FIELD_NAME:
        return read_bytes(&reading);
    case FIELD_BACKUP:
        return read_backup(&reading);
    case FIELD_WORD:
        return read_word(&reading);
    case FIELD_DIGEST:
        return read_digest(&reading);
    case FIELD_MAP:
        return fields_read(field->inner, value, reading.at, err);
    case FIELD_ARRAY:
        if (reading.head.kind != TOKEN_ARRAY) {
            return refuse(&reading, "must be an array");
        }
        *(struct items *)reading.at = value_items(value, &reading.head);
        return 0;
    case FIELD_VALUE:
        *(struct bytes *)reading.at = value;
        return 0;
    }
    assert(false); /* a kind that the switch does not know */
    return QL_INTERNAL;
}

/* The struct was zeroed, which means absent to all kinds but one. */
int field_value_absent(const struct message *message, const struct field *field,
                       void *target, struct err *err)
{
    void *at = (char *)target + field->offset;

    if (field->required) {
        return refuse_field(message, field, "is missing", err);
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

static int refuse_field(const struct message *message,
                        const struct field *field, const char *what,
                        struct err *err)
{
    return err_set(err, QL_INVALID, "%s: '%s' %s", message->name, field->key,
                   what);
}

static int refuse_number(const struct message *message,
                         const struct field *field, const char *bound,
                         uint64_t number, const char *unit, struct err *err)
{
    return err_set(err, QL_INVALID, "%s: '%s' must be %s %llu%s", message->name,
                   field->key, bound, (unsigned long long)number, unit);
}

static inline int refuse(const struct reading *reading, const char *what)
{
    return refuse_field(reading->message, reading->field, what, reading->err);
}

static inline int refuse_bound(const struct reading *reading, const char *bound,
                               uint64_t number, const char *unit)
{
    return refuse_number(reading->message, reading->field, bound, number, unit,
                         reading->err);
}

static inline int read_integer(const struct reading *reading, uint64_t *ret)
{
    if (reading->head.kind == TOKEN_NEGATIVE) {
        return refuse(reading, "must not be negative");
    }
    if (reading->head.kind != TOKEN_UINT) {
        return refuse(reading, "must be an integer");
    }
    *ret = reading->head.number;
    return 0;
}

static inline int read_bounded(const struct reading *reading, uint64_t *ret)
{
    const struct field *field = reading->field;
    uint64_t max = field->kind == FIELD_U32 ? UINT32_MAX : UINT64_MAX;
    int rv = read_integer(reading, ret);

    if (rv != 0) {
        return rv;
    }
    if (field->max != 0) {
        max = field->max;
    }
    if (*ret < field->min) {
        return refuse_bound(reading, "at least", field->min, "");
    }
    if (*ret > max) {
        return refuse_bound(reading, "at most", max, "");
    }
    return 0;
}

static inline int read_bytes(const struct reading *reading)
{
    const struct field *field = reading->field;
    struct bytes bytes;
    int rv;

    if (!value_bytes(reading->value, &bytes)) {
        return refuse(reading, "must be a string");
    }
    if (field->kind == FIELD_LOG) {
        rv = log_name_check((const char *)bytes.data, bytes.len, reading->err);
        if (rv != 0) {
            err_wrap(reading->err, "%s: '%s'", reading->message->name,
                     field->key);
            return rv;
        }
    } else if (bytes.len < field->min) {
        return refuse(reading, "must not be empty");
    } else if (field->max != 0 && bytes.len > field->max) {
        return refuse_bound(reading, "at most", field->max, " bytes long");
    }
    if (field->kind == FIELD_NAME && !utf8_is_printable(bytes)) {
        return refuse(reading, "must be UTF-8 without control characters");
    }
    *(struct bytes *)reading->at = bytes;
    return 0;
}

static int read_backup(const struct reading *reading)
{
    struct bytes name;
    int rv;

    if (!value_bytes(reading->value, &name)) {
        return refuse(reading, "must be a string");
    }
    rv = backup_name_check((const char *)name.data, name.len, reading->err);
    if (rv != 0) {
        err_wrap(reading->err, "%s: '%s'", reading->message->name,
                 reading->field->key);
        return rv;
    }
    memset(reading->at, 0, BACKUP_NAME_MAX + 1);
    memcpy(reading->at, name.data, name.len);
    return 0;
}

static int read_word(const struct reading *reading)
{
    const struct words *words = reading->field->words;
    struct bytes word;
    uint32_t i;

    if (!value_bytes(reading->value, &word)) {
        return refuse(reading, "must be a string");
    }
    for (i = 0; i < words->count; i++) {
        if (strlen(words->words[i]) == word.len &&
            memcmp(words->words[i], word.data, word.len) == 0) {
            *(uint32_t *)reading->at = i;
            return 0;
        }
    }
    return refuse(reading, words->refusal);
}

static int read_digest(const struct reading *reading)
{
    struct bytes bytes;

    if (!value_bytes(reading->value, &bytes) || bytes.len != FIELD_DIGEST_LEN) {
        return refuse(reading, "must be 16 bytes");
    }
    memcpy(reading->at, bytes.data, bytes.len);
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
