/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Checks and encodes appends; the append queue does the rest. */
#pragma once

#include "client/append_queue.h"

/* ql_append_async(), for the writer with @writer as its serial, or 0. */
int append_start(struct ql_client *client, const struct ql_append_part *parts,
                 size_t count, const struct ql_append_options *options,
                 uint64_t writer, ql_append_cb cb, void *data,
                 struct ql_error *error);
/* The same, blocking (sync.c). @ret_places has room for @count, or is NULL. */
int append_and_wait(struct ql_client *client,
                    const struct ql_append_part *parts, size_t count,
                    const struct ql_append_options *options, uint64_t writer,
                    struct ql_append_place *ret_places, struct ql_error *error);
/* writer.acquire, blocking (sync_log.c). */
int writer_acquire(struct ql_client *client, const char *log, const char *name,
                   struct ql_log_stat *ret_stat, struct ql_error *error);
