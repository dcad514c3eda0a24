/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Answers peers that ask for pieces of a backup. No more than
 * BACKUP_PIECES_AT_ONCE are read at a time; who asks for more is told to ask
 * later. Link and store come through the options. One thread.
 */
#pragma once

#include "backup/backup_store.h"
#include "consensus/backup_frame.h"

struct backup_answers;

struct backup_answers_options {
    /* The name of a backup in the table, or NULL. Valid during the call. */
    const char *(*name)(void *data, uint64_t backup);
    /* As backup_store_read_stream() and backup_store_read_cancel(). */
    int (*read)(void *data, struct backup_read *read, const char *name,
                uint64_t offset, uint32_t len, backup_read_cb cb);
    void (*cancel)(void *data, struct backup_read *read);
    /* Sends a LINK_BACKUP_PIECE: @head and @bytes are copied. What cannot be sent
     * is lost. */
    void (*send)(void *data, uint64_t node, const uint8_t *head,
                 struct bytes bytes);
    void *data;
};

struct backup_answers *backup_answers_new(
    const struct backup_answers_options *options);
/* Takes back what is with the store and answers nobody any more. NULL is fine. */
void backup_answers_free(struct backup_answers *answers);
/* A LINK_BACKUP_REQUEST of @from. QL_PROTOCOL: close the connection. */
int backup_answers_on_frame(struct backup_answers *answers, uint64_t from,
                            const uint8_t *bytes, size_t len);
