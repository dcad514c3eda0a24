/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A command of the tool, run in the test's own process against a fake server. */
#pragma once

#include "cli/command.h"
#include "support/fake_server.h"
#include "support/script.h"

struct cli_rig {
    struct fake_server server;
    struct script script; /* begun and ended by the test */
    /* What the last command came to: */
    char *text; /* on standard output */
    size_t text_len;
    struct err err;
    struct buf hint;
    uint64_t operation; /* that it named */
};

int cli_rig_setup(void **state);
int cli_rig_teardown(void **state);
/* Runs @command with the words and options in @words, which are parted by single
 * blanks. Returns what it does, or what is wrong with the words. */
int cli_rig_run(struct cli_rig *rig, const struct command *command,
                const char *words);
/* Was @part written to standard output, or is it in the hint? */
void cli_rig_expect_text(const struct cli_rig *rig, const char *part);
void cli_rig_expect_hint(struct cli_rig *rig, const char *part);
