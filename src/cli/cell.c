/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/cell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/escape.h"
#include "cli/strbuf.h"
#include "util/hash128.h"
#include "util/text.h"

#define DIGEST_TEXT_LEN (2 * HASH128_LEN)

static uint64_t field_u64(const struct column *column, const void *object);
static bool field_bool(const struct column *column, const void *object);
static struct bytes field_bytes(const struct column *column,
                                const void *object);
static void field_digest(const struct column *column, const void *object,
                         char ret_text[DIGEST_TEXT_LEN + 1]);
static void text_add_duration(uint64_t ms, struct buf *ret_text);
static json_t *json_from_u64(uint64_t value);
static void json_set_bytes(json_t *json, const char *key, struct bytes bytes);

void cell_text(const struct column *column, const void *object,
               struct buf *ret_text)
{
    char text[DIGEST_TEXT_LEN + 1];
    struct bytes bytes;

    switch (column->kind) {
    case COLUMN_TEXT:
    case COLUMN_POINTER:
    case COLUMN_BYTES:
        bytes = field_bytes(column, object);
        if (bytes.data == NULL) {
            strbuf_add(ret_text, "-", 1);
        } else {
            escape_text(bytes.data, bytes.len, ret_text);
        }
        return;
    case COLUMN_ID:
        if (field_u64(column, object) == 0) {
            strbuf_add(ret_text, "-", 1);
            return;
        }
        /* fallthrough */
    case COLUMN_U64:
        strbuf_printf(ret_text, "%" PRIu64, field_u64(column, object));
        return;
    case COLUMN_SIZE:
        if (field_u64(column, object) == CELL_NO_SIZE) {
            strbuf_add(ret_text, "-", 1);
            return;
        }
        text_bytes_human(field_u64(column, object), text, sizeof text);
        strbuf_printf(ret_text, "%s", text);
        return;
    case COLUMN_DURATION:
        text_add_duration(field_u64(column, object), ret_text);
        return;
    case COLUMN_TIME:
        cell_time(field_u64(column, object), text);
        strbuf_printf(ret_text, "%s",
                      field_u64(column, object) == 0 ? "-" : text);
        return;
    case COLUMN_BOOL:
        strbuf_printf(ret_text, field_bool(column, object) ? "yes" : "no");
        return;
    case COLUMN_DIGEST:
        field_digest(column, object, text);
        strbuf_printf(ret_text, "%s", text);
        return;
    }
}

void cell_json(const struct column *column, const void *object, json_t *json)
{
    char text[DIGEST_TEXT_LEN + 1];
    json_t *value = NULL;

    switch (column->kind) {
    case COLUMN_TEXT:
    case COLUMN_POINTER:
    case COLUMN_BYTES:
        json_set_bytes(json, column->key, field_bytes(column, object));
        return;
    case COLUMN_SIZE:
        value = field_u64(column, object) == CELL_NO_SIZE
                    ? json_null()
                    : json_from_u64(field_u64(column, object));
        break;
    case COLUMN_U64:
    case COLUMN_DURATION:
        value = json_from_u64(field_u64(column, object));
        break;
    case COLUMN_ID:
    case COLUMN_TIME:
        value = field_u64(column, object) == 0
                    ? json_null()
                    : json_from_u64(field_u64(column, object));
        break;
    case COLUMN_BOOL:
        value = json_boolean(field_bool(column, object));
        break;
    case COLUMN_DIGEST:
        field_digest(column, object, text);
        value = json_string(text);
        break;
    }
    (void)json_object_set_new(json, column->key, value);
}

bool cell_is_number(const struct column *column)
{
    return column->kind == COLUMN_U64 || column->kind == COLUMN_ID ||
           column->kind == COLUMN_SIZE || column->kind == COLUMN_DURATION;
}

void cell_time(uint64_t time_ms, char ret_text[CELL_TIME_LEN + 1])
{
    const uint64_t year_10000_ms = 253402300800000u;
    struct tm tm;
    time_t seconds;
    size_t len;

    if (time_ms >= year_10000_ms) {
        time_ms = year_10000_ms - 1;
    }
    seconds = (time_t)(time_ms / 1000);
    (void)gmtime_r(&seconds, &tm);
    len = strftime(ret_text, CELL_TIME_LEN + 1, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(ret_text + len, CELL_TIME_LEN + 1 - len, ".%03uZ",
                   (unsigned)(time_ms % 1000));
}

static uint64_t field_u64(const struct column *column, const void *object)
{
    uint64_t value;

    memcpy(&value, (const char *)object + column->offset, sizeof value);
    return value;
}

static bool field_bool(const struct column *column, const void *object)
{
    bool value;

    memcpy(&value, (const char *)object + column->offset, sizeof value);
    return value;
}

static struct bytes field_bytes(const struct column *column, const void *object)
{
    const char *field = (const char *)object + column->offset;
    struct bytes bytes;

    if (column->kind == COLUMN_BYTES) {
        memcpy(&bytes, field, sizeof bytes);
        return bytes;
    }
    if (column->kind == COLUMN_POINTER) {
        const char *text;

        memcpy(&text, field, sizeof text);
        field = text;
    }
    bytes.data = (const uint8_t *)field;
    bytes.len = field == NULL ? 0 : strlen(field);
    return bytes;
}

static void field_digest(const struct column *column, const void *object,
                         char ret_text[DIGEST_TEXT_LEN + 1])
{
    text_hex((const uint8_t *)object + column->offset, HASH128_LEN, ret_text,
             DIGEST_TEXT_LEN + 1);
}

/* In the unit it was most likely given in, so that nothing is rounded. */
static void text_add_duration(uint64_t ms, struct buf *ret_text)
{
    static const struct {
        uint64_t ms;
        const char *unit;
    } units[] = {
        {24u * 3600u * 1000u, "d"},
        {3600u * 1000u, "h"},
        {60u * 1000u, "m"},
        {1000u, "s"},
        {1u, "ms"},
    };
    size_t i = 0;

    while (ms % units[i].ms != 0) {
        i++;
    }
    if (ms == 0) {
        strbuf_printf(ret_text, "0");
    } else {
        strbuf_printf(ret_text, "%" PRIu64 "%s", ms / units[i].ms,
                      units[i].unit);
    }
}

/* JSON integers of jansson are signed. */
static json_t *json_from_u64(uint64_t value)
{
    char text[32];

    if (value <= INT64_MAX) {
        return json_integer((json_int_t)value);
    }
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    return json_string(text);
}

static void json_set_bytes(json_t *json, const char *key, struct bytes bytes)
{
    struct buf name = BUF_INIT;
    struct buf text = BUF_INIT;

    if (bytes.data == NULL) {
        (void)json_object_set_new(json, key, json_null());
    } else if (escape_is_utf8(bytes.data, bytes.len)) {
        (void)json_object_set_new(
            json, key, json_stringn((const char *)bytes.data, bytes.len));
    } else {
        strbuf_printf(&name, "%s_base64", key);
        strbuf_base64(&text, bytes.data, bytes.len);
        (void)json_object_set_new(
            json, strbuf_text(&name),
            json_stringn((const char *)text.data, text.len));
    }
    buf_close(&name);
    buf_close(&text);
}
