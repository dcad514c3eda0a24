/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Fetches the backups that should be here and are not from peers that have them,
 * one at a time and piece by piece, into an intake (backup_intake.h), which
 * verifies all of it. The newest first: it is what would be wanted. A peer that is
 * silent, gives nonsense or something that does not verify is followed by another;
 * when all were asked this backup has to wait, longer each time.
 *
 * What is wanted, link, clock and intake come through the options. One thread.
 */
#pragma once

#include "backup/backup_intake.h"
#include "backup/backup_store.h"
#include "consensus/backup_frame.h"

struct backup_fetch;

struct backup_fetch_options {
    uint64_t rate_bytes;               /* in a second; 0: no limit */
    uint8_t cluster[PACK_CLUSTER_LEN]; /* of rows that do not name one */
    uint64_t (*now_ms)(void *data);
    /* As backup_store_infos(). */
    const struct backup_info *(*infos)(void *data, size_t *ret_count);
    /* The nodes that can be asked for @backup and say that they have it whole. */
    size_t (*holders)(void *data, uint64_t backup, uint64_t ret[MEMBERS_MAX]);
    /* False: it cannot be sent. */
    bool (*send)(void *data, uint64_t node,
                 const struct backup_request *request);
    /* As backup_intake_begin() and the others; NULL in tests only. */
    int (*begin)(void *data, const struct backup_intake_options *options,
                 struct backup_intake **ret_intake, struct err *err);
    void (*get)(const struct backup_intake *intake,
                struct backup_intake_status *ret);
    bool (*wants)(struct backup_intake *intake, size_t len_max,
                  uint64_t *ret_offset, size_t *ret_len);
    int (*take)(struct backup_intake *intake, struct backup_piece *piece,
                uint64_t offset, struct bytes bytes, backup_piece_cb cb);
    void (*cancel)(struct backup_piece *piece);
    void (*leave)(struct backup_intake *intake, bool drop);
    void *data;
};

struct backup_fetch *backup_fetch_new(
    const struct backup_fetch_options *options);
/* What was taken in so far stays, to be gone on with. NULL is fine. */
void backup_fetch_free(struct backup_fetch *fetch);
/* A LINK_BACKUP_PIECE of @from. QL_PROTOCOL: close the connection. */
int backup_fetch_on_frame(struct backup_fetch *fetch, uint64_t from,
                          const uint8_t *bytes, size_t len);
/* To be called each BACKUP_LOOK_MS, or so. */
void backup_fetch_step(struct backup_fetch *fetch);
/* The backup that is being fetched, or 0. */
uint64_t backup_fetch_current(const struct backup_fetch *fetch);
/* Backups that came whole, and tries that did not, since the start. */
void backup_fetch_counts(const struct backup_fetch *fetch, uint64_t *ret_done,
                         uint64_t *ret_failed);
