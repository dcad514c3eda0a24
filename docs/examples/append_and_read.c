/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Makes a log, appends to it, and reads it back, with blocking calls.
 *
 *     cc append_and_read.c $(pkg-config --cflags --libs quorlog)
 *     QUORLOG_ENDPOINTS=127.0.0.1:7420 ./a.out greetings hello world
 */
#include <quorlog.h>
#include <stdio.h>
#include <string.h>

static int say(const char *what, const struct ql_error *error)
{
    fprintf(stderr, "%s: %s (%s)\n", what, error->text,
            ql_code_name(error->code));
    return 1;
}

static int append_words(struct ql_client *client, const char *log, int count,
                        char **words)
{
    struct ql_error error;
    int i;

    for (i = 0; i < count; i++) {
        struct ql_entry entry = {0};
        uint64_t position;

        entry.value = words[i];
        entry.value_len = strlen(words[i]);
        if (ql_append(client, log, &entry, 1, NULL, &position, &error) !=
            QL_OK) {
            return say("append", &error);
        }
        printf("appended at %llu\n", (unsigned long long)position);
    }
    return 0;
}

static int read_all(struct ql_client *client, const char *log)
{
    struct ql_reader *reader;
    struct ql_entry entry;
    struct ql_error error;
    int rv;

    if (ql_reader_new(&reader, client, log, NULL, &error) != QL_OK) {
        return say("reader", &error);
    }
    rv = ql_reader_next(reader, 10000, &entry, &error);
    while (rv == QL_OK || rv == QL_TRIMMED) {
        if (rv == QL_OK) {
            printf("%llu %.*s\n", (unsigned long long)entry.position,
                   (int)entry.value_len, (const char *)entry.value);
        }
        rv = ql_reader_next(reader, 10000, &entry, &error);
    }
    ql_reader_free(reader);
    /* QL_NOT_FOUND is the end. */
    return rv == QL_NOT_FOUND ? 0 : say("read", &error);
}

int main(int argc, char **argv)
{
    struct ql_client *client;
    struct ql_error error;
    int rv;

    if (argc < 2) {
        fprintf(stderr, "usage: %s LOG [WORD...]\n", argv[0]);
        return 2;
    }
    if (ql_client_new(&client, NULL, &error) != QL_OK) {
        return say("client", &error);
    }
    rv = ql_log_create(client, argv[1], NULL, NULL, &error);
    if (rv != QL_OK && rv != QL_EXISTS) {
        say("create", &error);
    } else {
        rv = append_words(client, argv[1], argc - 2, argv + 2);
        if (rv == 0) {
            rv = read_all(client, argv[1]);
        }
    }
    ql_client_free(client);
    return rv == 0 ? 0 : 1;
}
