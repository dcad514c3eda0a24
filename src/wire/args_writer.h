/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* writer.acquire and writer.release; both answer a log_stat. */
#pragma once

#include "util/buf.h"
#include "util/err.h"

/* writer.acquire {log, name} (name 1..WRITER_NAME_MAX bytes of UTF-8 without
 * control characters); writer.release {log, epoch}: a smaller epoch than the
 * log's is FENCED, releasing twice is fine. */
struct writer_args {
    struct bytes log;
    struct bytes name; /* acquire */
    uint64_t epoch;    /* release */
};
int writer_acquire_args_decode(struct writer_args *ret, struct bytes params,
                               struct err *err);
int writer_acquire_args_encode(const struct writer_args *args, struct buf *buf);
int writer_release_args_decode(struct writer_args *ret, struct bytes params,
                               struct err *err);
int writer_release_args_encode(const struct writer_args *args, struct buf *buf);

/* Notification writer.fenced {log, epoch, newer}, sent on the connection that
 * acquired @epoch. */
struct writer_fenced {
    struct bytes log;
    uint64_t epoch;
    uint64_t newer; /* the epoch that fences it; 0 when the log was deleted */
};
int writer_fenced_decode(struct writer_fenced *ret, struct bytes params,
                         struct err *err);
int writer_fenced_encode(const struct writer_fenced *fenced, struct buf *buf);
