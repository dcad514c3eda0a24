/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/jute.h"

#include <assert.h>
#include <string.h>

#define LENGTH_LEN 4u
#define MESSAGE_MAX (1024u * 1024u)
#define PASSWORD_LEN 16u
#define PATH_MAX_LEN 64u
#define ANSWER_HEAD_LEN 16u /* xid, zxid, error */
/* Of a Stat: four numbers of 8 bytes stand in front of the version. */
#define VERSION_AT 32u
#define ANY_VERSION UINT32_MAX
#define PERMISSION_ALL 31u

enum call {
    CREATE = 1,
    EXISTS = 3,
    SET_DATA = 5,
};

static size_t u32_put(uint8_t *at, uint32_t value)
{
    for (size_t i = 4; i > 0; i--) {
        at[i - 1] = (uint8_t)value;
        value >>= 8;
    }
    return 4;
}

static uint32_t u32_get(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
           (uint32_t)at[2] << 8 | at[3];
}

static size_t text_put(uint8_t *at, const char *text)
{
    size_t len = strlen(text);

    assert(len <= PATH_MAX_LEN);
    (void)u32_put(at, (uint32_t)len);
    memcpy(at + 4, text, len);
    return 4 + len;
}

/* Room for the length, xid, which call, path. */
static size_t head_put(uint8_t *at, int32_t xid, enum call call,
                       const char *path)
{
    size_t len = LENGTH_LEN;

    len += u32_put(at + len, (uint32_t)xid);
    len += u32_put(at + len, (uint32_t)call);
    return len + text_put(at + len, path);
}

static size_t finish(uint8_t *at, size_t len, size_t more)
{
    (void)u32_put(at, (uint32_t)(len - LENGTH_LEN + more));
    return len;
}

size_t jute_connect_put(uint8_t at[JUTE_MAX], uint32_t timeout_ms)
{
    /* Version 0, no zxid seen, the timeout, no session yet and no password. */
    size_t len = LENGTH_LEN + 4 + 8;

    memset(at, 0, JUTE_MAX);
    len += u32_put(at + len, timeout_ms);
    len += 8;
    len += u32_put(at + len, PASSWORD_LEN);
    len += PASSWORD_LEN;
    return finish(at, len + 1, 0); /* and not for reading only */
}

size_t jute_create_put(uint8_t at[JUTE_MAX], int32_t xid, const char *path)
{
    size_t len = head_put(at, xid, CREATE, path);

    len += u32_put(at + len, 0); /* bytes of data */
    len += u32_put(at + len, 1); /* of a list of rights */
    len += u32_put(at + len, PERMISSION_ALL);
    len += text_put(at + len, "world");
    len += text_put(at + len, "anyone");
    len += u32_put(at + len, 0); /* it stays */
    return finish(at, len, 0);
}

size_t jute_set_put(uint8_t at[JUTE_MAX], int32_t xid, const char *path,
                    size_t data_len)
{
    size_t len = head_put(at, xid, SET_DATA, path);

    len += u32_put(at + len, (uint32_t)data_len);
    return finish(at, len, data_len + 4);
}

size_t jute_set_end_put(uint8_t at[JUTE_MAX])
{
    return u32_put(at, ANY_VERSION);
}

size_t jute_exists_put(uint8_t at[JUTE_MAX], int32_t xid, const char *path)
{
    size_t len = head_put(at, xid, EXISTS, path);

    at[len++] = 0; /* without a watch */
    return finish(at, len, 0);
}

size_t jute_take(struct bytes bytes, struct bytes *ret_message,
                 bool *ret_is_damaged)
{
    uint32_t len;

    *ret_is_damaged = false;
    if (bytes.len < LENGTH_LEN) {
        return 0;
    }
    len = u32_get(bytes.data);
    if (len > MESSAGE_MAX) {
        *ret_is_damaged = true;
        return 0;
    }
    if (bytes.len < LENGTH_LEN + len) {
        return 0;
    }
    *ret_message = (struct bytes){bytes.data + LENGTH_LEN, len};
    return LENGTH_LEN + len;
}

bool jute_answer_read(struct bytes message, struct jute_answer *ret_answer)
{
    if (message.len < ANSWER_HEAD_LEN) {
        return false;
    }
    *ret_answer = (struct jute_answer){
        .xid = (int32_t)u32_get(message.data),
        .error = (int32_t)u32_get(message.data + 12),
        .body = {message.data + ANSWER_HEAD_LEN, message.len - ANSWER_HEAD_LEN},
    };
    return true;
}

bool jute_version_read(struct bytes body, uint32_t *ret_version)
{
    if (body.len < VERSION_AT + 4) {
        return false;
    }
    *ret_version = u32_get(body.data + VERSION_AT);
    return true;
}
