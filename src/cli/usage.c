/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/usage.h"

#include <string.h>

#include "util/text.h"

#define USAGE_NAMES_MAX 32 /* nouns, or verbs of a noun */

static int unknown(const char *kind, const char *word, const char *const *names,
                   const char *help, struct err *err);

int usage_noun_check(const struct command *commands, const char *noun,
                     struct err *err)
{
    const char *names[USAGE_NAMES_MAX + 1] = {NULL};
    size_t count = 0;

    for (const struct command *at = commands; at->noun != NULL; at++) {
        if (strcmp(at->noun, noun) == 0) {
            return 0;
        }
        if (count == 0 || strcmp(names[count - 1], at->noun) != 0) {
            names[count] = at->noun;
            count = count < USAGE_NAMES_MAX ? count + 1 : count;
        }
    }
    return unknown("command", noun, names, "quorlog --help", err);
}

int usage_command_find(const struct command *commands, const char *noun,
                       const char *verb, const struct command **ret_command,
                       struct err *err)
{
    const char *names[USAGE_NAMES_MAX + 1] = {NULL};
    char kind[64];
    char help[64];
    size_t count = 0;

    for (const struct command *at = commands; at->noun != NULL; at++) {
        if (strcmp(at->noun, noun) != 0) {
            continue;
        }
        if (strcmp(at->verb, verb) == 0) {
            *ret_command = at;
            return 0;
        }
        names[count] = at->verb;
        count = count < USAGE_NAMES_MAX ? count + 1 : count;
    }
    (void)snprintf(kind, sizeof kind, "%s command", noun);
    (void)snprintf(help, sizeof help, "quorlog %s --help", noun);
    return unknown(kind, verb, names, help, err);
}

void usage_print_line(const struct command *command, FILE *file)
{
    (void)fprintf(file, "usage: quorlog %s %s%s%s [options]\n", command->noun,
                  command->verb, *command->words == '\0' ? "" : " ",
                  command->words);
}

void usage_print_commands(const struct command *commands, const char *noun,
                          FILE *file)
{
    (void)fprintf(file,
                  "usage: quorlog [--endpoints LIST] [--timeout TIME] "
                  "[-o table|json|jsonl]\n"
                  "               %s VERB [ARGUMENT...] [options]\n\n",
                  noun == NULL ? "NOUN" : noun);
    for (const struct command *at = commands; at->noun != NULL; at++) {
        char name[64];

        if (noun != NULL && strcmp(at->noun, noun) != 0) {
            continue;
        }
        (void)snprintf(name, sizeof name, "%s %s", at->noun, at->verb);
        (void)fprintf(file, "  %-18s  %s\n", name, at->summary);
    }
    (void)fputs("\n'quorlog NOUN VERB --help' shows the options of a command; "
                "quorlog(1) has\nexamples and the exit statuses.\n",
                file);
}

void usage_print_command(const struct command *command,
                         const struct option_set *set, FILE *file)
{
    usage_print_line(command, file);
    (void)fprintf(file, "\n%s.\n\n", command->summary);
    option_set_print_help(set, file);
}

static int unknown(const char *kind, const char *word, const char *const *names,
                   const char *help, struct err *err)
{
    const char *nearest = text_nearest(word, names);

    if (nearest == NULL) {
        return err_set(err, QL_INVALID, "unknown %s \"%s\", see %s", kind, word,
                       help);
    }
    return err_set(err, QL_INVALID, "unknown %s \"%s\", did you mean \"%s\"?",
                   kind, word, nearest);
}
