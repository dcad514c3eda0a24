/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/args_append.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "wire/fields.h"
#include "wire/pack.h"

/* log.append before its parts are decoded. */
struct append_head {
    msgpack_object_array appends;
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
    msgpack_object_array entries;
};

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
    struct append_args args;
    size_t entries_count; /* of all parts */
    size_t bytes;         /* of keys and values */
    msgpack_object_array entries[APPEND_PARTS_MAX];
};

static int decode_parts(struct append_decoder *decoder,
                        const msgpack_object_array *appends, struct err *err);
static int decode_part(struct append_decoder *decoder,
                       const msgpack_object *object, struct err *err);
static int decode_entries(struct append_decoder *decoder, struct err *err);
static int decode_entry(struct append_decoder *decoder,
                        const msgpack_object *object, struct append_entry *ret,
                        struct err *err);
static int check_head(const struct append_head *head, struct err *err);
static int encode_part(const struct append_part_args *part, struct buf *buf);

int append_args_decode(struct append_args *ret, struct bytes params,
                       struct err *err)
{
    struct fields fields;
    struct append_head head = {0};
    struct append_decoder decoder;
    int rv;

    decoder.args = (struct append_args){0};
    decoder.entries_count = 0;
    decoder.bytes = 0;
    rv = fields_open(&fields, &append_message, params, &head, err);
    if (rv != 0) {
        return rv;
    }
    rv = check_head(&head, err);
    if (rv == 0) {
        rv = decode_parts(&decoder, &head.appends, err);
    }
    if (rv == 0) {
        rv = decode_entries(&decoder, err);
    }
    fields_close(&fields);
    if (rv != 0) {
        append_args_close(&decoder.args);
        return rv;
    }
    *ret = decoder.args;
    ret->producer = head.producer;
    ret->sequence = head.sequence;
    return 0;
}

void append_args_close(struct append_args *args)
{
    free(args->parts);
    free(args->entries);
    *args = (struct append_args){0};
}

static int check_head(const struct append_head *head, struct err *err)
{
    if ((head->producer == 0) != (head->sequence == 0)) {
        return err_set(err, QL_INVALID,
                       "log.append: 'producer' and 'sequence' must stand "
                       "together");
    }
    if (head->appends.size == 0) {
        return err_set(err, QL_INVALID,
                       "log.append: 'appends' must not be empty");
    }
    if (head->appends.size > APPEND_PARTS_MAX) {
        return err_set(err, QL_TOO_LARGE,
                       "log.append: %u logs in one append, more than %u",
                       head->appends.size, APPEND_PARTS_MAX);
    }
    return 0;
}

static int decode_parts(struct append_decoder *decoder,
                        const msgpack_object_array *appends, struct err *err)
{
    size_t i;
    int rv;

    decoder->args.parts =
        calloc(appends->size, sizeof(struct append_part_args));
    if (decoder->args.parts == NULL) {
        return err_set(err, QL_NO_MEMORY, "log.append: out of memory");
    }
    for (i = 0; i < appends->size; i++) {
        rv = decode_part(decoder, &appends->ptr[i], err);
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
}

/* Adds the part; its entries are left for the second pass. */
static int decode_part(struct append_decoder *decoder,
                       const msgpack_object *object, struct err *err)
{
    struct append_args *args = &decoder->args;
    struct part_head head = {0};
    struct bytes log;
    size_t i;
    int rv;

    rv = fields_read(&part_message, object, &head, err);
    if (rv != 0) {
        return rv;
    }
    log = head.args.log;
    if (head.entries.size == 0) {
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
    decoder->entries_count += head.entries.size;
    if (decoder->entries_count > APPEND_ENTRIES_MAX) {
        return err_set(err, QL_TOO_LARGE,
                       "log.append: more than %u entries in one append",
                       APPEND_ENTRIES_MAX);
    }
    head.args.entries_count = head.entries.size;
    decoder->entries[args->parts_count] = head.entries;
    args->parts[args->parts_count] = head.args;
    args->parts_count++;
    return 0;
}

static int decode_entries(struct append_decoder *decoder, struct err *err)
{
    struct append_args *args = &decoder->args;
    struct append_entry *entry;
    size_t i;
    size_t j;
    int rv;

    args->entries = malloc(decoder->entries_count * sizeof(*args->entries));
    if (args->entries == NULL) {
        return err_set(err, QL_NO_MEMORY, "log.append: out of memory");
    }
    entry = args->entries;
    for (i = 0; i < args->parts_count; i++) {
        args->parts[i].entries = entry;
        for (j = 0; j < args->parts[i].entries_count; j++) {
            rv = decode_entry(decoder, &decoder->entries[i].ptr[j], entry, err);
            if (rv != 0) {
                err_wrap(err, "log.append: part %zu, entry %zu", i, j);
                return rv;
            }
            entry++;
        }
    }
    return 0;
}

/* value | [key, value]; a key of nil is none. */
static int decode_entry(struct append_decoder *decoder,
                        const msgpack_object *object, struct append_entry *ret,
                        struct err *err)
{
    struct append_entry entry = {{NULL, 0}, {NULL, 0}};
    const msgpack_object *value = object;

    if (object->type == MSGPACK_OBJECT_ARRAY) {
        const msgpack_object *key = object->via.array.ptr;

        if (object->via.array.size != 2) {
            return err_set(err, QL_INVALID, "must be a value or [key, value]");
        }
        value = &object->via.array.ptr[1];
        if (key->type != MSGPACK_OBJECT_NIL && !object_bytes(key, &entry.key)) {
            return err_set(err, QL_INVALID, "the key must be bytes or nil");
        }
    }
    if (!object_bytes(value, &entry.value)) {
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
    const struct part_head head = {.args = *part};
    size_t i;
    int rv;

    rv = fields_pack(&part_message, &head, 1, buf);
    rv = rv != 0 ? rv : pack_text(buf, "entries");
    rv = rv != 0 ? rv : pack_array(buf, (uint32_t)part->entries_count);
    for (i = 0; i < part->entries_count && rv == 0; i++) {
        const struct append_entry *entry = &part->entries[i];

        if (entry->key.data != NULL) {
            rv = pack_array(buf, 2);
            rv = rv != 0 ? rv : pack_bin(buf, entry->key.data, entry->key.len);
        }
        rv = rv != 0 ? rv : pack_bin(buf, entry->value.data, entry->value.len);
    }
    return rv;
}
