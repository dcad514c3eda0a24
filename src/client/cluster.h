/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The calls about the cluster itself. */
#pragma once

#include "client/request.h"

/* @cb gets NULL, or why it failed. */
typedef void (*cluster_done_cb)(void *data, const struct ql_error *error);
int cluster_transfer_start(struct ql_client *client, uint64_t to,
                           cluster_done_cb cb, void *data,
                           struct ql_error *error);
int cluster_confirm_clock_start(struct ql_client *client, cluster_done_cb cb,
                                void *data, struct ql_error *error);
/* @by may be NULL. */
int cluster_freeze_start(struct ql_client *client, const char *reason,
                         const char *by, cluster_done_cb cb, void *data,
                         struct ql_error *error);
int cluster_thaw_start(struct ql_client *client, cluster_done_cb cb, void *data,
                       struct ql_error *error);
