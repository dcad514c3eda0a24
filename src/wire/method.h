/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The table of methods and notifications. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum method {
    METHOD_NONE = 0,
    METHOD_SERVER_HELLO,
    METHOD_SERVER_PING,
    METHOD_SERVER_METRICS,
    METHOD_LOG_CREATE,
    METHOD_LOG_CONFIGURE,
    METHOD_LOG_DELETE,
    METHOD_LOG_TRIM,
    METHOD_LOG_LIST,
    METHOD_LOG_STAT,
    METHOD_LOG_APPEND,
    METHOD_LOG_READ,
    METHOD_LOG_FOLLOW,
    METHOD_LOG_CREDIT,
    METHOD_LOG_UNFOLLOW,
    METHOD_PRODUCER_OPEN,
    METHOD_PRODUCER_CLOSE,
    METHOD_APPEND_STATUS,
    METHOD_WRITER_ACQUIRE,
    METHOD_WRITER_RELEASE,
    METHOD_CLUSTER_STATUS,
    METHOD_CLUSTER_TRANSFER,
    METHOD_CLUSTER_CONFIRM_CLOCK,
    METHOD_CLUSTER_FREEZE,
    METHOD_CLUSTER_THAW,
    METHOD_CLUSTER_SETTINGS,
    METHOD_BACKUP_CREATE,
    METHOD_BACKUP_LIST,
    METHOD_BACKUP_SHOW,
    METHOD_BACKUP_VERIFY,
    METHOD_BACKUP_DELETE,
    METHOD_BACKUP_EXPORT,
    METHOD_BACKUP_IMPORT,
    METHOD_RECOVERY_STAGE,
    METHOD_RECOVERY_UNLOAD,
    METHOD_RECOVERY_STATUS,
    METHOD_RECOVERY_PRINT,
    METHOD_RECOVERY_DIFF,
    METHOD_RECOVERY_DELETE,
    METHOD_RECOVERY_COMMIT,
    METHOD_RECOVERY_UNDO,
    METHOD_COUNT
};

struct method_row {
    enum method method;
    const char *name;
    size_t name_len;  /* "log.append" */
    bool is_write;    /* becomes a command in the raft log */
    bool leader_only; /* others answer NOT_LEADER (reads: when linearizable) */
    bool operator_only; /* unix socket or loopback */
};

/* NULL when there is no such method. @name need not be NUL-terminated. */
const struct method_row *method_find(const char *name, size_t len);
const struct method_row *method_row(enum method method);

/* Notifications from the server. */
#define NOTIFY_LOG_ENTRIES "log.entries"
#define NOTIFY_LOG_EVENT "log.event"
#define NOTIFY_WRITER_FENCED "writer.fenced"
