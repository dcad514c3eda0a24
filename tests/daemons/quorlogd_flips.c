/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * quorlogd whose machine gets one thing wrong, as if a bit of its memory had
 * flipped: an append whose request holds the text $FLIP_TEXT is applied with the
 * last byte of that text changed to $FLIP_TO. The raft log has what it should.
 * With $FLIP_ONCE it happens once, and not again in a process that this one
 * becomes; else whenever such an entry is applied, also when it is replayed.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine.h"
#include "util/diag.h"
#include "util/mem.h"

void __real_machine_apply(struct machine *machine,
                          const struct command *command, struct outcome *ret);
void __wrap_machine_apply(struct machine *machine,
                          const struct command *command, struct outcome *ret);

static uint8_t *find_text(const struct command *command)
{
    const char *text = getenv("FLIP_TEXT");

    if (text == NULL || command->kind != COMMAND_LOG_APPEND) {
        return NULL;
    }
    return memmem(command->params.data, command->params.len, text,
                  strlen(text));
}

void __wrap_machine_apply(struct machine *machine,
                          const struct command *command, struct outcome *ret)
{
    struct command wrong = *command;
    const uint8_t *found = find_text(command);
    static bool said;
    uint8_t *copy;

    if (found == NULL) {
        __real_machine_apply(machine, command, ret);
        return;
    }
    copy = mem_must_dup(command->params.data, command->params.len);
    copy[found - command->params.data + (ptrdiff_t)strlen(getenv("FLIP_TEXT")) -
         1] = (uint8_t)*getenv("FLIP_TO");
    wrong.params.data = copy;
    __real_machine_apply(machine, &wrong, ret);
    free(copy);
    if (!said) {
        diag_info("FLIPPED"); /* a log of nothing else would tell nothing */
        said = true;
    }
    if (getenv("FLIP_ONCE") != NULL) {
        (void)unsetenv("FLIP_TEXT");
    }
}
