/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Exporting and importing whole backups, piece after piece. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/sync.h"

struct sync_export {
    struct sync sync;
    ql_export_cb write;
    void *data;
    uint64_t offset; /* of the next piece */
    uint64_t total;
    unsigned char tag[16];
    bool begun; /* total and tag are known */
};

struct sync_import {
    struct sync sync;
    struct ql_import_piece piece; /* the next */
    uint8_t *room;                /* for its bytes */
    uint64_t waiting_since_ms; /* since when it does not get on; 0: it does */
    bool done;
    struct ql_backup *backup; /* the caller's, or NULL */
};

static void on_piece(void *data, const struct ql_export_piece *piece,
                     const struct ql_error *error);
static int check_piece(struct sync_export *wait,
                       const struct ql_export_piece *piece,
                       struct ql_error *error);
static int import_step(struct sync_import *wait,
                       const struct ql_backup_options *options,
                       ql_import_cb read, void *data, struct ql_error *error);
static int import_wait(struct sync_import *wait, struct ql_error *error);
static void on_status(void *data, const struct ql_import_status *status,
                      const struct ql_error *error);
static int stopped(struct ql_error *error);

/* ---- Export -------------------------------------------------------------- */

int ql_backup_export(struct ql_client *client, const char *name,
                     uint64_t offset, const struct ql_backup_options *options,
                     ql_export_cb write, void *data, struct ql_error *error)
{
    struct sync_export wait = {.write = write};
    int rv = sync_begin(&wait.sync, client, error);

    wait.data = data;
    wait.offset = offset;
    while (rv == 0 && (!wait.begun || wait.offset < wait.total)) {
        wait.sync.done = false;
        rv = ql_backup_export_async(client, name, wait.offset, EXPORT_BYTES_MAX,
                                    options, on_piece, &wait, error);
        rv = sync_end(&wait.sync, rv, error);
    }
    return rv;
}

static void on_piece(void *data, const struct ql_export_piece *piece,
                     const struct ql_error *error)
{
    struct sync_export *wait = data;
    struct ql_error own;

    if (error == NULL && check_piece(wait, piece, &own) != 0) {
        error = &own;
    }
    if (error == NULL) {
        wait->begun = true;
        wait->total = piece->total;
        memcpy(wait->tag, piece->tag, sizeof(wait->tag));
        wait->offset += piece->len;
        if (wait->write(wait->data, piece) != 0) {
            (void)stopped(&own);
            error = &own;
        }
    }
    sync_done(&wait->sync, error);
}

static int check_piece(struct sync_export *wait,
                       const struct ql_export_piece *piece,
                       struct ql_error *error)
{
    if (wait->begun &&
        (piece->total != wait->total ||
         memcmp(piece->tag, wait->tag, sizeof(wait->tag)) != 0)) {
        return error_set(error, QL_CONDITION_FAILED,
                         "the file is another one now: begin again, at one "
                         "node");
    }
    if (piece->len == 0 && piece->offset < piece->total) {
        return error_set(error, QL_PROTOCOL,
                         "a piece without bytes, %llu before the end",
                         (unsigned long long)(piece->total - piece->offset));
    }
    return 0;
}

/* ---- Import -------------------------------------------------------------- */

int ql_backup_import(struct ql_client *client, uint64_t total, bool foreign,
                     const struct ql_backup_options *options, ql_import_cb read,
                     void *data, struct ql_backup *ret_backup,
                     struct ql_error *error)
{
    struct sync_import wait = {.room = NULL};
    struct ql_backup_options given;
    int rv = sync_begin(&wait.sync, client, error);

    rv = rv != 0 ? rv
                 : client_options_copy(&given, sizeof(given), options, error);
    if (rv != 0) {
        return rv;
    }
    wait.backup = ret_backup;
    wait.piece.total = total;
    wait.piece.foreign = foreign;
    wait.piece.token =
        given.token != 0 ? given.token : (client_random(client) | 1);
    wait.room = malloc(EXPORT_BYTES_MAX);
    if (wait.room == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    while (rv == 0 && !wait.done) {
        rv = import_step(&wait, options, read, data, error);
    }
    free(wait.room);
    return rv;
}

/* Sends the next piece, or asks how it goes. */
static int import_step(struct sync_import *wait,
                       const struct ql_backup_options *options,
                       ql_import_cb read, void *data, struct ql_error *error)
{
    struct ql_import_piece *piece = &wait->piece;
    uint64_t left = piece->total - piece->offset;
    int rv = 0;

    piece->len = left < EXPORT_BYTES_MAX ? (size_t)left : EXPORT_BYTES_MAX;
    piece->bytes = piece->len == 0 ? NULL : wait->room;
    if (wait->waiting_since_ms != 0) {
        rv = import_wait(wait, error);
    }
    if (rv == 0 && read(data, piece->offset, wait->room, piece->len) != 0) {
        rv = stopped(error);
    }
    if (rv != 0) {
        return rv;
    }
    wait->sync.done = false;
    rv = ql_backup_import_async(wait->sync.client, piece, options, on_status,
                                wait, error);
    return sync_end(&wait->sync, rv, error);
}

/* Checking takes its time; but bytes that are not taken are a reason to give up. */
static int import_wait(struct sync_import *wait, struct ql_error *error)
{
    struct ql_client *client = wait->sync.client;

    if (wait->piece.len > 0 &&
        client_now(client) - wait->waiting_since_ms > client->timeout_ms) {
        return error_set(error, QL_TIMEOUT,
                         "the cluster does not take the bytes from %llu on",
                         (unsigned long long)wait->piece.offset);
    }
    sync_pause(client, CLIENT_POLL_MS);
    return 0;
}

static void on_status(void *data, const struct ql_import_status *status,
                      const struct ql_error *error)
{
    struct sync_import *wait = data;
    struct ql_error own;

    if (error == NULL && status->state == QL_IMPORT_FAILED) {
        error_set(&own, status->code != 0 ? status->code : QL_INTERNAL, "%s",
                  status->problem);
        error = &own;
    }
    if (error == NULL && status->offset > wait->piece.total) {
        error_set(&own, QL_PROTOCOL,
                  "the cluster asks for bytes behind the file's end");
        error = &own;
    }
    if (error == NULL && status->state == QL_IMPORT_DONE) {
        wait->done = true;
        if (wait->backup != NULL) {
            *wait->backup = *status->backup;
        }
    }
    if (error == NULL && !wait->done) {
        uint64_t offset = status->state == QL_IMPORT_VERIFYING
                              ? wait->piece.total
                              : status->offset;

        if (offset != wait->piece.offset) {
            wait->waiting_since_ms = 0;
        } else if (wait->waiting_since_ms == 0) {
            wait->waiting_since_ms = client_now(wait->sync.client);
        }
        wait->piece.offset = offset;
    }
    sync_done(&wait->sync, error);
}

static int stopped(struct ql_error *error)
{
    return error_set(error, QL_CANCELED, "stopped by its caller");
}
