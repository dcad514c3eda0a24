/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/method.h"

#include <assert.h>
#include <string.h>

/* In the order of enum method. */
static const struct method_row rows[METHOD_COUNT] = {
    /* method, name, is_write, leader_only, operator_only */
    {METHOD_NONE, "", false, false, false},
    {METHOD_SERVER_HELLO, "server.hello", false, false, false},
    {METHOD_SERVER_PING, "server.ping", false, false, false},
    {METHOD_SERVER_METRICS, "server.metrics", false, false, false},
    {METHOD_LOG_CREATE, "log.create", true, true, false},
    {METHOD_LOG_CONFIGURE, "log.configure", true, true, false},
    {METHOD_LOG_DELETE, "log.delete", true, true, false},
    {METHOD_LOG_TRIM, "log.trim", true, true, false},
    {METHOD_LOG_LIST, "log.list", false, true, false},
    {METHOD_LOG_STAT, "log.stat", false, true, false},
    {METHOD_LOG_APPEND, "log.append", true, true, false},
    {METHOD_LOG_READ, "log.read", false, true, false},
    {METHOD_LOG_FOLLOW, "log.follow", false, true, false},
    {METHOD_LOG_CREDIT, "log.credit", false, false, false},
    {METHOD_LOG_UNFOLLOW, "log.unfollow", false, false, false},
    {METHOD_PRODUCER_OPEN, "producer.open", true, true, false},
    {METHOD_PRODUCER_CLOSE, "producer.close", true, true, false},
    {METHOD_APPEND_STATUS, "append.status", false, true, false},
    {METHOD_WRITER_ACQUIRE, "writer.acquire", true, true, false},
    {METHOD_WRITER_RELEASE, "writer.release", true, true, false},
    {METHOD_CLUSTER_STATUS, "cluster.status", false, false, false},
    {METHOD_CLUSTER_TRANSFER, "cluster.transfer", false, true, true},
    {METHOD_CLUSTER_CONFIRM_CLOCK, "cluster.confirm_clock", true, true, true},
    {METHOD_CLUSTER_FREEZE, "cluster.freeze", true, true, true},
    {METHOD_CLUSTER_THAW, "cluster.thaw", true, true, true},
    {METHOD_CLUSTER_SETTINGS, "cluster.settings", true, true, true},
    {METHOD_BACKUP_CREATE, "backup.create", true, true, true},
    {METHOD_BACKUP_LIST, "backup.list", false, false, true},
    {METHOD_BACKUP_SHOW, "backup.show", false, false, true},
    {METHOD_BACKUP_VERIFY, "backup.verify", false, false, true},
    {METHOD_BACKUP_DELETE, "backup.delete", true, true, true},
    {METHOD_BACKUP_EXPORT, "backup.export", false, false, true},
    {METHOD_BACKUP_IMPORT, "backup.import", true, true, true},
    {METHOD_RECOVERY_STAGE, "recovery.stage", true, true, true},
    {METHOD_RECOVERY_UNLOAD, "recovery.unload", true, true, true},
    {METHOD_RECOVERY_STATUS, "recovery.status", false, true, true},
    {METHOD_RECOVERY_PRINT, "recovery.print", false, true, true},
    {METHOD_RECOVERY_DIFF, "recovery.diff", false, true, true},
    {METHOD_RECOVERY_DELETE, "recovery.delete", true, true, true},
    {METHOD_RECOVERY_COMMIT, "recovery.commit", true, true, true},
    {METHOD_RECOVERY_UNDO, "recovery.undo", true, true, true},
};

const struct method_row *method_find(const char *name, size_t len)
{
    size_t i;

    for (i = METHOD_NONE + 1; i < METHOD_COUNT; i++) {
        if (strlen(rows[i].name) == len &&
            memcmp(rows[i].name, name, len) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

const struct method_row *method_row(enum method method)
{
    assert(method > METHOD_NONE);
    assert(method < METHOD_COUNT);
    return &rows[method];
}
