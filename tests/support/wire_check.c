/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/wire_check.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/notation.h"

static int decode_copy(decode_cb decode, const uint8_t *bytes, size_t len,
                       struct err *err);

struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

struct bytes view_of(const struct buf *buf)
{
    return (struct bytes){buf->data, buf->len};
}

void assert_bytes(struct bytes bytes, const char *text)
{
    assert_non_null(bytes.data);
    assert_int_equal(bytes.len, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.len);
}

void refusals_check(decode_cb decode, const struct refusal *rows, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        struct buf buf = BUF_INIT;
        struct err err = {0};
        int rv;

        notation_pack(&buf, rows[i].message);
        rv = decode_copy(decode, buf.data, buf.len, &err);
        if (rv != rows[i].code) {
            fail_msg("%s gave %d, not %d (%s)", rows[i].message, rv,
                     rows[i].code, err.text);
        }
        if (rows[i].text != NULL) {
            assert_string_equal(err.text, rows[i].text);
            assert_int_equal(err.code, rows[i].code);
        }
        buf_close(&buf);
    }
}

void cuts_check(decode_cb decode, const char *message)
{
    struct buf buf = BUF_INIT;
    struct err err = {0};
    size_t len;

    notation_pack(&buf, message);
    assert_int_equal(decode_copy(decode, buf.data, buf.len, &err), 0);
    for (len = 0; len < buf.len; len++) {
        assert_int_not_equal(decode_copy(decode, buf.data, len, &err), 0);
    }
    assert_int_equal(buf_add(&buf, "\xc0", 1), 0);
    assert_int_equal(decode_copy(decode, buf.data, buf.len, &err), QL_PROTOCOL);
    buf_close(&buf);
}

static int decode_copy(decode_cb decode, const uint8_t *bytes, size_t len,
                       struct err *err)
{
    uint8_t *copy = malloc(len + 1);
    int rv;

    assert_non_null(copy);
    /* Ends with the allocation, so that an instrumented build sees a byte too
     * many; the one in front keeps malloc(0) out. */
    if (len > 0) {
        memcpy(copy + 1, bytes, len);
    }
    rv = decode((struct bytes){copy + 1, len}, err);
    free(copy);
    return rv;
}
