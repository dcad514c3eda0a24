/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The backup.* messages, and the parameters of the commands that the leader
 * proposes for them. See args_log.h for the rules that are common to all.
 *
 * A backup has a name of 1..BACKUP_NAME_MAX bytes of [A-Za-z0-9._-] that does
 * not begin with '.': it is the name of files. It is kept as text with its NUL, see backup_name.h.
 */
#pragma once

#include <stdbool.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/limits.h"
#include "wire/args_log.h"
#include "wire/backup_name.h"

/* A backup as the replicated table has it. Plain data: copy it freely. */
struct backup_row {
    uint64_t id;                    /* raft index at which the row came in */
    char name[BACKUP_NAME_MAX + 1]; /* "" only where a name is optional */
    uint64_t index;   /* raft index of the state that was saved, in the cluster
                         that saved it */
    uint64_t time_ms; /* of that cluster's clock then */
    uint64_t state_index;
    uint64_t logs;
    uint64_t entries;
    uint64_t bytes; /* of keys and values */
    uint64_t chunks;
    uint8_t digest[16];  /* of the logs, see machine_logs_digest() */
    uint8_t cluster[16]; /* which cluster's logs these are */
    bool foreign;        /* another's, taken in by backup.import */
    bool scheduled;      /* made because the time had come */
};
/* COMMAND_BACKUP_ADD. An id of 0 is absent. */
int backup_row_decode(struct backup_row *ret, struct bytes params,
                      struct err *err);
int backup_row_encode(const struct backup_row *row, struct buf *buf);

/* backup.create and COMMAND_BACKUP_CREATE {name?, scheduled?}. The method's
 * answer is {backup: row}. */
struct backup_create_args {
    char name[BACKUP_NAME_MAX + 1]; /* "": the machine gives one */
    bool scheduled;
};
int backup_create_args_decode(struct backup_create_args *ret,
                              struct bytes params, struct err *err);
int backup_create_args_encode(const struct backup_create_args *args,
                              struct buf *buf);
int backup_create_result_decode(struct backup_row *ret, struct bytes result,
                                struct err *err);
int backup_create_result_encode(const struct backup_row *row, struct buf *buf);

/* backup.delete and COMMAND_BACKUP_DELETE {name, id?}; answers {}. */
struct backup_delete_args {
    char name[BACKUP_NAME_MAX + 1];
    uint64_t id; /* 0: whichever has the name */
};
int backup_delete_args_decode(struct backup_delete_args *ret,
                              struct bytes params, struct err *err);
int backup_delete_args_encode(const struct backup_delete_args *args,
                              struct buf *buf);

/* What one node has of a backup. */
struct backup_holder {
    uint64_t node;
    struct bytes state; /* a word of wire/backup_state.h */
    uint64_t verified_at_ms;
};

/* A backup as backup.list and backup.show tell of it. On the wire the row's
 * fields stand in the same map as the others. */
struct backup_item {
    struct backup_row row;
    struct bytes state; /* on the answering node: a word, as above; more words
                           may come */
    uint64_t new_bytes; /* raw bytes of chunks that no older one had */
    uint64_t stored_bytes; /* in files; what it shares counts in full */
    uint64_t
        verified_at_ms; /* the oldest check of what it is made of; 0: none */
    struct bytes error; /* len 0: none */
    size_t nodes_count;
    struct backup_holder nodes[MEMBERS_MAX];
};

/* backup.list {} (no args), any node. */
struct backup_list_result {
    uint64_t node;
    uint64_t leader;        /* 0: none known */
    struct bytes directory; /* of the answering node, as all up to the items */
    struct bytes problem;   /* len 0: none */
    uint64_t interval_ms;
    uint64_t max_saved;
    uint64_t last_success_ms;
    uint64_t last_verified_ms;
    uint64_t failures;
    uint64_t pool_bytes;
    struct backup_item *items; /* owned when decoded */
    size_t count;              /* at most BACKUP_ITEMS_MAX */
};
int backup_list_result_decode(struct backup_list_result *ret,
                              struct bytes result, struct err *err);
void backup_list_result_close(struct backup_list_result *result);
int backup_list_result_encode(const struct backup_list_result *result,
                              struct buf *buf);

/* backup.show {name, after?, limit?}, any node that has it. */
struct backup_show_args {
    char name[BACKUP_NAME_MAX + 1];
    struct bytes after; /* a log's name; len 0: from the first */
    uint32_t limit;     /* 1..LIST_PAGE_MAX; absent: LIST_PAGE_MAX */
};
int backup_show_args_decode(struct backup_show_args *ret, struct bytes params,
                            struct err *err);
int backup_show_args_encode(const struct backup_show_args *args,
                            struct buf *buf);

struct backup_show_result {
    struct backup_item backup;
    struct log_stat *logs; /* owned when decoded */
    size_t count;
    bool more;
};
int backup_show_result_decode(struct backup_show_result *ret,
                              struct bytes result, struct err *err);
void backup_show_result_close(struct backup_show_result *result);
int backup_show_result_encode(const struct backup_show_result *result,
                              struct buf *buf);

/* backup.verify {name, deep?}, any node; answered when it is done. Damage is
 * QL_CORRUPT with a sentence. */
struct backup_verify_args {
    char name[BACKUP_NAME_MAX + 1];
    bool deep; /* also build the whole state from it, in memory */
};
int backup_verify_args_decode(struct backup_verify_args *ret,
                              struct bytes params, struct err *err);
int backup_verify_args_encode(const struct backup_verify_args *args,
                              struct buf *buf);

struct backup_verify_result {
    uint64_t chunks;
    uint64_t bytes; /* of files */
    uint64_t entries;
    uint64_t ms;
    uint64_t memory_bytes; /* that it took at most; 0: not deep */
};
int backup_verify_result_decode(struct backup_verify_result *ret,
                                struct bytes result, struct err *err);
int backup_verify_result_encode(const struct backup_verify_result *result,
                                struct buf *buf);

/* backup.export {name, offset, len}: len is 1..EXPORT_BYTES_MAX. */
struct backup_export_args {
    char name[BACKUP_NAME_MAX + 1];
    uint64_t offset;
    uint32_t len;
};
int backup_export_args_decode(struct backup_export_args *ret,
                              struct bytes params, struct err *err);
int backup_export_args_encode(const struct backup_export_args *args,
                              struct buf *buf);

struct backup_export_result {
    uint8_t tag[16];    /* another: pieces do not belong to one stream */
    uint64_t total;     /* of the stream */
    struct bytes bytes; /* fewer than asked only at the end */
};
int backup_export_result_decode(struct backup_export_result *ret,
                                struct bytes result, struct err *err);
int backup_export_result_encode(const struct backup_export_result *result,
                                struct buf *buf);

/* backup.import {token, total, offset, bytes, foreign?}: the next piece of an
 * upload, at most EXPORT_BYTES_MAX; without bytes it is a question. */
struct backup_import_args {
    uint64_t token; /* chosen by the client, not 0: names the upload */
    uint64_t total;
    uint64_t offset; /* at most total, and so is its end */
    struct bytes bytes;
    bool foreign; /* it may be another cluster's */
};
int backup_import_args_decode(struct backup_import_args *ret,
                              struct bytes params, struct err *err);
int backup_import_args_encode(const struct backup_import_args *args,
                              struct buf *buf);

enum backup_import_state {
    BACKUP_IMPORT_RECEIVING = 0, /* "receiving" */
    BACKUP_IMPORT_VERIFYING = 1, /* "verifying": all bytes are there */
    BACKUP_IMPORT_DONE = 2,      /* "done": it is in the table */
    BACKUP_IMPORT_FAILED = 3,    /* "failed": code and error say why */
};

struct backup_import_result {
    uint64_t offset; /* where to go on */
    uint32_t state;  /* enum backup_import_state; a word on the wire */
    bool has_backup; /* done: */
    struct backup_row backup;
    uint32_t code; /* failed: QL_*, and a sentence */
    struct bytes error;
};
int backup_import_result_decode(struct backup_import_result *ret,
                                struct bytes result, struct err *err);
int backup_import_result_encode(const struct backup_import_result *result,
                                struct buf *buf);
