/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The messages about logs themselves. Each message of the protocol is defined
 * once in an args_*.h: the client encodes it, the service checks it, the
 * machine applies it. Decoded byte runs are views into the encoded bytes.
 *
 * All decoders: QL_INVALID with a sentence naming the field for a missing
 * field, a wrong type or a value out of range; unknown keys are ignored, so
 * that later versions can add some; a key that stands twice is QL_INVALID. Nil
 * is the same as absent. Bytes that are not one whole value: QL_PROTOCOL, or
 * QL_TOO_LARGE (see scan_value()). *ret is written only on success.
 * All encoders append one map and return 0 or QL_NO_MEMORY.
 */
#pragma once

#include <stdbool.h>

#include "util/buf.h"
#include "util/err.h"

struct retention {
    uint64_t entries; /* 0: no limit, as for the other two */
    uint64_t bytes;
    uint64_t age_ms;
};

/* log.create and log.configure {log, retention: {entries, bytes, age_ms}?,
 * token?}. The name has passed log_name_check(). */
struct log_config_args {
    struct bytes log;
    struct retention retention; /* absent: all 0 */
    uint64_t token; /* create: the same non-zero token finds its own log and
                       succeeds, so a retry is safe */
};
int log_config_args_decode(struct log_config_args *ret, struct bytes params,
                           struct err *err);
int log_config_args_encode(const struct log_config_args *args, struct buf *buf);

/* log.delete, log.stat {log, stale?}; also the log part of others. */
struct log_args {
    struct bytes log;
    bool stale;
};
int log_args_decode(struct log_args *ret, struct bytes params, struct err *err);
int log_args_encode(const struct log_args *args, struct buf *buf);

/* log.trim {log, before}: before >= 1. */
struct log_trim_args {
    struct bytes log;
    uint64_t before;
};
int log_trim_args_decode(struct log_trim_args *ret, struct bytes params,
                         struct err *err);
int log_trim_args_encode(const struct log_trim_args *args, struct buf *buf);

/* log.list {prefix?, after?, max?, stale?} */
struct log_list_args {
    struct bytes prefix; /* len 0: all */
    struct bytes after;  /* len 0: from the first */
    uint32_t max;        /* 1..LIST_PAGE_MAX; absent: LIST_PAGE_MAX */
    bool stale;
};
int log_list_args_decode(struct log_list_args *ret, struct bytes params,
                         struct err *err);
int log_list_args_encode(const struct log_list_args *args, struct buf *buf);

/* What create, configure, delete, trim, stat, writer.acquire and
 * writer.release answer, and log.list many of. */
struct log_stat {
    struct bytes name;
    uint64_t uid;
    uint64_t incarnation;
    uint64_t head;
    uint64_t tail;
    uint64_t entries;
    uint64_t bytes;
    uint64_t last_time_ms;
    struct retention retention;
    uint64_t writer_epoch;
    struct bytes writer_name; /* len 0: nobody holds it */
    uint8_t digest[16];
};
int log_stat_decode(struct log_stat *ret, struct bytes result, struct err *err);
int log_stat_encode(const struct log_stat *stat, struct buf *buf);

/* log.list's answer {logs: [stat...], more: bool}. */
struct log_list_result {
    struct log_stat *stats; /* owned */
    size_t count;
    bool more;
};
int log_list_result_decode(struct log_list_result *ret, struct bytes result,
                           struct err *err);
void log_list_result_close(struct log_list_result *result);
int log_list_result_encode(const struct log_list_result *result,
                           struct buf *buf);
