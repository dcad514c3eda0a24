/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The handle of an exclusive writer: a log, an epoch, and whether it still
 * holds. */
#pragma once

#include "client/request.h"

struct ql_writer {
    struct list link; /* in client->writers */
    struct ql_client *client;
    uint64_t serial; /* appends refer to it by this, as it may be freed first */
    char log[QL_LOG_NAME_MAX + 1];
    uint64_t epoch;
    uint64_t tail;
    bool fenced;
    uint64_t newer; /* the epoch that fenced it; 0: not known */
    ql_fenced_cb fenced_cb;
    void *fenced_data;
    bool fenced_due; /* the callback has to run */
};

/* An append made through the writer @serial was refused as FENCED. */
void writer_on_refused(struct ql_client *client, uint64_t serial,
                       uint64_t newer);
/* The notification writer.fenced. */
int writer_on_notice(struct ql_client *client, struct bytes params,
                     struct err *err);
void writer_notify_all(struct ql_client *client);
