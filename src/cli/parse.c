/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/parse.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/usage.h"
#include "util/mem.h"
#include "util/text.h"

#define ENVIRONMENT_PREFIX "QUORLOG_"
#define FIELD(name) offsetof(struct command_options, name)

/* Options of all commands that the environment may give too; take_variable()
 * has their names there, in this order. */
static const struct option_row setting_options[] = {
    {"endpoints", 0, OPTION_TEXT, FIELD(endpoints), "LIST",
     "nodes: HOST:PORT,unix:PATH,... (127.0.0.1:7420)"},
    {"timeout", 0, OPTION_DURATION, FIELD(timeout_ms), "TIME",
     "how long a call may take (10s; some: longer)"},
    {"output", 'o', OPTION_TEXT, FIELD(output), "FORMAT",
     "table, json or jsonl (table)"},
    COMMAND_OPTIONS_END,
};

static const struct option_row help_options[] = {
    {"help", 'h', OPTION_FLAG, FIELD(help), NULL, "show this help"},
    {"version", 'V', OPTION_FLAG, FIELD(version), NULL, "show the version"},
    COMMAND_OPTIONS_END,
};

static const struct option_row no_options[] = {COMMAND_OPTIONS_END};

/* One word for a noun and a verb. */
struct alias {
    const char *word;
    const char *noun;
    const char *verb;
};

/* What the Aurora scheduler's operators have typed for years. */
static const struct alias aliases[] = {
    {"stage_recovery", "recovery", "stage"},
    {"print_recovery", "recovery", "print"},
    {"delete_recovery", "recovery", "delete"},
    {"commit_recovery", "recovery", "commit"},
    {"unload_recovery", "recovery", "unload"},
    {"backup_now", "backup", "create"},
    {"list_backups", "backup", "list"},
    {NULL, NULL, NULL},
};

static int take_environment(struct parse *parse, struct command_run *run,
                            struct err *err);
static int take_variable(struct parse *parse, const char *name,
                         const char *equals, struct err *err);
static int take_options(struct parse *parse, struct command_run *run,
                        const struct option_row *own, int argc, char **argv,
                        int *ret_words, struct err *err);
static int take_verb(struct parse *parse, const struct command *commands,
                     int argc, char **argv, struct command_run *run,
                     bool *ret_done, struct err *err);
static int take_command(struct parse *parse, const struct command *command,
                        int argc, char **argv, struct command_run *run,
                        bool *ret_done, struct err *err);
static const struct alias *alias_find(const char *word);
static int check_words(const struct command_run *run, struct err *err);
static bool print_version(const struct command_run *run);
static struct option_row *rows_join(const struct option_row *own);
static void forget_options(struct parse *parse, struct command_run *run);

int parse_command(struct parse *parse, const struct command *commands, int argc,
                  char **argv, struct command_run *run, bool *ret_done,
                  struct err *err)
{
    const struct command *command;
    const struct alias *alias;
    int words;
    int rv;

    rv = take_environment(parse, run, err);
    if (rv != 0) {
        return rv;
    }
    rv = take_options(parse, run, NULL, argc, argv, &words, err);
    if (rv != 0) {
        return rv;
    }
    if (run->options.help) {
        usage_print_commands(commands, NULL, run->output.file);
    }
    *ret_done = run->options.help || print_version(run);
    if (*ret_done) {
        return 0;
    }
    if (words == 0) {
        return err_set(err, QL_INVALID,
                       "a command is missing, see quorlog --help");
    }
    alias = alias_find(argv[0]);
    if (alias != NULL) {
        rv = usage_command_find(commands, alias->noun, alias->verb, &command,
                                err);
        return rv != 0 ? rv
                       : take_command(parse, command, words - 1, argv + 1, run,
                                      ret_done, err);
    }
    rv = usage_noun_check(commands, argv[0], err);
    if (rv != 0) {
        return rv;
    }
    return take_verb(parse, commands, words, argv, run, ret_done, err);
}

void parse_close(struct parse *parse, struct command_run *run)
{
    forget_options(parse, run);
    option_set_free(parse->environment);
    parse->environment = NULL;
}

static int take_environment(struct parse *parse, struct command_run *run,
                            struct err *err)
{
    parse->environment =
        option_set_new(setting_options, &run->options, ENVIRONMENT_PREFIX);
    if (parse->environment == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    for (char **at = environ; *at != NULL; at++) {
        const size_t prefix_len = sizeof ENVIRONMENT_PREFIX - 1;
        const char *equals = strchr(*at, '=');
        int rv;

        if (equals == NULL || equals[1] == '\0' ||
            strncmp(*at, ENVIRONMENT_PREFIX, prefix_len) != 0) {
            continue;
        }
        rv = take_variable(parse, *at + prefix_len, equals, err);
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
}

/* @name goes up to @equals. A name nobody knows is left alone, since others put
 * theirs under the same prefix (QUORLOG_SERVICE_HOST), unless it looks like a
 * slip of the pen: a command must not go to the wrong cluster for that. */
static int take_variable(struct parse *parse, const char *name,
                         const char *equals, struct err *err)
{
    static const char *const names[] = {"ENDPOINTS", "TIMEOUT", "OUTPUT", NULL};
    char text[64];
    const char *nearest;

    if ((size_t)(equals - name) >= sizeof text) {
        return 0;
    }
    memcpy(text, name, (size_t)(equals - name));
    text[equals - name] = '\0';
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(text, names[i]) == 0) {
            int rv =
                option_set_value(parse->environment, OPTION_FROM_ENVIRONMENT,
                                 setting_options[i].name, equals + 1, err);

            return rv == 0 ? 0 : err_wrap(err, ENVIRONMENT_PREFIX "%s", text);
        }
    }
    nearest = text_nearest(text, names);
    if (nearest == NULL) {
        return 0;
    }
    return err_set(err, QL_INVALID,
                   "unknown variable " ENVIRONMENT_PREFIX
                   "%s, did you mean " ENVIRONMENT_PREFIX "%s?",
                   text, nearest);
}

/* Takes options up to the first word, or with @own, a command's, all of them.
 * What the command line gives replaces what was there. */
static int take_options(struct parse *parse, struct command_run *run,
                        const struct option_row *own, int argc, char **argv,
                        int *ret_words, struct err *err)
{
    forget_options(parse, run);
    parse->rows = rows_join(own == NULL ? no_options : own);
    run->set = option_set_new(parse->rows, &run->options, ENVIRONMENT_PREFIX);
    if (run->set == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    return option_set_arguments(run->set, argc, argv, own == NULL, ret_words,
                                err);
}

/* argv[0] is a noun. */
static int take_verb(struct parse *parse, const struct command *commands,
                     int argc, char **argv, struct command_run *run,
                     bool *ret_done, struct err *err)
{
    const struct command *command;
    const char *noun = argv[0];
    int words;
    int rv;

    rv = take_options(parse, run, NULL, argc - 1, argv + 1, &words, err);
    if (rv != 0) {
        return rv;
    }
    if (run->options.help) {
        usage_print_commands(commands, noun, run->output.file);
    }
    *ret_done = run->options.help || print_version(run);
    if (*ret_done) {
        return 0;
    }
    if (words == 0) {
        return err_set(err, QL_INVALID,
                       "%s what? a verb is missing, see quorlog %s --help",
                       noun, noun);
    }
    rv = usage_command_find(commands, noun, argv[1], &command, err);
    return rv != 0 ? rv
                   : take_command(parse, command, words - 1, argv + 2, run,
                                  ret_done, err);
}

/* All that is left are options and words of @command. */
static int take_command(struct parse *parse, const struct command *command,
                        int argc, char **argv, struct command_run *run,
                        bool *ret_done, struct err *err)
{
    int rv;

    run->command = command;
    rv = take_options(parse, run, command->options, argc, argv,
                      &run->word_count, err);
    if (rv != 0) {
        return rv;
    }
    run->words = argv;
    if (run->options.help) {
        usage_print_command(run->command, run->set, run->output.file);
    }
    *ret_done = run->options.help || print_version(run);
    if (*ret_done) {
        return 0;
    }
    rv = output_format_parse(run->options.output, &run->output.format, err);
    return rv != 0 ? rv : check_words(run, err);
}

static const struct alias *alias_find(const char *word)
{
    for (const struct alias *at = aliases; at->word != NULL; at++) {
        if (strcmp(at->word, word) == 0) {
            return at;
        }
    }
    return NULL;
}

static int check_words(const struct command_run *run, struct err *err)
{
    const struct command *command = run->command;

    if (run->word_count < command->words_min) {
        return err_set(err, QL_INVALID, "%s is missing", command->words);
    }
    if (command->words_max != COMMAND_WORDS_ANY &&
        run->word_count > command->words_max) {
        return err_set(err, QL_INVALID, "\"%s\" is one word too many",
                       run->words[command->words_max]);
    }
    return 0;
}

static bool print_version(const struct command_run *run)
{
    if (run->options.version) {
        (void)fprintf(run->output.file, "quorlog %s\n", QUORLOG_VERSION);
    }
    return run->options.version;
}

/* A command's own options, then everybody's. */
static struct option_row *rows_join(const struct option_row *own)
{
    const struct option_row *const tables[] = {own, setting_options,
                                               help_options};
    struct option_row *rows;
    size_t count = 0;

    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; tables[i][j].name != NULL; j++) {
            count++;
        }
    }
    rows = mem_must_array(count + 1, sizeof *rows); /* ends with zeroes */
    count = 0;
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; tables[i][j].name != NULL; j++) {
            rows[count] = tables[i][j];
            count++;
        }
    }
    return rows;
}

static void forget_options(struct parse *parse, struct command_run *run)
{
    option_set_free(run->set);
    run->set = NULL;
    free(parse->rows);
    parse->rows = NULL;
}
