/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/cli_rig.h"

#include <stdlib.h>
#include <string.h>

#include "cli/hint.h"
#include "cli/parse.h"
#include "cli/strbuf.h"
#include "support/cmocka.h"

#define WORDS_MAX 24

int cli_rig_setup(void **state)
{
    static const char *const variables[] = {
        "QUORLOG_ENDPOINTS", "QUORLOG_TIMEOUT", "QUORLOG_OUTPUT"};
    struct cli_rig *rig = calloc(1, sizeof(*rig));
    size_t i;

    assert_non_null(rig);
    for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        assert_int_equal(unsetenv(variables[i]), 0);
    }
    fake_open(&rig->server);
    *state = rig;
    return 0;
}

int cli_rig_teardown(void **state)
{
    struct cli_rig *rig = *state;

    fake_close(&rig->server);
    buf_close(&rig->hint);
    free(rig->text);
    free(rig);
    return 0;
}

int cli_rig_run(struct cli_rig *rig, const struct command *command,
                const char *words)
{
    const struct command commands[] = {*command, {.noun = NULL}};
    struct command_run run = {.word_count = 0};
    struct parse parse = {.rows = NULL};
    char *list = strdup(words);
    char *rest = list;
    char *argv[WORDS_MAX] = {(char *)"--endpoints", rig->server.endpoint,
                             (char *)(uintptr_t)command->noun,
                             (char *)(uintptr_t)command->verb};
    int argc = 4;
    bool done = false;
    FILE *file;
    int rv;

    assert_non_null(list);
    while (rest != NULL && *rest != '\0') {
        assert_true(argc < WORDS_MAX - 1);
        argv[argc++] = strsep(&rest, " ");
    }
    free(rig->text);
    memset(&rig->err, 0, sizeof(rig->err));
    rig->hint.len = 0;
    file = open_memstream(&rig->text, &rig->text_len);
    assert_non_null(file);
    output_init(&run.output, file, OUTPUT_TABLE);
    rv = parse_command(&parse, commands, argc, argv, &run, &done, &rig->err);
    if (rv == 0 && !done) {
        rv = run.command->run(&run, &rig->err);
    }
    assert_int_equal(output_close(&run.output, NULL), 0);
    if (rv != 0) {
        assert_int_equal(rig->err.code, rv);
        print_message("%s %s: %s\n", command->noun, command->verb,
                      rig->err.text);
        hint_add(&run, &rig->err, &rig->hint);
    }
    rig->operation = run.options.operation;
    ql_client_free(run.client);
    parse_close(&parse, &run);
    free(list);
    return rv;
}

void cli_rig_expect_text(const struct cli_rig *rig, const char *part)
{
    if (strstr(rig->text, part) == NULL) {
        fail_msg("\"%s\" is not in: %s", part, rig->text);
    }
}

void cli_rig_expect_hint(struct cli_rig *rig, const char *part)
{
    if (strstr(strbuf_text(&rig->hint), part) == NULL) {
        fail_msg("\"%s\" is not in: %s", part, strbuf_text(&rig->hint));
    }
}
