/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "compare/nats_message.h"
#include "support/cmocka.h"

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static void assert_text(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.len, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.len);
}

static struct nats_message take(const char *text)
{
    struct nats_message message;

    nats_message_take(bytes_of(text), &message);
    return message;
}

static void publish_names_subject_reply_and_length(void **state)
{
    static const char wanted[] = "PUB log _INBOX.a.0.1023 128\r\n";
    char bytes[NATS_HEAD_MAX];

    (void)state;
    assert_int_equal(nats_publish_put(bytes, "log", "_INBOX.a.0.", 1023, 128),
                     sizeof wanted - 1);
    assert_memory_equal(bytes, wanted, sizeof wanted - 1);
}

static void message_has_a_subject_and_a_payload(void **state)
{
    struct nats_message message =
        take("MSG _INBOX.a.0.7 1 11\r\nhello\r\nPING\r\nPING\r\n");

    (void)state;
    assert_int_equal(message.kind, NATS_MESSAGE);
    assert_text(message.subject, "_INBOX.a.0.7");
    assert_text(message.payload, "hello\r\nPING");
    assert_int_equal(message.len, 36);
}

static void reply_of_a_message_is_passed_over(void **state)
{
    struct nats_message message = take("MSG a.7 1 b.8 0\r\n\r\n");

    (void)state;
    assert_int_equal(message.kind, NATS_MESSAGE);
    assert_text(message.subject, "a.7");
    assert_int_equal(message.payload.len, 0);
}

static void other_lines_are_told_apart(void **state)
{
    struct nats_message error = take("-ERR 'Slow Consumer'\r\n");

    (void)state;
    assert_int_equal(take("PING\r\n").kind, NATS_PING);
    assert_int_equal(take("PONG\r\n").kind, NATS_OTHER);
    assert_int_equal(take("+OK\r\n").kind, NATS_OTHER);
    assert_int_equal(take("INFO {\"a\":1}\r\n").len, 14);
    assert_int_equal(error.kind, NATS_ERROR);
    assert_text(error.payload, "-ERR 'Slow Consumer'");
}

static void part_of_a_message_is_none(void **state)
{
    static const char text[] = "MSG a.7 1 5\r\nhello\r\n";

    (void)state;
    for (size_t len = 1; len < sizeof text - 1; len++) {
        uint8_t *part = malloc(len);
        struct nats_message message;

        assert_non_null(part);
        memcpy(part, text, len);
        nats_message_take((struct bytes){part, len}, &message);
        assert_int_equal(message.kind, NATS_NONE);
        free(part);
    }
}

static void what_is_not_the_protocol_is_damage(void **state)
{
    (void)state;
    assert_int_equal(take("MSG a 1\r\n").kind, NATS_DAMAGED);
    assert_int_equal(take("MSG a 1 x\r\n").kind, NATS_DAMAGED);
    assert_int_equal(take("MSG a 1 b 2 3 4\r\n").kind, NATS_DAMAGED);
    assert_int_equal(take("MSG a 1 99999999999999999999\r\n").kind,
                     NATS_DAMAGED);
    assert_int_equal(take("HTTP/1.1 400\r\n").kind, NATS_DAMAGED);
    assert_int_equal(take("\r\n").kind, NATS_DAMAGED);
}

static void number_of_a_subject_stands_behind_its_prefix(void **state)
{
    size_t number = 0;

    (void)state;
    assert_true(nats_number(bytes_of("a.1023"), "a.", &number));
    assert_int_equal(number, 1023);
    assert_false(nats_number(bytes_of("a."), "a.", &number));
    assert_false(nats_number(bytes_of("b.1"), "a.", &number));
    assert_false(nats_number(bytes_of("a.1x"), "a.", &number));
    assert_false(nats_number(bytes_of(""), "a.", &number));
}

static void only_a_sequence_without_an_error_is_stored(void **state)
{
    (void)state;
    assert_true(nats_is_stored(bytes_of("{\"stream\":\"S\", \"seq\":1}")));
    assert_false(nats_is_stored(
        bytes_of("{\"error\":{\"code\":503},\"stream\":\"S\",\"seq\":0}")));
    assert_false(nats_is_stored(bytes_of("{}")));
    assert_false(nats_is_stored(bytes_of("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publish_names_subject_reply_and_length),
        cmocka_unit_test(message_has_a_subject_and_a_payload),
        cmocka_unit_test(reply_of_a_message_is_passed_over),
        cmocka_unit_test(other_lines_are_told_apart),
        cmocka_unit_test(part_of_a_message_is_none),
        cmocka_unit_test(what_is_not_the_protocol_is_damage),
        cmocka_unit_test(number_of_a_subject_stands_behind_its_prefix),
        cmocka_unit_test(only_a_sequence_without_an_error_is_stored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
