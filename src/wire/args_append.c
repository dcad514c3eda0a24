/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_append.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "wire/fields.h"
#include "wire/pack.h"

/* log.append before its parts are decoded. */
struct append_head {
    struct items appends;
    uint64_t producer;
    uint64_t sequence;
};

static const struct field append_fields[] = {
    {FIELD_KEY("producer"), .kind = FIELD_U64, .min = 1,
     .offset = offsetof(struct append_head, producer)},
    {FIELD_KEY("sequence"), .kind = FIELD_U64, .min = 1,
     .offset = offsetof(struct append_head, sequence)},
    {FIELD_KEY("appends"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct append_head, appends)},
};
static const struct message append_message =
    FIELD_MESSAGE("log.append", append_fields);

/* A part before its entries are decoded. */
struct part_head {
    struct append_part_args args;
    struct items entries;
};
_Static_assert(offsetof(struct part_head, args) == 0,
               "so that a part alone can be encoded");

static const struct field part_fields[] = {
    {FIELD_KEY("log"), .kind = FIELD_LOG, .required = true,
     .offset = offsetof(struct part_head, args.log)},
    {FIELD_KEY("expect_position"), .kind = FIELD_U64, .min = 1,
     .offset = offsetof(struct part_head, args.expect_position)},
    {FIELD_KEY("epoch"), .kind = FIELD_U64, .min = 1,
     .offset = offsetof(struct part_head, args.epoch)},
    {FIELD_KEY("entries"), .kind = FIELD_ARRAY, .required = true,
     .offset = offsetof(struct part_head, entries)},
};
static const struct message part_message =
    FIELD_MESSAGE("log.append", part_fields);

/* Decoding in two passes: the parts, which tell how many entries there are,
 * then the entries. */
struct append_decoder {
    struct append_args *args;
    size_t entries_count;                   /* of all parts */
    size_t bytes;                           /* of keys and values */
    struct bytes entries[APPEND_PARTS_MAX]; /* encoded */
};

static int decode(struct append_decoder *decoder, struct append_head *head,
                  struct err *err);
static int decode_parts(struct append_decoder *decoder, struct items *appends,
                        struct err *err);
static int decode_part(struct append_decoder *decoder, struct items *appends,
                       struct err *err);
static int decode_entries(struct append_decoder *decoder, struct err *err);
static int decode_entry(struct append_decoder *decoder, struct bytes *left,
                        struct append_entry *ret, struct err *err);
static int check_head(const struct append_head *head, struct err *err);
static int encode_part(const struct append_part_args *part, struct buf *buf);
static int encode_entry(const struct append_entry *entry, struct buf *buf);

int append_args_decode(struct append_args *ret, struct bytes params,
                       struct err *err)
{
    struct append_head head = {0};
    struct append_decoder decoder;
    int rv = fields_decode(&append_message, params, &head, err);

    if (rv != 0) {
        return rv;
    }
    decoder.args = ret;
    decoder.entries_count = 0;
    decoder.bytes = 0;
    ret->parts_owned = NULL;
    ret->entries_owned = NULL;
    ret->parts_count = 0;
    ret->producer = head.producer;
    ret->sequence = head.sequence;
    rv = decode(&decoder, &head, err);
    if (rv != 0) {
        append_args_close(ret);
        return fields_refuse(&append_message, params, rv, err);
    }
    return 0;
}

void append_args_close(struct append_args *args)
{
    if (args->parts_owned != NULL) {
        free(args->parts_owned);
        args->parts_owned = NULL;
    }
    if (args->entries_owned != NULL) {
        free(args->entries_owned);
        args->entries_owned = NULL;
    }
    args->parts = NULL;
    args->parts_count = 0;
}

static int decode(struct append_decoder *decoder, struct append_head *head,
                  struct err *err)
{
    int rv = check_head(head, err);

    rv = rv != 0 ? rv : decode_parts(decoder, &head->appends, err);
    return rv != 0 ? rv : decode_entries(decoder, err);
}

static int check_head(const struct append_head *head, struct err *err)
{
    if ((head->producer == 0) != (head->sequence == 0)) {
        return err_set(err, QL_INVALID,
                       "log.append: 'producer' and 'sequence' must stand "
                       "together");
    }
    if (head->appends.count == 0) {
        return err_set(err, QL_INVALID,
                       "log.append: 'appends' must not be empty");
    }
    if (head->appends.count > APPEND_PARTS_MAX) {
        return err_set(err, QL_TOO_LARGE,
                       "log.append: %zu logs in one append, more than %u",
                       (size_t)head->appends.count, APPEND_PARTS_MAX);
    }
    return 0;
}

static int decode_parts(struct append_decoder *decoder, struct items *appends,
                        struct err *err)
{
    struct append_args *args = decoder->args;
    size_t count = appends->count;
    int rv = 0;

    args->parts = args->parts_near;
    if (count > APPEND_PARTS_NEAR) {
        args->parts_owned = malloc(count * sizeof(*args->parts));
        args->parts = args->parts_owned;
    }
    if (args->parts == NULL) {
        return err_set(err, QL_NO_MEMORY, "log.append: out of memory");
    }
    while (rv == 0 && args->parts_count < count) {
        rv = decode_part(decoder, appends, err);
    }
    return rv;
}

/* Adds the next part; its entries are left for the second pass. */
static int decode_part(struct append_decoder *decoder, struct items *appends,
                       struct err *err)
{
    struct append_args *args = decoder->args;
    struct part_head head = {0};
    struct bytes log;
    size_t i;
    int rv = fields_read_next(&part_message, appends, &head, err);

    if (rv != 0) {
        return rv;
    }
    log = head.args.log;
    if (head.entries.count == 0) {
        return err_set(err, QL_INVALID,
                       "log.append: 'entries' must not be empty");
    }
    for (i = 0; i < args->parts_count; i++) {
        if (args->parts[i].log.len == log.len &&
            memcmp(args->parts[i].log.data, log.data, log.len) == 0) {
            return err_set(err, QL_INVALID,
                           "log.append: log '%.*s' stands twice", (int)log.len,
                           (const char *)log.data);
        }
    }
    decoder->entries_count += head.entries.count;
    if (decoder->entries_count > APPEND_ENTRIES_MAX) {
        return err_set(err, QL_TOO_LARGE,
                       "log.append: more than %u entries in one append",
                       APPEND_ENTRIES_MAX);
    }
    head.args.entries_count = head.entries.count;
    decoder->entries[args->parts_count] = head.entries.left;
    args->parts[args->parts_count] = head.args;
    args->parts_count++;
    return 0;
}

static int decode_entries(struct append_decoder *decoder, struct err *err)
{
    struct append_args *args = decoder->args;
    struct append_entry *entry = args->entries_near;
    size_t i;
    size_t j;
    int rv;

    if (decoder->entries_count > APPEND_ENTRIES_NEAR) {
        args->entries_owned = malloc(decoder->entries_count * sizeof(*entry));
        entry = args->entries_owned;
    }
    if (entry == NULL) {
        return err_set(err, QL_NO_MEMORY, "log.append: out of memory");
    }
    for (i = 0; i < args->parts_count; i++) {
        struct bytes *left = &decoder->entries[i];

        args->parts[i].entries = entry;
        for (j = 0; j < args->parts[i].entries_count; j++) {
            rv = decode_entry(decoder, left, entry, err);
            if (rv != 0) {
                err_wrap(err, "log.append: part %zu, entry %zu", i, j);
                return rv;
            }
            entry++;
        }
        if (left->len > 0) {
            return fields_unsound(err);
        }
    }
    return 0;
}

/* value | [key, value]. */
static int decode_entry(struct append_decoder *decoder, struct bytes *left,
                        struct append_entry *ret, struct err *err)
{
    struct append_entry entry = {{NULL, 0}, {NULL, 0}};
    struct token head;

    if (!take_head(left, &head)) {
        return fields_unsound(err);
    }
    if (head.kind == TOKEN_ARRAY) {
        if (head.number != 2) {
            return err_set(err, QL_INVALID, "must be a value or [key, value]");
        }
        if (!take_bytes_or_nil(left, &entry.key)) {
            return err_set(err, QL_INVALID, "the key must be bytes or nil");
        }
        if (!take_bytes(left, &entry.value)) {
            return err_set(err, QL_INVALID, "the value must be bytes");
        }
    } else if (!take_body(left, &head, &entry.value)) {
        return err_set(err, QL_INVALID, "the value must be bytes");
    }
    if (entry.key.len > ENTRY_KEY_MAX) {
        return err_set(err, QL_TOO_LARGE, "a key of %zu bytes, more than %u",
                       entry.key.len, ENTRY_KEY_MAX);
    }
    if (entry.value.len > ENTRY_VALUE_MAX) {
        return err_set(err, QL_TOO_LARGE, "a value of %zu bytes, more than %u",
                       entry.value.len, ENTRY_VALUE_MAX);
    }
    decoder->bytes += entry.key.len + entry.value.len;
    if (decoder->bytes > APPEND_BYTES_MAX) {
        return err_set(err, QL_TOO_LARGE,
                       "more than %u bytes of keys and values in one append",
                       APPEND_BYTES_MAX);
    }
    *ret = entry;
    return 0;
}

int append_args_encode(const struct append_args *args, struct buf *buf)
{
    const struct append_head head = {
        .producer = args->producer,
        .sequence = args->sequence,
    };
    size_t len = buf->len;
    size_t i;
    int rv;

    rv = fields_pack(&append_message, &head, 1, buf);
    rv = rv != 0 ? rv : pack_text(buf, "appends");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)args->parts_count);
    for (i = 0; i < args->parts_count && rv == 0; i++) {
        rv = encode_part(&args->parts[i], buf);
    }
    if (rv != 0) {
        buf->len = len;
    }
    return rv;
}

static int encode_part(const struct append_part_args *part, struct buf *buf)
{
    size_t i;
    int rv;

    rv = fields_pack(&part_message, part, 1, buf);
    rv = rv != 0 ? rv : pack_text(buf, "entries");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)part->entries_count);
    for (i = 0; i < part->entries_count && rv == 0; i++) {
        rv = encode_entry(&part->entries[i], buf);
    }
    return rv;
}

static int encode_entry(const struct append_entry *entry, struct buf *buf)
{
    uint8_t *at = pack_begin(buf, 1 + 2 * PACK_HEAD_LEN + entry->key.len +
                                      entry->value.len);

    if (at == NULL) {
        return QL_NO_MEMORY;
    }
    if (entry->key.data != NULL) {
        *at++ = 0x92; /* an array of two */
        at = pack_put_bin(at, entry->key);
    }
    pack_end(buf, pack_put_bin(at, entry->value));
    return 0;
}
