/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "util/options.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/text.h"

#define OPTION_NAME_MAX 64

struct option_set {
    const struct option_row *rows;
    size_t count;
    void *target;
    const char *env_prefix;
    enum option_source *sources; /* one a row */
    char **texts;                /* one a row: the copy it points to, or NULL */
    const char **names;          /* of the rows, then NULL */
    char (*env_names)[OPTION_NAME_MAX]; /* one a row */
};

static void env_name_print(char ret_name[OPTION_NAME_MAX], const char *prefix,
                           const char *name);
static const struct option_row *row_find(const struct option_set *set,
                                         const char *name, size_t len);
static int row_set(struct option_set *set, const struct option_row *row,
                   enum option_source source, const char *value,
                   struct err *err);
static int row_set_text(struct option_set *set, size_t index,
                        enum option_source source, const char *value,
                        struct err *err);
static int argument_take(struct option_set *set, int argc, char **argv, int at,
                         int *ret_taken, struct err *err);
static int unknown_option(const struct option_set *set, const char *word,
                          struct err *err);
static int environment_take(struct option_set *set, const char *variable,
                            const char *const *also, struct err *err);
static int unknown_variable(const struct option_set *set, const char *name,
                            struct err *err);

struct option_set *option_set_new(const struct option_row *rows, void *target,
                                  const char *env_prefix)
{
    struct option_set *set = calloc(1, sizeof *set);

    if (set == NULL) {
        return NULL;
    }
    set->rows = rows;
    set->target = target;
    set->env_prefix = env_prefix;
    while (rows[set->count].name != NULL) {
        set->count++;
    }
    set->sources = calloc(set->count + 1, sizeof *set->sources);
    set->texts = calloc(set->count + 1, sizeof *set->texts);
    set->names = calloc(set->count + 1, sizeof *set->names);
    set->env_names = calloc(set->count + 1, sizeof *set->env_names);
    if (set->sources == NULL || set->texts == NULL || set->names == NULL ||
        set->env_names == NULL) {
        option_set_free(set);
        return NULL;
    }
    for (size_t i = 0; i < set->count; i++) {
        set->names[i] = rows[i].name;
        env_name_print(set->env_names[i], env_prefix, rows[i].name);
    }
    return set;
}

void option_set_free(struct option_set *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; set->texts != NULL && i < set->count; i++) {
        free(set->texts[i]);
    }
    free(set->sources);
    free(set->texts);
    free(set->names);
    free(set->env_names);
    free(set);
}

int option_set_arguments(struct option_set *set, int argc, char **argv,
                         bool stop_at_word, int *ret_words, struct err *err)
{
    int words = 0;
    int at = 0;

    while (at < argc) {
        char *word = argv[at];
        int taken;
        int rv;

        if (strcmp(word, "--") == 0) {
            at++;
            break;
        }
        /* "-" alone is a word: it names standard input. */
        if (word[0] != '-' || word[1] == '\0') {
            if (stop_at_word) {
                break;
            }
            argv[words] = word;
            words++;
            at++;
            continue;
        }
        rv = argument_take(set, argc, argv, at, &taken, err);
        if (rv != 0) {
            return rv;
        }
        at += taken;
    }
    for (; at < argc; at++) {
        argv[words] = argv[at];
        words++;
    }
    *ret_words = words;
    return 0;
}

int option_set_environment(struct option_set *set, const char *const *also,
                           struct err *err)
{
    size_t prefix_len = strlen(set->env_prefix);

    for (char **variable = environ; *variable != NULL; variable++) {
        int rv;

        if (strncmp(*variable, set->env_prefix, prefix_len) != 0) {
            continue;
        }
        rv = environment_take(set, *variable, also, err);
        if (rv != 0) {
            return rv;
        }
    }
    return 0;
}

int option_set_value(struct option_set *set, enum option_source source,
                     const char *name, const char *value, struct err *err)
{
    const struct option_row *row = row_find(set, name, strlen(name));
    const char *nearest;
    int rv;

    if (row == NULL) {
        nearest = text_nearest(name, set->names);
        if (nearest == NULL) {
            return err_set(err, QL_INVALID, "unknown key \"%s\"", name);
        }
        return err_set(err, QL_INVALID,
                       "unknown key \"%s\", did you mean \"%s\"?", name,
                       nearest);
    }
    rv = row_set(set, row, source, value, err);
    if (rv != 0) {
        err_wrap(err, "%s", name);
    }
    return rv;
}

enum option_source option_set_source(const struct option_set *set,
                                     const char *name)
{
    const struct option_row *row = row_find(set, name, strlen(name));

    assert(row != NULL);
    return set->sources[row - set->rows];
}

void option_set_print_help(const struct option_set *set, void *stdio_file)
{
    enum { HELP_COLUMN = 30 };
    FILE *file = stdio_file;

    for (size_t i = 0; i < set->count; i++) {
        const struct option_row *row = &set->rows[i];
        int used;

        if (row->letter != 0) {
            used = fprintf(file, "  -%c, --%s", row->letter, row->name);
        } else {
            used = fprintf(file, "      --%s", row->name);
        }
        if (row->argument != NULL) {
            used += fprintf(file, " %s", row->argument);
        }
        if (used > HELP_COLUMN - 2) {
            (void)fputc('\n', file);
            used = 0;
        }
        (void)fprintf(file, "%*s%s\n", HELP_COLUMN - used, "", row->help);
    }
}

/* "log-path" with "QUORLOGD_" is "QUORLOGD_LOG_PATH". */
static void env_name_print(char ret_name[OPTION_NAME_MAX], const char *prefix,
                           const char *name)
{
    size_t prefix_len = strlen(prefix);
    int len = snprintf(ret_name, OPTION_NAME_MAX, "%s%s", prefix, name);

    /* Names come from our own tables. */
    assert(len < OPTION_NAME_MAX);
    for (char *at = ret_name + prefix_len; *at != '\0'; at++) {
        if (*at >= 'a' && *at <= 'z') {
            *at = (char)(*at - 'a' + 'A');
        } else if (*at == '-') {
            *at = '_';
        }
    }
}

static const struct option_row *row_find(const struct option_set *set,
                                         const char *name, size_t len)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strlen(set->names[i]) == len &&
            strncmp(set->names[i], name, len) == 0) {
            return &set->rows[i];
        }
    }
    return NULL;
}

/* Checks @value always, stores it unless a stronger source has spoken. */
static int row_set(struct option_set *set, const struct option_row *row,
                   enum option_source source, const char *value,
                   struct err *err)
{
    size_t index = (size_t)(row - set->rows);
    char *field = (char *)set->target + row->offset;
    bool stronger = source >= set->sources[index];
    uint64_t number = 0;
    bool flag = false;
    int rv = 0;

    switch (row->kind) {
    case OPTION_TEXT:
        return stronger ? row_set_text(set, index, source, value, err) : 0;
    case OPTION_FLAG:
        rv = text_bool(value, &flag, err);
        break;
    case OPTION_U64:
        rv = text_u64(value, UINT64_MAX, &number, err);
        break;
    case OPTION_SIZE:
        rv = text_size(value, &number, err);
        break;
    case OPTION_DURATION:
        rv = text_duration_ms(value, &number, err);
        break;
    }
    if (rv != 0 || !stronger) {
        return rv;
    }
    if (row->kind == OPTION_FLAG) {
        memcpy(field, &flag, sizeof flag);
    } else {
        memcpy(field, &number, sizeof number);
    }
    set->sources[index] = source;
    return 0;
}

static int row_set_text(struct option_set *set, size_t index,
                        enum option_source source, const char *value,
                        struct err *err)
{
    char *field = (char *)set->target + set->rows[index].offset;
    char *copy = NULL;

    /* Arguments live as long as the process, the rest may not. */
    if (source != OPTION_FROM_ARGUMENT) {
        copy = strdup(value);
        if (copy == NULL) {
            return err_set(err, QL_NO_MEMORY, "out of memory");
        }
        value = copy;
    }
    memcpy(field, &value, sizeof value);
    free(set->texts[index]);
    set->texts[index] = copy;
    set->sources[index] = source;
    return 0;
}

/* argv[at] starts with a dash and is more than that. *ret_taken is 1 or 2. */
static int argument_take(struct option_set *set, int argc, char **argv, int at,
                         int *ret_taken, struct err *err)
{
    const char *word = argv[at];
    const struct option_row *row = NULL;
    const char *value = NULL;
    int rv;

    *ret_taken = 1;
    if (word[1] == '-') {
        size_t len = strcspn(word + 2, "=");

        row = row_find(set, word + 2, len);
        value = word[2 + len] == '=' ? word + 2 + len + 1 : NULL;
    } else {
        for (size_t i = 0; i < set->count && row == NULL; i++) {
            row = set->rows[i].letter == word[1] ? &set->rows[i] : NULL;
        }
        value = word[2] != '\0' ? word + 2 : NULL;
        /* "-vx" would be two flags elsewhere; here each stands alone. */
        if (row != NULL && row->kind == OPTION_FLAG && value != NULL) {
            row = NULL;
        }
    }
    if (row == NULL) {
        return unknown_option(set, word, err);
    }

    if (value == NULL && row->kind == OPTION_FLAG) {
        value = "true";
    } else if (value == NULL) {
        if (at + 1 >= argc) {
            return err_set(err, QL_INVALID, "--%s needs an argument: %s",
                           row->name,
                           row->argument != NULL ? row->argument : "VALUE");
        }
        value = argv[at + 1];
        *ret_taken = 2;
    }
    rv = row_set(set, row, OPTION_FROM_ARGUMENT, value, err);
    if (rv != 0) {
        err_wrap(err, "--%s", row->name);
    }
    return rv;
}

static int unknown_option(const struct option_set *set, const char *word,
                          struct err *err)
{
    const char *name = word + strspn(word, "-");
    size_t len = strcspn(name, "=");
    char plain[OPTION_NAME_MAX];
    const char *nearest = NULL;

    if (len < sizeof plain) {
        memcpy(plain, name, len);
        plain[len] = '\0';
        nearest = text_nearest(plain, set->names);
    }
    len += (size_t)(name - word);
    if (nearest == NULL) {
        return err_set(err, QL_INVALID, "unknown option %.*s", (int)len, word);
    }
    return err_set(err, QL_INVALID, "unknown option %.*s, did you mean --%s?",
                   (int)len, word, nearest);
}

/* @variable is "NAME=VALUE" and its name has the prefix. */
static int environment_take(struct option_set *set, const char *variable,
                            const char *const *also, struct err *err)
{
    size_t len = strcspn(variable, "=");
    char name[OPTION_NAME_MAX];
    int rv;

    if (variable[len] == '\0') {
        return 0;
    }
    if (len >= sizeof name) {
        return err_set(err, QL_INVALID, "unknown variable %.*s", (int)len,
                       variable);
    }
    memcpy(name, variable, len);
    name[len] = '\0';
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->env_names[i], name) == 0) {
            rv = row_set(set, &set->rows[i], OPTION_FROM_ENVIRONMENT,
                         variable + len + 1, err);
            if (rv != 0) {
                err_wrap(err, "%s", name);
            }
            return rv;
        }
    }
    for (; also != NULL && *also != NULL; also++) {
        if (strcmp(*also, name) == 0) {
            return 0;
        }
    }
    return unknown_variable(set, name, err);
}

static int unknown_variable(const struct option_set *set, const char *name,
                            struct err *err)
{
    const char **names = calloc(set->count + 1, sizeof *names);
    const char *nearest;

    if (names == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < set->count; i++) {
        names[i] = set->env_names[i];
    }
    /* err_set() copies, so the names may go. */
    nearest = text_nearest(name, names);
    if (nearest == NULL) {
        (void)err_set(err, QL_INVALID, "unknown variable %s", name);
    } else {
        (void)err_set(err, QL_INVALID, "unknown variable %s, did you mean %s?",
                      name, nearest);
    }
    free(names);
    return QL_INVALID;
}
