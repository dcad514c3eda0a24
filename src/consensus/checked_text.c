/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "consensus/checked_text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "machine/must.h"
#include "util/crc32c.h"

/* "crc32c = XXXXXXXX\n" */
#define SEAL_KEY "crc32c = "
#define SEAL_LEN (sizeof SEAL_KEY - 1 + 8 + 1)

static void seal_format(char ret_line[SEAL_LEN + 1], const void *bytes,
                        size_t len);

void checked_text_add(struct buf *buf, const char *key, const char *format, ...)
{
    char line[CHECKED_TEXT_LINE_MAX];
    int key_len = snprintf(line, sizeof line, "%s = ", key);
    int value_len;
    size_t len;
    va_list arguments;

    assert(key_len > 0);
    assert((size_t)key_len < sizeof line);
    va_start(arguments, format);
    value_len = vsnprintf(line + key_len, sizeof line - (size_t)key_len, format,
                          arguments);
    va_end(arguments);
    assert(value_len >= 0);
    len = (size_t)key_len + (size_t)value_len;
    assert(len + 1 < sizeof line);
    line[len] = '\n';
    (void)must_have_memory(buf_add(buf, line, len + 1));
}

void checked_text_seal(struct buf *buf)
{
    char line[SEAL_LEN + 1];

    seal_format(line, buf->data, buf->len);
    (void)must_have_memory(buf_add(buf, line, SEAL_LEN));
}

int checked_text_open(struct checked_text *ret, const void *bytes, size_t len,
                      struct err *err)
{
    const char *start = bytes;
    char line[SEAL_LEN + 1];

    if (len < SEAL_LEN) {
        return err_set(err, QL_CORRUPT, "it is cut short");
    }
    seal_format(line, bytes, len - SEAL_LEN);
    if (memcmp(start + len - SEAL_LEN, line, SEAL_LEN) != 0) {
        return err_set(err, QL_CORRUPT, "its checksum does not fit");
    }
    ret->at = start;
    ret->end = start + len - SEAL_LEN;
    return 0;
}

bool checked_text_more(const struct checked_text *text)
{
    return text->at < text->end;
}

bool checked_text_is(const struct checked_text *text, const char *key)
{
    size_t key_len = strlen(key);
    size_t left = (size_t)(text->end - text->at);

    return left >= key_len + 3 && memcmp(text->at, key, key_len) == 0 &&
           memcmp(text->at + key_len, " = ", 3) == 0;
}

int checked_text_next(struct checked_text *text, const char *key,
                      char *ret_value, size_t room, struct err *err)
{
    size_t key_len = strlen(key);
    size_t left = (size_t)(text->end - text->at);
    const char *line = text->at;
    const char *line_end = memchr(line, '\n', left);
    const char *value = line + key_len + 3;
    size_t value_len;

    if (line_end == NULL || (size_t)(line_end - line) < key_len + 3 ||
        !checked_text_is(text, key)) {
        return err_set(err, QL_CORRUPT, "the line \"%s\" is missing", key);
    }
    value_len = (size_t)(line_end - value);
    if (value_len >= room || memchr(value, '\0', value_len) != NULL) {
        return err_set(err, QL_CORRUPT, "the value of \"%s\" is too long", key);
    }
    memcpy(ret_value, value, value_len);
    ret_value[value_len] = '\0';
    text->at = line_end + 1;
    return 0;
}

static void seal_format(char ret_line[SEAL_LEN + 1], const void *bytes,
                        size_t len)
{
    int written = snprintf(ret_line, SEAL_LEN + 1, SEAL_KEY "%08" PRIx32 "\n",
                           crc32c(0, bytes, len));

    assert(written == (int)SEAL_LEN);
}
