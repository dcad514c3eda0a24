/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a refusal means, in words. */
#include <stddef.h>

#include "machine/machine.h"

struct refusal_row {
    enum command_kind kind; /* 0: any; the first row that fits is taken */
    int code;
    const char *text;
};

static const struct refusal_row refusal_rows[] = {
    {COMMAND_LOG_TRIM, QL_INVALID,
     "the position lies beyond the log's tail, or the request is malformed"},
    {COMMAND_WRITER_RELEASE, QL_INVALID,
     "the log never gave out this epoch, or the request is malformed"},
    {COMMAND_WRITER_RELEASE, QL_FENCED,
     "another writer has taken the log since"},
    {COMMAND_PRODUCER_CLOSE, QL_NOT_FOUND,
     "no producer was ever given this id"},
    {COMMAND_LOG_APPEND, QL_LIMIT,
     "the logs have as many chunks as they may: trim or delete some, or set "
     "retention"},
    {COMMAND_BACKUP_CREATE, QL_EXISTS, "a backup of this name exists already"},
    {COMMAND_BACKUP_ADD, QL_EXISTS, "a backup of this name exists already"},
    {COMMAND_BACKUP_CREATE, QL_LIMIT,
     "there are as many backups as there may be: delete some"},
    {COMMAND_BACKUP_ADD, QL_LIMIT,
     "there are as many backups as there may be: delete some"},
    {COMMAND_BACKUP_DELETE, QL_NOT_FOUND, "there is no such backup"},
    {COMMAND_RECOVERY_BEGIN, QL_EXISTS,
     "a backup is staged already: commit it, or unload it first"},
    {COMMAND_RECOVERY_BEGIN, QL_NOT_FOUND,
     "nothing is staged that could be edited: stage a backup first"},
    {COMMAND_RECOVERY_BEGIN, QL_CONDITION_FAILED,
     "the staged state was changed since: look at it again"},
    {COMMAND_RECOVERY_LOAD, QL_NOT_FOUND,
     "the draft is gone, or lacks what the record names"},
    {COMMAND_RECOVERY_LOAD, QL_EXISTS, "a log of this name is in the draft"},
    {COMMAND_RECOVERY_LOAD, QL_OUT_OF_ORDER,
     "an earlier record of this draft was not taken"},
    {COMMAND_RECOVERY_LOAD, QL_CORRUPT,
     "the bytes are not those of the log's next chunk"},
    {COMMAND_RECOVERY_LOAD, QL_LIMIT,
     "the backup has more logs or chunks than a cluster may have"},
    {COMMAND_RECOVERY_END, QL_NOT_FOUND, "the draft is gone"},
    {COMMAND_RECOVERY_END, QL_OUT_OF_ORDER,
     "a record of this draft was not taken"},
    {COMMAND_RECOVERY_UNLOAD, QL_NOT_FOUND, "there is nothing to unload"},
    {COMMAND_RECOVERY_COMMIT, QL_NOT_FOUND,
     "nothing is staged: stage a backup first"},
    {COMMAND_RECOVERY_COMMIT, QL_CONDITION_FAILED,
     "the live logs have changed since: look at what is new, and expect that "
     "state, or discard what is newer"},
    {COMMAND_RECOVERY_COMMIT, QL_EXISTS,
     "another commit or undo had this operation id: give a new one"},
    {COMMAND_RECOVERY_UNDO, QL_EXISTS,
     "another commit or undo had this operation id: give a new one"},
    {COMMAND_RECOVERY_UNDO, QL_NOT_FOUND,
     "there is nothing to go back to: no commit was made, or what it replaced "
     "was unloaded"},
    {COMMAND_RECOVERY_UNDO, QL_CONDITION_FAILED,
     "the live logs have changed since: look at what is new, and expect that "
     "state, or discard what is newer"},
    {0, QL_INVALID, "the request is malformed"},
    {0, QL_PROTOCOL, "the request is not well-formed MessagePack"},
    {0, QL_TOO_LARGE, "something in the request exceeds its limit"},
    {0, QL_UNKNOWN_METHOD, "this version does not know the command"},
    {0, QL_NOT_FOUND, "there is no such log"},
    {0, QL_EXISTS, "a log of this name exists already"},
    {0, QL_CONDITION_FAILED, "the log's tail is not the expected position"},
    {0, QL_FENCED,
     "the log is held by a writer, or this writer's epoch is over"},
    {0, QL_OUT_OF_ORDER,
     "an earlier append of this producer has not arrived yet"},
    {0, QL_DUPLICATE_UNKNOWN,
     "this append was decided before, too long ago to tell how"},
    {0, QL_PRODUCER_EXPIRED, "the producer was closed or idle for too long"},
    {0, QL_RESTORED,
     "the logs were replaced by those of a backup, and the producer ended with "
     "them"},
    {0, QL_NO_SPACE,
     "the disks of too many nodes are nearly full: make room there, or trim or "
     "delete logs"},
    {0, QL_FROZEN,
     "the logs are frozen: nothing changes them until somebody thaws them"},
    {0, QL_LIMIT, "the cluster has as many logs as it may have"},
};

const char *machine_refusal_text(const struct outcome *outcome)
{
    enum command_kind kind = outcome->kind;
    size_t i;

    if (kind == COMMAND_LOG_APPEND && outcome->producer != 0) {
        /* What is not there is the producer, not the log. */
        kind = COMMAND_PRODUCER_CLOSE;
    }
    if (kind == COMMAND_RECOVERY_COMMIT && outcome->recovery.stage != 0) {
        /* What has changed is the staged state, not the live one. */
        kind = COMMAND_RECOVERY_BEGIN;
    }
    for (i = 0; i < sizeof(refusal_rows) / sizeof(refusal_rows[0]); i++) {
        const struct refusal_row *row = &refusal_rows[i];

        if ((row->kind == 0 || row->kind == kind) &&
            row->code == outcome->code) {
            return row->text;
        }
    }
    return outcome->code == 0 ? "done" : "refused";
}
