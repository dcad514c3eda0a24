/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Follows a log and appends to it at the same time, from one libuv loop: a timer
 * appends a few entries by callback, and every entry is printed as it commits.
 * Ends when all of its own have come back.
 *
 *     cc follow_uv.c $(pkg-config --cflags --libs quorlog libuv)
 *     QUORLOG_ENDPOINTS=127.0.0.1:7420 ./a.out greetings 5
 */
#include <quorlog.h>
#include <quorlog_uv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct program {
    struct ql_uv driver;
    struct ql_client *client;
    struct ql_reader *reader;
    uv_timer_t timer;
    const char *log;
    long left;      /* still to append */
    long open;      /* appended and not answered */
    uint64_t last;  /* position of our last entry */
    uint64_t shown; /* position of the last entry that was printed */
    int status;
};

static void finish(struct program *program, int status)
{
    if (uv_is_closing((uv_handle_t *)&program->timer)) {
        return;
    }
    program->status = status;
    uv_close((uv_handle_t *)&program->timer, NULL);
    ql_uv_stop(&program->driver, NULL);
}

static void finish_if_done(struct program *program)
{
    if (program->left == 0 && program->open == 0 &&
        program->shown >= program->last) {
        finish(program, 0);
    }
}

static void on_appended(void *data, const struct ql_append_result *result,
                        const struct ql_error *error)
{
    struct program *program = data;

    if (error != NULL) {
        fprintf(stderr, "append: %s\n", error->text);
        finish(program, 1);
        return;
    }
    program->open--;
    program->last = result->places[0].first;
    finish_if_done(program);
}

static void on_timer(uv_timer_t *timer)
{
    struct program *program = timer->data;
    struct ql_append_part part = {0};
    struct ql_entry entry = {0};
    struct ql_error error;
    char text[32];

    snprintf(text, sizeof(text), "%ld to go", program->left);
    entry.value = text;
    entry.value_len = strlen(text);
    part.log = program->log;
    part.entries = &entry;
    part.count = 1;
    if (ql_append_async(program->client, &part, 1, NULL, on_appended, program,
                        &error) != QL_OK) {
        fprintf(stderr, "append: %s\n", error.text);
        finish(program, 1);
        return;
    }
    program->open++;
    program->left--;
    if (program->left == 0) {
        uv_timer_stop(timer);
    }
}

/* Takes all there is; QL_TIMEOUT says that it was all. */
static void on_ready(void *data, struct ql_reader *reader)
{
    struct program *program = data;
    struct ql_entry entry;
    struct ql_error error;
    int rv = ql_reader_next(reader, 0, &entry, &error);

    while (rv == QL_OK || rv == QL_TRIMMED) {
        if (rv == QL_OK) {
            program->shown = entry.position;
            printf("%llu %.*s\n", (unsigned long long)entry.position,
                   (int)entry.value_len, (const char *)entry.value);
        }
        rv = ql_reader_next(reader, 0, &entry, &error);
    }
    if (rv != QL_TIMEOUT) {
        fprintf(stderr, "follow: %s\n", error.text);
        finish(program, 1);
        return;
    }
    finish_if_done(program);
}

int main(int argc, char **argv)
{
    struct ql_reader_options options = QL_READER_OPTIONS_INIT;
    struct program program = {0};
    struct ql_error error;
    uv_loop_t *loop = uv_default_loop();

    if (argc != 3 || atol(argv[2]) < 1) {
        fprintf(stderr, "usage: %s LOG COUNT\n", argv[0]);
        return 2;
    }
    program.log = argv[1];
    program.left = atol(argv[2]);
    options.follow = true;
    if (ql_client_new(&program.client, NULL, &error) != QL_OK) {
        fprintf(stderr, "client: %s\n", error.text);
        return 1;
    }
    if (ql_reader_new(&program.reader, program.client, program.log, &options,
                      &error) != QL_OK) {
        fprintf(stderr, "reader: %s\n", error.text);
        ql_client_free(program.client);
        return 1;
    }
    ql_reader_on_ready(program.reader, on_ready, &program);
    uv_timer_init(loop, &program.timer);
    program.timer.data = &program;
    uv_timer_start(&program.timer, on_timer, 0, 100);
    if (ql_uv_start(&program.driver, loop, program.client) == 0) {
        uv_run(loop, UV_RUN_DEFAULT);
    }
    ql_reader_free(program.reader);
    ql_client_free(program.client);
    uv_loop_close(loop);
    return program.status;
}
