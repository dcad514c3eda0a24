/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/backup_refusal.h"

int backup_refusal(const char *name, int code, const char *why, struct err *err)
{
    switch (code) {
    case QL_NOT_FOUND:
        return err_set(err, code,
                       "backup %s is not on this node (yet): backup list says "
                       "which nodes have it; wait, or make one of them the "
                       "leader",
                       name);
    case QL_BUSY:
        return err_set(err, code,
                       "too much is read from backups already, or their "
                       "directory has not been looked at yet");
    case QL_CORRUPT:
        return err_set(err, code,
                       "backup %s is damaged on this node: %s. Make a node "
                       "that has it whole the leader, or take another backup",
                       name, why);
    default:
        return err_set(err, code, "backup %s cannot be read: %s", name,
                       why[0] != '\0' ? why : "the node refused");
    }
}
