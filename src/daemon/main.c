/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* quorlogd: one node of a quorlog cluster. */
#include <stdio.h>
#include <string.h>

#include "daemon/again.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/dev.h"
#include "daemon/init.h"
#include "daemon/inspect.h"
#include "daemon/recover.h"
#include "util/standard.h"
#include "util/text.h"

struct command_row {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
};

static int run_main(int argc, char **argv);
static int help_main(int argc, char **argv);
static int version_main(int argc, char **argv);

static const struct command_row commands[] = {
    {"init", init_main, "make a directory a node's, once"},
    {"run", run_main, "run the node of a directory"},
    {"inspect", inspect_main, "show what is in a stopped node's directory"},
    {"recover", recover_main, "make a new cluster of what is left of one"},
    {"dev", dev_main, "run one node in a temporary directory"},
    {"help", help_main, "print this help"},
    {"version", version_main, "print the version"},
};

#define COMMANDS_COUNT (sizeof(commands) / sizeof(commands[0]))

static const char *command_nearest(const char *word);

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    const char *nearest;
    struct err err;

    again_keep_name();
    if (standard_occupy(&err) != 0) {
        fprintf(stderr, "quorlogd: %s\n", err.text);
        return 1;
    }
    if (word == NULL) {
        help_main(0, NULL);
        return 2;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        return help_main(0, NULL);
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        return version_main(0, NULL);
    }
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        if (strcmp(word, commands[i].name) == 0) {
            return commands[i].run(argc - 2, argv + 2);
        }
    }
    nearest = command_nearest(word);
    if (nearest != NULL) {
        fprintf(stderr, "quorlogd: no command '%s'; did you mean '%s'?\n", word,
                nearest);
    } else {
        fprintf(stderr, "quorlogd: no command '%s'; see `quorlogd help`\n",
                word);
    }
    return 2;
}

static int run_main(int argc, char **argv)
{
    struct config config;
    struct err err = {0};
    int status = 2;

    if (config_load(&config, argc, argv, &err) != 0) {
        fprintf(stderr, "quorlogd run: %s\n", err.text);
    } else if (config.help) {
        printf("usage: quorlogd run [options]\n\n"
               "Flags win over QUORLOGD_* variables, these over the "
               "configuration file.\n\n");
        config_print_help(&config, stdout);
        status = 0;
    } else if (config.check_config) {
        config_print(&config, stdout);
        status = 0;
    } else {
        status = daemon_run(&config, argc, argv, NULL);
    }
    config_close(&config);
    return status;
}

static int help_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("usage: quorlogd COMMAND [options]\n\n");
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        printf("  %-10s %s\n", commands[i].name, commands[i].help);
    }
    printf("\n`quorlogd COMMAND --help` lists the options of a command.\n");
    return 0;
}

static int version_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("quorlogd %s\n", QUORLOG_VERSION);
    return 0;
}

static const char *command_nearest(const char *word)
{
    const char *names[COMMANDS_COUNT + 1] = {0};

    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        names[i] = commands[i].name;
    }
    return text_nearest(word, names);
}
