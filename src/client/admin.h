/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The calls about logs and writers. */
#pragma once

#include "client/log_call.h"

/* ql_log_list_cb that also tells whether there is another page. */
typedef void (*log_page_cb)(void *data, const struct ql_log_stat *stats,
                            size_t count, bool more,
                            const struct ql_error *error);
int log_page_start(struct ql_client *client, const char *prefix,
                   const char *after, enum ql_consistency consistency,
                   log_page_cb cb, void *data, struct ql_error *error);
