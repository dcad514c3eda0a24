/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/nats_message.h"

#include <assert.h>
#include <string.h>

#define LINE_MAX_LEN 65536u /* of INFO, above all */
#define WORDS_MAX 5u
#define DIGITS_MAX 20u
#define SUBJECT_MAX 40u

static bool starts_with(struct bytes bytes, const char *word)
{
    size_t len = strlen(word);

    return bytes.len >= len && memcmp(bytes.data, word, len) == 0;
}

/* Words of a line; more than there is room for: 0. */
static size_t split(struct bytes line, struct bytes *words)
{
    size_t count = 0;
    size_t at = 0;

    while (at < line.len) {
        size_t from = at;

        while (at < line.len && line.data[at] != ' ') {
            at++;
        }
        if (at > from) {
            if (count == WORDS_MAX) {
                return 0;
            }
            words[count++] = (struct bytes){line.data + from, at - from};
        }
        at++;
    }
    return count;
}

static bool read_number(struct bytes digits, size_t *ret)
{
    size_t value = 0;

    if (digits.len == 0 || digits.len >= DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            return false;
        }
        value = 10 * value + (size_t)(digits.data[i] - '0');
    }
    *ret = value;
    return true;
}

/* MSG subject sid [reply] len, then the payload. */
static void take_payload(struct bytes bytes, struct bytes line,
                         struct nats_message *ret)
{
    struct bytes words[WORDS_MAX];
    size_t count = split(line, words);
    size_t len;

    if (count < 4 || !read_number(words[count - 1], &len)) {
        ret->kind = NATS_DAMAGED;
        return;
    }
    if (bytes.len < ret->len + len + 2) {
        ret->kind = NATS_NONE;
        return;
    }
    ret->kind = NATS_MESSAGE;
    ret->subject = words[1];
    ret->payload = (struct bytes){bytes.data + ret->len, len};
    ret->len += len + 2;
}

void nats_message_take(struct bytes bytes, struct nats_message *ret_message)
{
    const uint8_t *end =
        bytes.len == 0 ? NULL : memchr(bytes.data, '\n', bytes.len);
    struct bytes line = {bytes.data, 0};

    *ret_message = (struct nats_message){.kind = NATS_NONE};
    if (end == NULL) {
        if (bytes.len > LINE_MAX_LEN) {
            ret_message->kind = NATS_DAMAGED;
        }
        return;
    }
    ret_message->len = (size_t)(end - bytes.data) + 1;
    line.len = ret_message->len - 1;
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    if (starts_with(line, "MSG ")) {
        take_payload(bytes, line, ret_message);
    } else if (starts_with(line, "PING")) {
        ret_message->kind = NATS_PING;
    } else if (starts_with(line, "-ERR")) {
        ret_message->kind = NATS_ERROR;
        ret_message->payload = line;
    } else if (starts_with(line, "INFO ") || starts_with(line, "PONG") ||
               starts_with(line, "+OK")) {
        ret_message->kind = NATS_OTHER;
    } else {
        ret_message->kind = NATS_DAMAGED;
    }
}

static size_t text_put(char *at, const char *text)
{
    size_t len = strlen(text);

    assert(len <= SUBJECT_MAX);
    memcpy(at, text, len);
    return len;
}

static size_t number_put(char *at, size_t number)
{
    char digits[DIGITS_MAX];
    size_t len = 0;

    do {
        digits[len++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < len; i++) {
        at[i] = digits[len - 1 - i];
    }
    return len;
}

size_t nats_publish_put(char at[NATS_HEAD_MAX], const char *subject,
                        const char *reply, size_t number, size_t len)
{
    size_t used = text_put(at, "PUB ");

    used += text_put(at + used, subject);
    at[used++] = ' ';
    used += text_put(at + used, reply);
    used += number_put(at + used, number);
    at[used++] = ' ';
    used += number_put(at + used, len);
    return used + text_put(at + used, "\r\n");
}

bool nats_number(struct bytes subject, const char *prefix, size_t *ret_number)
{
    size_t len = strlen(prefix);

    return starts_with(subject, prefix) &&
           read_number((struct bytes){subject.data + len, subject.len - len},
                       ret_number);
}

bool nats_is_stored(struct bytes payload)
{
    return memmem(payload.data, payload.len, "\"error\"", 7) == NULL &&
           memmem(payload.data, payload.len, "\"seq\":", 6) != NULL;
}
