/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/hint.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "cli/strbuf.h"

struct hint_row {
    int code;
    const char *noun;  /* of the command; NULL: any */
    const char *verb;  /* NULL: any of the noun's */
    bool has_position; /* only where the error names one */
    /* $q: the program, called for the same nodes; $e: these; $w: the first word;
     * $p: the error's position; $o: the operation. */
    const char *text;
};

#define SEE_BACKUPS "which there are: $q backup list"
#define SEE_STATUS "where it stands: $q recovery status"
#define STAGE_FIRST                                                            \
    "$q recovery status says what happened last; to stage one: recovery "      \
    "stage NAME, of a NAME in backup list"
#define LOOK_AGAIN                                                             \
    "somebody else changed what is staged: look at it again ($q recovery "     \
    "status), then repeat the command"
#define REPEAT_OPERATION                                                       \
    "$q recovery status shows whether operation $o was carried out (\"last "   \
    "operation\"); the same command with --operation $o does it once and "     \
    "never twice"

/* The first that fits is said. */
static const struct hint_row hints[] = {
    /* Backups. */
    {QL_NOT_FOUND, "backup", "export", false,
     SEE_BACKUPS "; a node that has it is asked with --endpoint"},
    {QL_NOT_FOUND, "backup", "verify", false,
     SEE_BACKUPS "; a node that has it is asked with --endpoint"},
    {QL_NOT_FOUND, "backup", "create", false, SEE_BACKUPS},
    {QL_NOT_FOUND, "backup", "show", false, SEE_BACKUPS},
    {QL_NOT_FOUND, "backup", "delete", false, SEE_BACKUPS},
    {QL_EXISTS, "backup", "create", false,
     "take another --name, or none: then it is named by the time"},
    {QL_EXISTS, "backup", "export", false,
     "nothing was overwritten: name another file, or remove that one first"},
    {QL_EXISTS, "backup", "import", false,
     "$q backup list shows what has that name; if it is the same backup, "
     "nothing needs to be done"},
    {QL_LIMIT, "backup", NULL, false,
     "make room with: $q backup delete NAME; or keep fewer with: $q cluster "
     "settings --max-saved-backups N"},
    {QL_CONDITION_FAILED, "backup", "export", false,
     "repeat it with --endpoint HOST:PORT, so that all of it is from one node"},
    {QL_CONDITION_FAILED, "backup", "import", false,
     "if it is meant to replace the logs of this cluster, repeat it with "
     "--foreign"},
    {QL_CORRUPT, "backup", "import", false,
     "nothing of it was taken in: compare the file with where it came from, or "
     "export it again"},
    {QL_CORRUPT, "backup", "verify", false,
     "the node mends its copy from its own entries or from another node; $q "
     "backup list shows which nodes have a good one"},
    {QL_TIMEOUT, "backup", "create", false,
     "where nodes have not given it up it goes on without this command: $q "
     "backup list"},
    {QL_BUSY, "backup", "export", false,
     "if nobody else writes that file, repeat it in a moment"},
    {QL_OUTCOME_UNKNOWN, "backup", NULL, false,
     "whether it was done: $q backup list"},
    {QL_NO_SPACE, "backup", "export", false,
     "make room where the file is written; the same command goes on with what "
     "is there"},
    {QL_NO_SPACE, "backup", NULL, false,
     "make room in the nodes' backup directories: $q backup list names them"},
    {QL_NO_SPACE, "recovery", NULL, false,
     "make room on the nodes' disks; if what the last commit replaced is not "
     "needed, $q recovery unload --undo gives its space back"},

    /* Recovery. */
    {QL_NOT_FOUND, "recovery", "stage", false, SEE_BACKUPS},
    {QL_NOT_FOUND, "recovery", "undo", false,
     "no commit was made, or what it replaced was unloaded; " SEE_STATUS},
    {QL_NOT_FOUND, "recovery", "unload", false, SEE_STATUS},
    {QL_NOT_FOUND, "recovery", NULL, false, STAGE_FIRST},
    {QL_EXISTS, "recovery", "stage", false,
     "see it: $q recovery status; drop it: $q recovery unload (nothing live "
     "changes); then stage again"},
    {QL_BUSY, "recovery", NULL, false,
     "how far it is: $q recovery status; to give it up: $q recovery unload"},
    {QL_CANCELED, "recovery", "stage", false,
     "nothing live was changed; stage it again: $q recovery stage $w"},
    {QL_NOT_LEADER, "recovery", "stage", false,
     "nothing live was changed; stage it again: $q recovery stage $w"},
    {QL_NOT_LEADER, "recovery", "delete", false,
     "repeat it: what was staged is as it was"},
    {QL_CONDITION_FAILED, "recovery", "commit", true,
     "nothing was changed. Look at what is new: $q recovery diff; then repeat "
     "it with --expect-state $p, or with --discard-newer to replace that, too "
     "(recovery undo brings it back)"},
    {QL_CONDITION_FAILED, "recovery", "undo", true,
     "nothing was changed. Look at what is new in the logs, then repeat it "
     "with --expect-state $p, or with --discard-newer to replace that, too"},
    {QL_CONDITION_FAILED, "recovery", NULL, false, LOOK_AGAIN},
    {QL_OUTCOME_UNKNOWN, "recovery", "commit", false, REPEAT_OPERATION},
    {QL_OUTCOME_UNKNOWN, "recovery", "undo", false, REPEAT_OPERATION},
    {QL_OUTCOME_UNKNOWN, "recovery", NULL, false,
     "nothing live was changed; " SEE_STATUS},
    {QL_TIMEOUT, "recovery", "commit", false, REPEAT_OPERATION},
    {QL_TIMEOUT, "recovery", "undo", false, REPEAT_OPERATION},

    {QL_OUTCOME_UNKNOWN, "cluster", NULL, false,
     "whether it was done: $q cluster status"},

    /* Everything else. */
    {QL_CONNECT, NULL, NULL, false,
     "tried $e; name the nodes with --endpoints or QUORLOG_ENDPOINTS, and "
     "their "
     "ports for clients, or start one with: quorlogd dev"},
    {QL_NO_LEADER, NULL, NULL, false,
     "what each node says: $q cluster status --all"},
    {QL_TIMEOUT, NULL, NULL, false,
     "what each node says: $q cluster status --all"},
    {QL_NO_SPACE, NULL, NULL, false,
     "make room on the nodes' disks, or delete or trim logs; which are low: $q "
     "cluster status"},
    {QL_FROZEN, NULL, NULL, false, "why: $q cluster status"},
    {QL_DENIED, NULL, NULL, false,
     "operators' commands are taken on the socket in a node's data directory "
     "and from loopback only"},
    {QL_RESTORED, NULL, NULL, true,
     "what was read before position $p is still right; --from $p goes on"},
    {QL_TRIMMED, NULL, NULL, true, "--from $p begins at the first one kept"},
    {QL_CONDITION_FAILED, NULL, NULL, true, "the next position is $p"},
    {QL_FENCED, NULL, NULL, true, "the log's writer epoch is $p"},
    {QL_OUTCOME_UNKNOWN, NULL, NULL, false,
     "read the log before trying again: the change may be there or still "
     "come"},
};

static bool fits(const struct hint_row *row, const struct command_run *run,
                 const struct err *err);
static void expand(char letter, const struct command_run *run,
                   const struct err *err, struct buf *ret_text);

void hint_add(const struct command_run *run, const struct err *err,
              struct buf *ret_text)
{
    const char *at;
    size_t i = 0;

    while (i < sizeof hints / sizeof hints[0] && !fits(&hints[i], run, err)) {
        i++;
    }
    if (i == sizeof hints / sizeof hints[0]) {
        return;
    }
    for (at = hints[i].text; *at != '\0'; at++) {
        if (*at == '$') {
            at++;
            expand(*at, run, err, ret_text);
        } else {
            strbuf_add(ret_text, at, 1);
        }
    }
}

static bool fits(const struct hint_row *row, const struct command_run *run,
                 const struct err *err)
{
    const struct command *command = run->command;

    if (row->code != err->code || (row->has_position && err->position == 0)) {
        return false;
    }
    if (run->options.operation == 0 && strstr(row->text, "$o") != NULL) {
        return false; /* nothing was sent yet */
    }
    if (row->noun == NULL) {
        return true;
    }
    return command != NULL && strcmp(row->noun, command->noun) == 0 &&
           (row->verb == NULL || strcmp(row->verb, command->verb) == 0);
}

static void expand(char letter, const struct command_run *run,
                   const struct err *err, struct buf *ret_text)
{
    const char *endpoints = run->options.endpoints;

    switch (letter) {
    case 'q':
        strbuf_printf(ret_text, "quorlog%s%s",
                      endpoints == NULL ? "" : " --endpoints ",
                      endpoints == NULL ? "" : endpoints);
        return;
    case 'e':
        endpoints =
            run->options.endpoint != NULL ? run->options.endpoint : endpoints;
        strbuf_printf(ret_text, "%s",
                      endpoints == NULL ? "127.0.0.1:7420" : endpoints);
        return;
    case 'w':
        strbuf_printf(ret_text, "%s",
                      run->word_count > 0 ? run->words[0] : "NAME");
        return;
    case 'p':
        strbuf_printf(ret_text, "%" PRIu64, err->position);
        return;
    case 'o':
        strbuf_printf(ret_text, "%" PRIu64, run->options.operation);
        return;
    default:
        return;
    }
}
