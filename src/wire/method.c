/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/method.h"

#include <assert.h>
#include <string.h>

#define NAME(text) (text), sizeof(text) - 1

/* In the order of enum method. */
static const struct method_row rows[METHOD_COUNT] = {
    /* method, name, is_write, leader_only, operator_only */
    {METHOD_NONE, NAME(""), false, false, false},
    {METHOD_SERVER_HELLO, NAME("server.hello"), false, false, false},
    {METHOD_SERVER_PING, NAME("server.ping"), false, false, false},
    {METHOD_SERVER_METRICS, NAME("server.metrics"), false, false, false},
    {METHOD_LOG_CREATE, NAME("log.create"), true, true, false},
    {METHOD_LOG_CONFIGURE, NAME("log.configure"), true, true, false},
    {METHOD_LOG_DELETE, NAME("log.delete"), true, true, false},
    {METHOD_LOG_TRIM, NAME("log.trim"), true, true, false},
    {METHOD_LOG_LIST, NAME("log.list"), false, true, false},
    {METHOD_LOG_STAT, NAME("log.stat"), false, true, false},
    {METHOD_LOG_APPEND, NAME("log.append"), true, true, false},
    {METHOD_LOG_READ, NAME("log.read"), false, true, false},
    {METHOD_LOG_FOLLOW, NAME("log.follow"), false, true, false},
    {METHOD_LOG_CREDIT, NAME("log.credit"), false, false, false},
    {METHOD_LOG_UNFOLLOW, NAME("log.unfollow"), false, false, false},
    {METHOD_PRODUCER_OPEN, NAME("producer.open"), true, true, false},
    {METHOD_PRODUCER_CLOSE, NAME("producer.close"), true, true, false},
    {METHOD_APPEND_STATUS, NAME("append.status"), false, true, false},
    {METHOD_WRITER_ACQUIRE, NAME("writer.acquire"), true, true, false},
    {METHOD_WRITER_RELEASE, NAME("writer.release"), true, true, false},
    {METHOD_CLUSTER_STATUS, NAME("cluster.status"), false, false, false},
    {METHOD_CLUSTER_TRANSFER, NAME("cluster.transfer"), false, true, true},
    {METHOD_CLUSTER_CONFIRM_CLOCK, NAME("cluster.confirm_clock"), true, true,
     true},
    {METHOD_CLUSTER_FREEZE, NAME("cluster.freeze"), true, true, true},
    {METHOD_CLUSTER_THAW, NAME("cluster.thaw"), true, true, true},
    {METHOD_CLUSTER_SETTINGS, NAME("cluster.settings"), true, true, true},
    {METHOD_BACKUP_CREATE, NAME("backup.create"), true, true, true},
    {METHOD_BACKUP_LIST, NAME("backup.list"), false, false, true},
    {METHOD_BACKUP_SHOW, NAME("backup.show"), false, false, true},
    {METHOD_BACKUP_VERIFY, NAME("backup.verify"), false, false, true},
    {METHOD_BACKUP_DELETE, NAME("backup.delete"), true, true, true},
    {METHOD_BACKUP_EXPORT, NAME("backup.export"), false, false, true},
    {METHOD_BACKUP_IMPORT, NAME("backup.import"), true, true, true},
    {METHOD_RECOVERY_STAGE, NAME("recovery.stage"), true, true, true},
    {METHOD_RECOVERY_UNLOAD, NAME("recovery.unload"), true, true, true},
    {METHOD_RECOVERY_STATUS, NAME("recovery.status"), false, true, true},
    {METHOD_RECOVERY_PRINT, NAME("recovery.print"), false, true, true},
    {METHOD_RECOVERY_DIFF, NAME("recovery.diff"), false, true, true},
    {METHOD_RECOVERY_DELETE, NAME("recovery.delete"), true, true, true},
    {METHOD_RECOVERY_COMMIT, NAME("recovery.commit"), true, true, true},
    {METHOD_RECOVERY_UNDO, NAME("recovery.undo"), true, true, true},
};

const struct method_row *method_find(const char *name, size_t len)
{
    size_t i;

    for (i = METHOD_NONE + 1; i < METHOD_COUNT; i++) {
        if (rows[i].name_len == len && memcmp(rows[i].name, name, len) == 0) {
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
