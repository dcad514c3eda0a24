/* SPDX-License-Identifier: LGPL-3.0-or-later */

/*
 * libquorlog: the C client of quorlog, a replicated log service.
 *
 * Handles are opaque. The library keeps no globals, starts no threads, installs
 * no signal handlers and never aborts the process. A handle belongs to one
 * thread at a time.
 *
 * Every call exists in two forms over one implementation: with a deadline
 * (ql_append) and with a callback (ql_append_async). The callback form is driven
 * by the caller's own event loop through ql_client_fd(), ql_client_events(),
 * ql_client_timeout_ms() and ql_client_process().
 *
 * Functions that can fail return 0 (QL_OK) or one of the QL_* codes below; the
 * last parameter, `struct ql_error *`, may be NULL and otherwise receives the
 * text, the class and what else is known.
 */
#ifndef QUORLOG_H
#define QUORLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define QL_API __attribute__((visibility("default")))
#else
#define QL_API
#endif

/* Result codes. The number and the name travel in error maps on the wire; they
 * never change their meaning. */
enum ql_code {
    QL_OK = 0,
    /* The caller's mistake: repeating the call cannot help. */
    QL_INVALID = 1,        /* a malformed request, name, field or argument */
    QL_NO_MEMORY = 2,      /* allocation failed in this process */
    QL_TOO_LARGE = 3,      /* something exceeds its documented limit */
    QL_UNKNOWN_METHOD = 4, /* the server has no such method */
    QL_PROTOCOL = 5,       /* the other side did not speak the protocol */
    QL_DENIED = 6,         /* not allowed over this connection */
    /* The state of the logs says no. */
    QL_NOT_FOUND = 10,         /* no such log, writer, producer or result */
    QL_EXISTS = 11,            /* a log of that name exists already */
    QL_TRIMMED = 12,           /* the position lies before the log's head */
    QL_CONDITION_FAILED = 13,  /* expect_position did not hold */
    QL_FENCED = 14,            /* a newer writer has taken the log */
    QL_OUT_OF_ORDER = 15,      /* producer sequence has a gap; retryable */
    QL_DUPLICATE_UNKNOWN = 16, /* done before, result no longer kept */
    QL_PRODUCER_EXPIRED = 17,  /* the producer id is gone */
    QL_LIMIT = 18,             /* a limit of the whole cluster is reached */
    QL_FROZEN = 19,            /* an operator froze the logs, or an alarm */
    QL_RESTORED = 20,          /* the logs were replaced by those of a backup */
    /* The cluster cannot serve the call now. */
    QL_NOT_LEADER = 30,      /* another node leads; see ql_error.leader */
    QL_NO_LEADER = 31,       /* no leader is known, or it lost its quorum */
    QL_BUSY = 32,            /* a queue is full: try again later */
    QL_TIMEOUT = 33,         /* the deadline passed; nothing was changed */
    QL_CONNECT = 34,         /* no endpoint could be reached */
    QL_DISCONNECTED = 35,    /* the connection ended; nothing was changed */
    QL_OUTCOME_UNKNOWN = 36, /* a write may or may not have happened */
    QL_SHUTTING_DOWN = 37,   /* the node is stopping */
    QL_CANCELED = 38,        /* the handle was closed first */
    QL_NO_SPACE = 39,        /* the disks are nearly full: nothing may grow */
    /* Something is broken. */
    QL_IO = 40,       /* the operating system refused */
    QL_CORRUPT = 41,  /* a checksum does not fit */
    QL_INTERNAL = 42, /* a broken invariant; please report it */
};

/* What a program should do about a code. */
enum ql_class {
    QL_CLASS_NONE = 0,
    QL_CLASS_RETRY,           /* the same call may succeed later */
    QL_CLASS_REDIRECT,        /* ask the leader instead */
    QL_CLASS_FENCED,          /* stop writing: another writer owns the log */
    QL_CLASS_CONDITION,       /* the state of the logs refuses it */
    QL_CLASS_FATAL,           /* broken or impossible: tell the operator */
    QL_CLASS_USAGE,           /* the call itself is wrong */
    QL_CLASS_OUTCOME_UNKNOWN, /* a write may or may not have happened */
};

#define QL_ERROR_TEXT_MAX 512
#define QL_ADDRESS_MAX 280 /* host name, colon, port and the closing NUL */
#define QL_LOG_NAME_MAX 255
#define QL_WRITER_NAME_MAX 255

/* Filled by every failing call. Plain data: copy it freely. */
struct ql_error {
    int code;                     /* enum ql_code */
    enum ql_class error_class;    /* ql_code_class(code) */
    uint64_t position;            /* what the server named, or 0: the head for
                                     TRIMMED, the tail for CONDITION_FAILED,
                                     the newer epoch for FENCED, the first
                                     that may differ for RESTORED */
    char text[QL_ERROR_TEXT_MAX]; /* one sentence, NUL-terminated */
    char node[QL_ADDRESS_MAX];    /* who answered, or "" */
    char leader[QL_ADDRESS_MAX];  /* client address of the leader, or "" */
};

/* The version of the library, "MAJOR.MINOR.PATCH". Static storage. */
QL_API const char *ql_version(void);
/* "NOT_LEADER" for QL_NOT_LEADER and so on; "UNKNOWN" for others. Static. */
QL_API const char *ql_code_name(int code);
QL_API enum ql_class ql_code_class(int code);

/* ---- The client ---------------------------------------------------------- */

struct ql_client;

struct ql_client_options {
    size_t size;           /* sizeof(struct ql_client_options) */
    const char *endpoints; /* "host:port,[::1]:7420,unix:/path"; NULL:
                              $QUORLOG_ENDPOINTS, then "127.0.0.1:7420" */
    const char *name;      /* shown in the server's diagnostics, or NULL */
    uint32_t timeout_ms;   /* default deadline of a call: 10,000 */
    uint32_t connect_timeout_ms; /* for one endpoint: 2,000 */
    uint32_t calls_max;          /* calls in flight or waiting: 4,096; more are
                                 refused with QL_BUSY */
    uint64_t bytes_max;          /* bytes of requests held: 64 MiB; likewise */
};
#define QL_CLIENT_OPTIONS_INIT                                                 \
    {                                                                          \
        sizeof(struct ql_client_options), 0, 0, 0, 0, 0, 0                     \
    }

/* Makes a client. Nothing is connected until the first call. A field that is 0
 * or NULL means its default. Errors: QL_INVALID for a bad endpoint list,
 * QL_NO_MEMORY, QL_IO. */
QL_API int ql_client_new(struct ql_client **ret_client,
                         const struct ql_client_options *options,
                         struct ql_error *error);
/* Closes the connection; calls still open get their callback with QL_CANCELED,
 * or QL_OUTCOME_UNKNOWN where a write may have happened. Accepts NULL. All readers
 * and writers of the client must be freed first. Not from inside a callback. */
QL_API void ql_client_free(struct ql_client *client);

/* One descriptor for the life of the client, to be watched for
 * ql_client_events() (a mask of POLLIN and POLLOUT). */
QL_API int ql_client_fd(const struct ql_client *client);
QL_API int ql_client_events(const struct ql_client *client);
/* Milliseconds until ql_client_process() must run again, -1 for never. */
QL_API int ql_client_timeout_ms(const struct ql_client *client);
/* Does what can be done without blocking and runs the callbacks that are due.
 * Callbacks run only from here, from the blocking calls and, for calls still
 * open, from ql_client_free(). A callback may start calls, not block. */
QL_API int ql_client_process(struct ql_client *client);
/* Blocks up to @timeout_ms in poll(2), then processes once. */
QL_API int ql_client_wait(struct ql_client *client, int timeout_ms);
/* Calls not answered yet. */
QL_API size_t ql_client_pending(const struct ql_client *client);

/* ---- Logs ---------------------------------------------------------------- */

/* All 0 keeps entries until they are trimmed. Retention drops whole chunks, so
 * it keeps a little more than asked. */
struct ql_retention {
    uint64_t entries;
    uint64_t bytes; /* of keys and values */
    uint64_t age_ms;
};

struct ql_log_stat {
    char name[QL_LOG_NAME_MAX + 1];
    uint64_t uid;
    uint64_t incarnation;
    uint64_t head;         /* first kept position */
    uint64_t tail;         /* the position the next entry will get */
    uint64_t entries;      /* kept entries */
    uint64_t bytes;        /* of keys and values; what was trimmed off the
                              first kept chunk counts until that goes */
    uint64_t last_time_ms; /* of the newest entry, Unix time; 0: none yet */
    struct ql_retention retention;
    uint64_t writer_epoch;                    /* 0: never taken */
    char writer_name[QL_WRITER_NAME_MAX + 1]; /* "" when nobody holds it */
    unsigned char digest[16]; /* chain digest of everything ever appended */
};

/* @stat is valid during the callback; NULL when @error is not NULL. */
typedef void (*ql_log_cb)(void *data, const struct ql_log_stat *stat,
                          const struct ql_error *error);
typedef void (*ql_log_list_cb)(void *data, const struct ql_log_stat *stats,
                               size_t count, const struct ql_error *error);

/* A name has 1 to 255 bytes of [A-Za-z0-9._/-] and no empty, "." or ".." part.
 * @retention may be NULL. @ret_stat may be NULL. A create that is retried after
 * a lost connection and finds its own log reports success. */
QL_API int ql_log_create(struct ql_client *client, const char *log,
                         const struct ql_retention *retention,
                         struct ql_log_stat *ret_stat, struct ql_error *error);
QL_API int ql_log_create_async(struct ql_client *client, const char *log,
                               const struct ql_retention *retention,
                               ql_log_cb cb, void *data,
                               struct ql_error *error);
QL_API int ql_log_configure(struct ql_client *client, const char *log,
                            const struct ql_retention *retention,
                            struct ql_log_stat *ret_stat,
                            struct ql_error *error);
QL_API int ql_log_configure_async(struct ql_client *client, const char *log,
                                  const struct ql_retention *retention,
                                  ql_log_cb cb, void *data,
                                  struct ql_error *error);
/* @ret_stat receives the log as it was just before it was deleted. */
QL_API int ql_log_delete(struct ql_client *client, const char *log,
                         struct ql_log_stat *ret_stat, struct ql_error *error);
QL_API int ql_log_delete_async(struct ql_client *client, const char *log,
                               ql_log_cb cb, void *data,
                               struct ql_error *error);
/* Drops all entries before position @before; the head becomes @before. */
QL_API int ql_log_trim(struct ql_client *client, const char *log,
                       uint64_t before, struct ql_log_stat *ret_stat,
                       struct ql_error *error);
QL_API int ql_log_trim_async(struct ql_client *client, const char *log,
                             uint64_t before, ql_log_cb cb, void *data,
                             struct ql_error *error);

/* Where a read may be answered. */
enum ql_consistency {
    QL_LINEARIZABLE = 0, /* by the leader, after all acknowledged appends */
    QL_STALE = 1,        /* by any node, from what it has applied */
};

QL_API int ql_log_stat(struct ql_client *client, const char *log,
                       enum ql_consistency consistency,
                       struct ql_log_stat *ret_stat, struct ql_error *error);
QL_API int ql_log_stat_async(struct ql_client *client, const char *log,
                             enum ql_consistency consistency, ql_log_cb cb,
                             void *data, struct ql_error *error);
/* All logs whose name starts with @prefix (NULL: all), by name. *ret_stats is
 * the caller's, to be given to ql_free(); large lists are fetched in pages. */
QL_API int ql_log_list(struct ql_client *client, const char *prefix,
                       enum ql_consistency consistency,
                       struct ql_log_stat **ret_stats, size_t *ret_count,
                       struct ql_error *error);
/* One page: at most 1,000 logs after the name @after (NULL: from the start). */
QL_API int ql_log_list_async(struct ql_client *client, const char *prefix,
                             const char *after, enum ql_consistency consistency,
                             ql_log_list_cb cb, void *data,
                             struct ql_error *error);
QL_API void ql_free(void *pointer);

/* ---- Appending ----------------------------------------------------------- */

/* To append, set key and value; reading fills everything. Key: 0 to 1 KiB,
 * NULL for none. Value: 0 bytes to 1 MiB. */
struct ql_entry {
    const void *key;
    size_t key_len;
    const void *value;
    size_t value_len;
    uint64_t position; /* read only */
    uint64_t time_ms;  /* read only; Unix time given by the leader */
};

/* The entries for one log. Several parts commit whole or not at all. */
struct ql_append_part {
    const char *log;
    const struct ql_entry *entries;
    size_t count;
    uint64_t expect_position; /* refused unless it is the tail; 0: any */
    uint64_t epoch;           /* of the writer; 0: none */
};

struct ql_append_options {
    size_t size;         /* sizeof(struct ql_append_options) */
    uint32_t timeout_ms; /* 0: the client's */
    bool at_least_once;  /* do not use the client's producer; a retry after a
                            lost connection is then refused with
                            QL_OUTCOME_UNKNOWN rather than risked. Not
                            pipelined: that would lose the order */
};
#define QL_APPEND_OPTIONS_INIT                                                 \
    {                                                                          \
        sizeof(struct ql_append_options), 0, false                             \
    }

struct ql_append_place {
    uint64_t first; /* position of the part's first entry */
    uint64_t count;
};

struct ql_append_result {
    const struct ql_append_place *places; /* one a part, in order */
    size_t count;
    uint64_t time_ms;  /* of the entries */
    uint64_t producer; /* with @sequence: a name for this append, for */
    uint64_t sequence; /* ql_append_status(); 0 if none was used */
};

/* @result is valid during the callback. On error it is not NULL only for
 * QL_OUTCOME_UNKNOWN, and then holds just producer and sequence. */
typedef void (*ql_append_cb)(void *data, const struct ql_append_result *result,
                             const struct ql_error *error);

/* Appends to one log and waits until a quorum has it on disk. *ret_first
 * receives the first position; it may be NULL. @options may be NULL.
 *
 * The client numbers its appends (producer and sequence), so it repeats them
 * safely after a lost connection or a change of leader. When the deadline
 * passes first and the append may have been carried out, the code is
 * QL_OUTCOME_UNKNOWN and the client goes on trying until it is freed. When it
 * certainly was not, the code says why (QL_CONNECT, QL_NO_LEADER, QL_TIMEOUT)
 * and it never will be. */
QL_API int ql_append(struct ql_client *client, const char *log,
                     const struct ql_entry *entries, size_t count,
                     const struct ql_append_options *options,
                     uint64_t *ret_first, struct ql_error *error);
/* Several logs at once; @ret_places has room for @count, or is NULL. */
QL_API int ql_append_parts(struct ql_client *client,
                           const struct ql_append_part *parts, size_t count,
                           const struct ql_append_options *options,
                           struct ql_append_place *ret_places,
                           struct ql_error *error);
/* What @parts point to is copied before the call returns. Appends of one client
 * are applied in the order of the calls. */
QL_API int ql_append_async(struct ql_client *client,
                           const struct ql_append_part *parts, size_t count,
                           const struct ql_append_options *options,
                           ql_append_cb cb, void *data, struct ql_error *error);

/* What became of an append whose answer was lost. Returns 0 when it was
 * applied; otherwise the code it was refused with, QL_NOT_FOUND when it never
 * arrived (it still may), or QL_DUPLICATE_UNKNOWN when it was applied or
 * refused too long ago to tell. */
QL_API int ql_append_status(struct ql_client *client, uint64_t producer,
                            uint64_t sequence, struct ql_error *error);
QL_API int ql_append_status_async(struct ql_client *client, uint64_t producer,
                                  uint64_t sequence, ql_append_cb cb,
                                  void *data, struct ql_error *error);

/* ---- Reading ------------------------------------------------------------- */

struct ql_read_options {
    size_t size;          /* sizeof(struct ql_read_options) */
    uint64_t to;          /* stop before this position; 0: the tail */
    uint32_t entries_max; /* in one answer: 10,000 */
    uint32_t bytes_max;   /* in one answer, but at least one entry: 1 MiB */
    enum ql_consistency consistency;
    uint32_t timeout_ms; /* 0: the client's */
};
#define QL_READ_OPTIONS_INIT                                                   \
    {                                                                          \
        sizeof(struct ql_read_options), 0, 0, 0, QL_LINEARIZABLE, 0            \
    }

struct ql_read_result {
    const struct ql_entry *entries; /* valid during the callback */
    size_t count;
    uint64_t next; /* where to go on reading */
    uint64_t head; /* of the log, when it answered */
    uint64_t tail;
    uint64_t incarnation; /* rises when the log is replaced by a backup's */
};
typedef void (*ql_read_cb)(void *data, const struct ql_read_result *result,
                           const struct ql_error *error);

/* One answer's worth of entries from position @from on. */
QL_API int ql_read_async(struct ql_client *client, const char *log,
                         uint64_t from, const struct ql_read_options *options,
                         ql_read_cb cb, void *data, struct ql_error *error);

/* A reader iterates over a log. It keeps its place over reconnects. */
struct ql_reader;

struct ql_reader_options {
    size_t size;   /* sizeof(struct ql_reader_options) */
    uint64_t from; /* first position; 0: the head */
    uint64_t to;   /* stop before this position; 0: the tail found at the start,
                      or never with @follow */
    bool follow;   /* wait for new entries at the end */
    enum ql_consistency consistency;
    uint32_t credit_bytes; /* sent ahead by the server to a follower: 4 MiB */
};
#define QL_READER_OPTIONS_INIT                                                 \
    {                                                                          \
        sizeof(struct ql_reader_options), 0, 0, false, QL_LINEARIZABLE, 0      \
    }

QL_API int ql_reader_new(struct ql_reader **ret_reader,
                         struct ql_client *client, const char *log,
                         const struct ql_reader_options *options,
                         struct ql_error *error);
QL_API void ql_reader_free(struct ql_reader *reader);
/* Gives the next entry; what it points to is valid until the next call on this
 * reader. Waits up to @timeout_ms (0: only what is here, -1: for ever).
 * Errors: QL_NOT_FOUND at the end (never with follow, unless the log was
 * deleted), QL_TIMEOUT when nothing came, QL_TRIMMED when the next position was
 * dropped: error->position is the new head and the reader goes on from there.
 * QL_RESTORED when the log was replaced by that of a backup: entries given before
 * error->position are the same in it, later ones may not be, and the reader goes on
 * from there. A position that is not the one behind the entry before is no error:
 * what a restore left out stays a hole. */
QL_API int ql_reader_next(struct ql_reader *reader, int timeout_ms,
                          struct ql_entry *ret_entry, struct ql_error *error);
/* The position ql_reader_next() will look for next. */
QL_API uint64_t ql_reader_position(const struct ql_reader *reader);
/* Calls @cb from ql_client_process() when something new has come that
 * ql_reader_next(reader, 0, ...) will give; take all of it, up to QL_TIMEOUT. */
typedef void (*ql_ready_cb)(void *data, struct ql_reader *reader);
QL_API void ql_reader_on_ready(struct ql_reader *reader, ql_ready_cb cb,
                               void *data);

/* ---- Exclusive writers --------------------------------------------------- */

/* Holds a log's writer epoch. Appends made through it are refused with
 * QL_FENCED once another program has acquired the log. */
struct ql_writer;

typedef void (*ql_fenced_cb)(void *data, struct ql_writer *writer,
                             uint64_t newer_epoch);

/* Takes the log for @name, fencing whoever held it. */
QL_API int ql_writer_acquire(struct ql_writer **ret_writer,
                             struct ql_client *client, const char *log,
                             const char *name, struct ql_error *error);
/* Frees the handle; the epoch stays as it is. */
QL_API void ql_writer_free(struct ql_writer *writer);
/* Gives the log back: the epoch stays used, the name is cleared. */
QL_API int ql_writer_release(struct ql_writer *writer, struct ql_error *error);
QL_API uint64_t ql_writer_epoch(const struct ql_writer *writer);
/* The log's tail when it was acquired: everything before it is settled. */
QL_API uint64_t ql_writer_tail(const struct ql_writer *writer);
/* True once a newer epoch is known, by a refusal or by the server's notice. */
QL_API bool ql_writer_fenced(const struct ql_writer *writer);
QL_API void ql_writer_on_fenced(struct ql_writer *writer, ql_fenced_cb cb,
                                void *data);
QL_API int ql_writer_append(struct ql_writer *writer,
                            const struct ql_entry *entries, size_t count,
                            const struct ql_append_options *options,
                            uint64_t *ret_first, struct ql_error *error);
QL_API int ql_writer_append_async(struct ql_writer *writer,
                                  const struct ql_entry *entries, size_t count,
                                  const struct ql_append_options *options,
                                  ql_append_cb cb, void *data,
                                  struct ql_error *error);
/* The same two steps for programs that keep the epoch themselves, and the
 * callback forms. @stat shows the new epoch and name. */
QL_API int ql_writer_acquire_async(struct ql_client *client, const char *log,
                                   const char *name, ql_log_cb cb, void *data,
                                   struct ql_error *error);
QL_API int ql_writer_release_epoch(struct ql_client *client, const char *log,
                                   uint64_t epoch, struct ql_log_stat *ret_stat,
                                   struct ql_error *error);
QL_API int ql_writer_release_async(struct ql_client *client, const char *log,
                                   uint64_t epoch, ql_log_cb cb, void *data,
                                   struct ql_error *error);

/* ---- The cluster --------------------------------------------------------- */

#define QL_MEMBERS_MAX 9
#define QL_CLUSTER_ID_LEN 36 /* a UUID in text, without the NUL */
#define QL_FREEZE_REASON_MAX 255
#define QL_FREEZE_BY_MAX 255
#define QL_PATH_MAX 1023
#define QL_WORD_MAX 31 /* of a state in words */
#define QL_SENTENCE_MAX 255

enum ql_role {
    QL_ROLE_FOLLOWER = 0,
    QL_ROLE_CANDIDATE = 1,
    QL_ROLE_LEADER = 2
};

struct ql_member {
    uint64_t id;
    char peer_address[QL_ADDRESS_MAX];
    char client_address[QL_ADDRESS_MAX];
    bool voter;
    bool reachable;       /* as seen by the leader; see known */
    bool known;           /* false: the answering node is not the leader */
    uint64_t match_index; /* last raft index known to be on its disk */
    bool space_known;     /* it has told the answering node of its disk: */
    bool space_low;       /* it is nearly full */
    uint64_t free_bytes;  /* where its raft log is */
    uint64_t total_bytes;
    uint64_t digest_index; /* the newest raft index at which its state and that
                              of the answering node were compared; 0: none */
    bool digest_same;
};

/* One node's view of the cluster. */
/* The files in which the answering node keeps the entries of its logs. */
struct ql_store_status {
    uint64_t packs;          /* files */
    uint64_t bytes;          /* of them */
    uint64_t live_bytes;     /* uncompressed, of what is in use in them */
    uint64_t dead_bytes;     /* likewise, of what is not any more */
    uint64_t waiting_bytes;  /* of entries to be written yet, beside the WAL */
    uint64_t merges_bytes;   /* to be written again in larger pieces */
    uint64_t cache_bytes;    /* in memory for readers */
    uint64_t cache_hits;     /* since its start: reads of it */
    uint64_t cache_misses;   /* and those that had to read a file */
    uint64_t missing;        /* chunks to be fetched from other nodes */
    uint64_t damaged;        /* since its start: chunks that were found bad */
    uint64_t quarantined;    /* files that are set aside for that */
    uint64_t scrub_rounds;   /* since its start: all files were checked */
    uint64_t scrubbed_at_ms; /* the end of the last, Unix time; 0: none yet */
    bool full;               /* the last write found no space */
};
/* What snapshots have cost it since its start. */
struct ql_snapshots_status {
    uint64_t taken;
    uint64_t index;   /* of the last one; 0: none yet */
    uint64_t bytes;   /* of its file */
    uint64_t loop_us; /* of the time in which nothing else is done */
    uint64_t loop_us_max;
    uint64_t wall_us; /* from its beginning until it was on disk */
    uint64_t wall_us_max;
};
/* What it fetches from other nodes to catch up, or fetched the last time; all 0:
 * nothing since its start. */
struct ql_install_status {
    uint64_t index;
    uint64_t chunks; /* that the snapshot at this index names */
    uint64_t chunks_missing;
    uint64_t bytes_fetched; /* compressed */
    uint64_t fetch_ms;
};
/* How it fares with its copies of the backups; see ql_backup_list(). */
struct ql_backups_status {
    uint64_t last_success_ms; /* one was written whole; Unix time, 0: not yet */
    uint64_t last_verified_ms; /* the oldest check of the newest whole one */
    uint64_t failures;         /* since its start */
    uint64_t saved;            /* that are whole here */
    char problem[QL_SENTENCE_MAX + 1]; /* why it can write none; "": it can */
};
struct ql_cluster_status {
    char cluster_id[QL_CLUSTER_ID_LEN + 1];
    char version[32]; /* of the answering daemon */
    uint64_t node_id; /* which node answered */
    enum ql_role role;
    uint64_t leader_id; /* 0: none known */
    uint64_t term;
    uint64_t last_index; /* of its raft log */
    uint64_t commit_index;
    uint64_t applied_index;
    uint64_t snapshot_index;
    uint64_t state_index; /* commands that changed log data */
    uint64_t logs;
    uint64_t entries;
    uint64_t bytes; /* of keys and values */
    uint64_t sessions;
    uint64_t uptime_ms;
    uint64_t quorum_size;
    bool quorum_size_ok; /* false: --quorum-size is not the majority */
    bool age_suspended;  /* the clock jumped: see ql_cluster_confirm_clock() */
    bool no_space;       /* appends are refused with QL_NO_SPACE */
    bool frozen;         /* see ql_cluster_freeze() */
    uint64_t frozen_at_ms; /* Unix time; 0 unless frozen */
    char frozen_reason[QL_FREEZE_REASON_MAX + 1];
    char frozen_by[QL_FREEZE_BY_MAX + 1]; /* "": not told */
    /* Whether its state is that of the others: "agreed", "unknown" (not compared
     * yet), "alone" (nobody to compare with); "other-odd" (another node's is not),
     * "undecided", "split" (no majority has one state); of a node whose own is not:
     * "odd", "checking", "rebuilding", "given-up". More words may come. */
    char integrity[32];
    uint64_t agreed_index;  /* the newest raft index at which a majority has its
                               state; 0: none since its start */
    uint64_t mend_attempts; /* of the node to be like the others again, ever */
    char disk_writer[64];   /* how the raft log is written; "": not told */
    /* Since the node's start, of the connections between nodes: */
    uint64_t peers_refused;     /* it refused: strangers, wrong or old nodes */
    uint64_t peers_refusing;    /* another node refused it */
    uint64_t peers_unfinished;  /* strangers that never proved themselves */
    uint64_t peers_bad_frames;  /* closed for what a proven node sent */
    uint64_t peers_lost_frames; /* not sent: no connection, or too slow */
    /* All 0 from a node that is older: */
    struct ql_store_status store;
    struct ql_snapshots_status snapshots;
    struct ql_install_status install;
    struct ql_backups_status backups;
    size_t member_count;
    struct ql_member members[QL_MEMBERS_MAX];
};
typedef void (*ql_cluster_cb)(void *data,
                              const struct ql_cluster_status *status,
                              const struct ql_error *error);

/* @endpoint NULL: any node the client can reach; otherwise just that one. */
QL_API int ql_cluster_status(struct ql_client *client, const char *endpoint,
                             struct ql_cluster_status *ret_status,
                             struct ql_error *error);
QL_API int ql_cluster_status_async(struct ql_client *client,
                                   const char *endpoint, ql_cluster_cb cb,
                                   void *data, struct ql_error *error);
/* ---- What a node has counted of itself ---- */

#define QL_METRIC_NAME_MAX 31
#define QL_METRIC_UNIT_MAX 7

struct ql_metric {
    char name[QL_METRIC_NAME_MAX + 1];
    uint64_t value;
};
/* So many values from @low to @high, both included. */
struct ql_metric_bucket {
    uint64_t low;
    uint64_t high;
    uint64_t count;
};
/* Percentiles are never below the true value and less than 0.79 % above it; the
 * rest is exact. All 0 while count is 0. */
struct ql_metric_histogram {
    char name[QL_METRIC_NAME_MAX + 1];
    char unit[QL_METRIC_UNIT_MAX + 1]; /* "ns"; "": a mere number */
    uint64_t count;
    uint64_t sum;
    uint64_t min;
    uint64_t max;
    uint64_t p50;
    uint64_t p90;
    uint64_t p99;
    uint64_t p999;
    const struct ql_metric_bucket *buckets; /* those not empty, rising */
    size_t bucket_count;
};
/* Since the node's start. Which names there are, and what they mean, stands in
 * libquorlog(3); there may be more. */
struct ql_node_metrics {
    uint64_t node_id; /* which node answered */
    enum ql_role role;
    uint64_t term;
    uint64_t uptime_ms;
    const struct ql_metric *counters; /* these only grow */
    size_t counter_count;
    const struct ql_metric *refusals; /* calls by the code they got */
    size_t refusal_count;
    const struct ql_metric_histogram *histograms;
    size_t histogram_count;
};
/* @metrics is valid during the call. */
typedef void (*ql_node_metrics_cb)(void *data,
                                   const struct ql_node_metrics *metrics,
                                   const struct ql_error *error);

/* @endpoint NULL: any node the client can reach; otherwise just that one. How
 * long the parts of an append take only the leader knows. ql_node_metrics_free()
 * frees what is returned. */
QL_API int ql_node_metrics(struct ql_client *client, const char *endpoint,
                           struct ql_node_metrics **ret_metrics,
                           struct ql_error *error);
QL_API int ql_node_metrics_async(struct ql_client *client, const char *endpoint,
                                 ql_node_metrics_cb cb, void *data,
                                 struct ql_error *error);
/* What the node has counted from @older to @newer, both of which stay the
 * caller's; uptime_ms is the time between them. Of the least and the largest value
 * then only the bucket is known. QL_INVALID: they are not of one run of one node,
 * in this order. QL_NO_MEMORY. */
QL_API int ql_node_metrics_since(const struct ql_node_metrics *older,
                                 const struct ql_node_metrics *newer,
                                 struct ql_node_metrics **ret_metrics,
                                 struct ql_error *error);
QL_API void ql_node_metrics_free(struct ql_node_metrics *metrics);

/* Hands leadership to node @to (0: whoever is ready) and waits until another
 * term has a leader. Taken on the unix socket or from loopback only. */
QL_API int ql_cluster_transfer(struct ql_client *client, uint64_t to,
                               struct ql_error *error);
/* Says that the cluster's clock is right after it jumped by more than an hour:
 * retention by age and the expiry of producers go on. Taken as transfer is. */
QL_API int ql_cluster_confirm_clock(struct ql_client *client,
                                    struct ql_error *error);
/* Freezes the logs: until they are thawed nothing changes what a log holds;
 * appends, creations, changes of retention, trims and deletions are refused with
 * QL_FROZEN, and nothing expires. Reads go on. @reason, of 1 to
 * QL_FREEZE_REASON_MAX bytes of UTF-8, and @by, which may be NULL, are shown by
 * ql_cluster_status(). Of logs that are frozen already the first reason stays.
 * Taken as transfer is. */
QL_API int ql_cluster_freeze(struct ql_client *client, const char *reason,
                             const char *by, struct ql_error *error);
QL_API int ql_cluster_thaw(struct ql_client *client, struct ql_error *error);

/* ---- Settings of the cluster --------------------------------------------- */

/* The calls from here on are an operator's: they are taken on the unix socket or
 * from loopback only, otherwise QL_DENIED. */

/* For calls that are answered by success or failure alone. */
typedef void (*ql_done_cb)(void *data, const struct ql_error *error);

struct ql_settings {
    uint64_t backup_interval_ms; /* 0: backups are taken by hand only */
    uint64_t max_saved_backups;  /* more are removed, the oldest first */
};
struct ql_settings_change {
    size_t size; /* sizeof(struct ql_settings_change) */
    bool set_backup_interval;
    uint64_t backup_interval_ms; /* 0, or 1 s to 366 days */
    uint64_t max_saved_backups;  /* 1 to 1,000; 0: stays as it is */
};
#define QL_SETTINGS_CHANGE_INIT                                                \
    {                                                                          \
        sizeof(struct ql_settings_change), false, 0, 0                         \
    }
/* @settings is valid during the callback; NULL when @error is not NULL. */
typedef void (*ql_settings_cb)(void *data, const struct ql_settings *settings,
                               const struct ql_error *error);

/* Changes what @change says (NULL: nothing) on all nodes, and gives the settings
 * as they are then. @ret_settings may be NULL. Safe to repeat. */
QL_API int ql_cluster_settings(struct ql_client *client,
                               const struct ql_settings_change *change,
                               struct ql_settings *ret_settings,
                               struct ql_error *error);
QL_API int ql_cluster_settings_async(struct ql_client *client,
                                     const struct ql_settings_change *change,
                                     ql_settings_cb cb, void *data,
                                     struct ql_error *error);

/* ---- Backups ------------------------------------------------------------- */

/* A name has 1 to 64 bytes of [A-Za-z0-9._-] and does not begin with '.'. */
#define QL_BACKUP_NAME_MAX 64
/* What a node has of a backup. State: "verified" (whole, and read back), "waiting"
 * (its turn comes), "writing", "fetching" (from another node), "damaged",
 * "missing"; of a file that is no backup of the cluster's any more "orphan". More
 * words may come. */
struct ql_backup_holder {
    uint64_t node;
    char state[QL_WORD_MAX + 1];
    uint64_t verified_at_ms; /* the oldest check of what it is made of */
};

struct ql_backup {
    uint64_t id;
    char name[QL_BACKUP_NAME_MAX + 1];
    uint64_t index;   /* raft index of the state that was saved */
    uint64_t time_ms; /* Unix time */
    uint64_t state_index;
    uint64_t logs;
    uint64_t entries;
    uint64_t bytes; /* of keys and values */
    uint64_t chunks;
    unsigned char digest[16];               /* of the logs */
    char cluster_id[QL_CLUSTER_ID_LEN + 1]; /* whose logs these are; "": this
                                             cluster's */
    bool foreign;                           /* taken in from another cluster */
    bool scheduled;                         /* made because the time had come */
    /* On the answering node; ql_backup_create() tells nothing of it: */
    char state[QL_WORD_MAX + 1]; /* as of a holder */
    uint64_t new_bytes;          /* of entries that no older one had */
    uint64_t stored_bytes;       /* in files; what it shares counts, too */
    uint64_t verified_at_ms;     /* 0: not yet */
    char problem[QL_SENTENCE_MAX + 1]; /* "": none */
    size_t holder_count;               /* what the nodes said last */
    struct ql_backup_holder holders[QL_MEMBERS_MAX];
};

/* All backups, by age, and how one node fares with them. */
struct ql_backup_list {
    uint64_t node_id;   /* which node answered */
    uint64_t leader_id; /* 0: none known */
    char directory[QL_PATH_MAX + 1];
    char problem[QL_SENTENCE_MAX + 1]; /* why it cannot write any; "": it can */
    uint64_t interval_ms;              /* see ql_cluster_settings() */
    uint64_t max_saved;
    uint64_t last_success_ms;
    uint64_t last_verified_ms;
    uint64_t failures;   /* since its start */
    uint64_t pool_bytes; /* of all files of all backups */
    const struct ql_backup *backups;
    size_t count;
};

struct ql_backup_options {
    size_t size;          /* sizeof(struct ql_backup_options) */
    const char *endpoint; /* the node to ask; NULL: any that can be reached */
    uint32_t timeout_ms;  /* 0: the client's; of an export or an import for each
                             of its pieces */
    bool deep; /* of ql_backup_verify(): also build the whole state from it */
    uint64_t token; /* of ql_backup_import(): names the upload. The same one for
                       the same file goes on with an earlier one; 0: a new one */
};
#define QL_BACKUP_OPTIONS_INIT                                                 \
    {                                                                          \
        sizeof(struct ql_backup_options), 0, 0, false, 0                       \
    }

/* @backup and @list are valid during the callback. */
typedef void (*ql_backup_cb)(void *data, const struct ql_backup *backup,
                             const struct ql_error *error);
typedef void (*ql_backup_list_cb)(void *data, const struct ql_backup_list *list,
                                  const struct ql_error *error);

/* Takes a backup named @name (NULL: by the time, "quorlog-backup-..."). When it
 * returns the state is saved as of one moment; the nodes' files follow, see the
 * holders' states. @ret_backup may be NULL. Errors: QL_EXISTS, QL_LIMIT;
 * QL_OUTCOME_UNKNOWN: look at the list. */
QL_API int ql_backup_create(struct ql_client *client, const char *name,
                            struct ql_backup *ret_backup,
                            struct ql_error *error);
QL_API int ql_backup_create_async(struct ql_client *client, const char *name,
                                  ql_backup_cb cb, void *data,
                                  struct ql_error *error);
/* *ret_list is to be given to ql_backup_list_free(). @options may be NULL, here
 * and below. */
QL_API int ql_backup_list(struct ql_client *client,
                          const struct ql_backup_options *options,
                          struct ql_backup_list **ret_list,
                          struct ql_error *error);
QL_API int ql_backup_list_async(struct ql_client *client,
                                const struct ql_backup_options *options,
                                ql_backup_list_cb cb, void *data,
                                struct ql_error *error);
QL_API void ql_backup_list_free(struct ql_backup_list *list);

struct ql_backup_show {
    struct ql_backup backup;
    const struct ql_log_stat *stats; /* its logs, by name */
    size_t count;
    bool more; /* of a page: go on after the last name */
};
typedef void (*ql_backup_show_cb)(void *data, const struct ql_backup_show *show,
                                  const struct ql_error *error);
/* One backup with all its logs. *ret_show is to be given to
 * ql_backup_show_free(). Errors: QL_NOT_FOUND. */
QL_API int ql_backup_show(struct ql_client *client, const char *name,
                          const struct ql_backup_options *options,
                          struct ql_backup_show **ret_show,
                          struct ql_error *error);
/* One page: at most 1,000 logs after the name @after (NULL: from the start). */
QL_API int ql_backup_show_async(struct ql_client *client, const char *name,
                                const char *after,
                                const struct ql_backup_options *options,
                                ql_backup_show_cb cb, void *data,
                                struct ql_error *error);
QL_API void ql_backup_show_free(struct ql_backup_show *show);

struct ql_backup_verified {
    uint64_t chunks;
    uint64_t bytes; /* read from files */
    uint64_t entries;
    uint64_t ms;
    uint64_t memory_bytes; /* that a deep one took at most; else 0 */
};
typedef void (*ql_backup_verify_cb)(void *data,
                                    const struct ql_backup_verified *verified,
                                    const struct ql_error *error);
/* Reads all of a node's copy and checks it; that may take long: mind the timeout.
 * Errors: QL_CORRUPT with what is damaged, QL_NOT_FOUND. */
QL_API int ql_backup_verify(struct ql_client *client, const char *name,
                            const struct ql_backup_options *options,
                            struct ql_backup_verified *ret_verified,
                            struct ql_error *error);
QL_API int ql_backup_verify_async(struct ql_client *client, const char *name,
                                  const struct ql_backup_options *options,
                                  ql_backup_verify_cb cb, void *data,
                                  struct ql_error *error);
/* Removes it on all nodes. Errors: QL_NOT_FOUND. */
QL_API int ql_backup_delete(struct ql_client *client, const char *name,
                            struct ql_error *error);
QL_API int ql_backup_delete_async(struct ql_client *client, const char *name,
                                  ql_done_cb cb, void *data,
                                  struct ql_error *error);

/* A piece of a backup as one file. Pieces belong together while tag and total stay
 * the same; another node's file may be another. */
struct ql_export_piece {
    unsigned char tag[16];
    uint64_t total; /* bytes of the file */
    uint64_t offset;
    const void *bytes; /* valid during the callback */
    size_t len;
};
/* Takes the next bytes. Other than 0: ends the export with QL_CANCELED. It must not
 * call the client. */
typedef int (*ql_export_cb)(void *data, const struct ql_export_piece *piece);
typedef void (*ql_export_piece_cb)(void *data,
                                   const struct ql_export_piece *piece,
                                   const struct ql_error *error);
/* Gives the file to @write, piece by piece and in order, from @offset on. A file of
 * another tag in between is QL_CONDITION_FAILED: begin again, and give an endpoint.
 * Errors: QL_NOT_FOUND (also: that node has not all of it). */
QL_API int ql_backup_export(struct ql_client *client, const char *name,
                            uint64_t offset,
                            const struct ql_backup_options *options,
                            ql_export_cb write, void *data,
                            struct ql_error *error);
/* One piece of at most @len bytes, 1 to 1 MiB. */
QL_API int ql_backup_export_async(struct ql_client *client, const char *name,
                                  uint64_t offset, uint32_t len,
                                  const struct ql_backup_options *options,
                                  ql_export_piece_cb cb, void *data,
                                  struct ql_error *error);

enum ql_import_state {
    QL_IMPORT_RECEIVING = 0,
    QL_IMPORT_VERIFYING = 1, /* all bytes are there */
    QL_IMPORT_DONE = 2,
    QL_IMPORT_FAILED = 3,
};
struct ql_import_piece {
    uint64_t token; /* not 0; names this upload: choose it at random */
    uint64_t total; /* bytes of the file */
    uint64_t offset;
    const void *bytes; /* NULL to ask how it goes */
    size_t len;        /* at most 1 MiB */
    bool foreign;      /* it may be another cluster's backup */
};
struct ql_import_status {
    uint64_t offset; /* where to go on; may be before what was sent */
    enum ql_import_state state;
    const struct ql_backup *backup;    /* done */
    int code;                          /* failed: why */
    char problem[QL_SENTENCE_MAX + 1]; /* and in words */
};
/* Fills @bytes with the @len bytes of the file at @offset; with a @len of 0 it is
 * told only that the cluster is checking them. Other than 0: ends the import with
 * QL_CANCELED. An offset may come a second time. It must not call the client. */
typedef int (*ql_import_cb)(void *data, uint64_t offset, void *bytes,
                            size_t len);
typedef void (*ql_import_status_cb)(void *data,
                                    const struct ql_import_status *status,
                                    const struct ql_error *error);
/* Takes in a file of @total bytes that ql_backup_export() gave; its name must be
 * new. Returns when all of it was checked and the backup is in the list. Errors:
 * QL_EXISTS, QL_CORRUPT, QL_CONDITION_FAILED (another cluster's, and not
 * @foreign), QL_NO_SPACE. */
QL_API int ql_backup_import(struct ql_client *client, uint64_t total,
                            bool foreign,
                            const struct ql_backup_options *options,
                            ql_import_cb read, void *data,
                            struct ql_backup *ret_backup,
                            struct ql_error *error);
/* One piece; what it points to is copied. */
QL_API int ql_backup_import_async(struct ql_client *client,
                                  const struct ql_import_piece *piece,
                                  const struct ql_backup_options *options,
                                  ql_import_status_cb cb, void *data,
                                  struct ql_error *error);

/* ---- Recovery ------------------------------------------------------------ */

/*
 * Going back to a backup: ql_recovery_stage() brings it beside the live logs, on
 * all nodes; there it is looked at (print, diff) and may lose entries (delete);
 * ql_recovery_commit() makes it live at one moment, and what was live until then
 * is kept for ql_recovery_undo(), or until it is unloaded.
 *
 * A staged state has a number and a revision that grows with each delete. What acts
 * on it names both, so nothing happens to another than was looked at.
 */

enum ql_recovery_phase {
    QL_RECOVERY_NONE = 0,        /* nothing is staged */
    QL_RECOVERY_STAGING = 1,     /* on its way */
    QL_RECOVERY_INTERRUPTED = 2, /* the leader went meanwhile: stage again */
    QL_RECOVERY_STAGED = 3,
    QL_RECOVERY_EDITING = 4, /* staged, and a delete is at work */
};
enum ql_recovery_kind {
    QL_RECOVERY_KIND_NONE = 0, /* there was none yet */
    QL_RECOVERY_KIND_COMMIT = 1,
    QL_RECOVERY_KIND_UNDO = 2,
};

/* The last time that the live logs were replaced. */
struct ql_recovery_last {
    uint64_t operation; /* the number its caller gave it; 0: none yet */
    enum ql_recovery_kind kind;
    uint64_t index; /* raft index of it */
    uint64_t time_ms;
    char source[QL_BACKUP_NAME_MAX + 1]; /* a backup's name, or "undo" */
    uint64_t state_index;                /* just before it */
    uint64_t logs_before;
    uint64_t entries_before;
    uint64_t logs_after;
    uint64_t entries_after;
};

struct ql_recovery_status {
    enum ql_recovery_phase phase;
    uint64_t stage; /* its number, or that of what is on its way; 0: none */
    uint64_t revision;
    char source[QL_BACKUP_NAME_MAX + 1]; /* the backup's name */
    uint64_t from_index;                 /* of the state in the backup */
    uint64_t from_time_ms;
    uint64_t from_state_index;
    uint64_t logs;
    uint64_t entries;
    uint64_t bytes;
    uint64_t deleted;     /* entries that deletes took out */
    uint64_t done_bytes;  /* while staging or editing */
    uint64_t total_bytes; /* 0: not known */
    int job_code; /* how the last of these ended: 0: well, or none was */
    char job_problem[QL_SENTENCE_MAX + 1];
    uint64_t state_index; /* live: see expect_state below */
    bool frozen;
    bool has_undo; /* what ql_recovery_undo() would bring back: */
    char undo_source[QL_BACKUP_NAME_MAX + 1]; /* what took its place */
    uint64_t undo_time_ms;                    /* when */
    uint64_t undo_logs;
    uint64_t undo_entries;
    uint64_t undo_bytes;
    struct ql_recovery_last last;
};
typedef void (*ql_recovery_status_cb)(void *data,
                                      const struct ql_recovery_status *status,
                                      const struct ql_error *error);
typedef void (*ql_recovery_stage_cb)(void *data, uint64_t stage,
                                     const struct ql_error *error);

QL_API int ql_recovery_status(struct ql_client *client,
                              struct ql_recovery_status *ret_status,
                              struct ql_error *error);
QL_API int ql_recovery_status_async(struct ql_client *client,
                                    ql_recovery_status_cb cb, void *data,
                                    struct ql_error *error);
/* Begins to stage the backup @name; ql_recovery_wait() waits for its end.
 * @ret_stage may be NULL. Errors: QL_NOT_FOUND, QL_EXISTS (something is staged
 * already: unload it), QL_BUSY (something is being staged), QL_NO_SPACE;
 * QL_OUTCOME_UNKNOWN: look at the status. */
QL_API int ql_recovery_stage(struct ql_client *client, const char *name,
                             uint64_t *ret_stage, struct ql_error *error);
QL_API int ql_recovery_stage_async(struct ql_client *client, const char *name,
                                   ql_recovery_stage_cb cb, void *data,
                                   struct ql_error *error);
/* Other than 0: no longer waits, QL_CANCELED. It must not call the client. */
typedef int (*ql_recovery_wait_cb)(void *data,
                                   const struct ql_recovery_status *status);
/* Asks for the status until nothing is being staged or edited, and gives it; @cb,
 * unless NULL, sees each. Fails with the code and the sentence of what it waited
 * for, QL_CANCELED when that was interrupted, QL_TIMEOUT after @timeout_ms (0:
 * without end). @ret_status, unless NULL, has the last status also then. */
QL_API int ql_recovery_wait(struct ql_client *client, uint32_t timeout_ms,
                            ql_recovery_wait_cb cb, void *data,
                            struct ql_recovery_status *ret_status,
                            struct ql_error *error);
/* Drops what is staged or on its way; with @undo what undo would bring back.
 * Errors: QL_NOT_FOUND. */
QL_API int ql_recovery_unload(struct ql_client *client, bool undo,
                              struct ql_error *error);
QL_API int ql_recovery_unload_async(struct ql_client *client, bool undo,
                                    ql_done_cb cb, void *data,
                                    struct ql_error *error);

/* Which entries: all that is set must hold. In globs '*' stands for any bytes, '?'
 * for one, "[a-c]" for one of these. An entry without a key has no key that any
 * filter fits. */
struct ql_filter {
    size_t size;            /* sizeof(struct ql_filter) */
    const char *logs;       /* glob; NULL: all */
    const void *key;        /* exactly; NULL: any */
    size_t key_len;         /* 0 to 1,024, as of the next */
    const void *key_prefix; /* NULL: any */
    size_t key_prefix_len;
    const char *key_glob; /* NULL: any */
    uint64_t from;        /* position; 0: the first */
    uint64_t to;          /* and before this position; 0: to the last */
    uint64_t since_ms;    /* Unix time; 0: any */
    uint64_t until_ms;    /* and before this; 0: any */
    const void *contains; /* these bytes stand in the value; NULL: any */
    size_t contains_len;  /* 1 to 1,024 */
};
#define QL_FILTER_INIT                                                         \
    {                                                                          \
        sizeof(struct ql_filter), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0           \
    }

struct ql_scan_options {
    size_t size;          /* sizeof(struct ql_scan_options) */
    bool entries;         /* give the entries; else they are only counted */
    uint64_t entries_max; /* then stop; 0: all */
    uint32_t timeout_ms;  /* of each page; 0: the client's */
    const char *log;      /* where to begin: this log or the next, ... */
    uint64_t position;    /* ... at this position; NULL: at the first */
};
#define QL_SCAN_OPTIONS_INIT                                                   \
    {                                                                          \
        sizeof(struct ql_scan_options), false, 0, 0, 0, 0                      \
    }

struct ql_scan_entry {
    const char *log;
    struct ql_entry entry;
};
struct ql_scan_log {
    char name[QL_LOG_NAME_MAX + 1];
    uint64_t entries; /* that were looked at */
    uint64_t matched;
};
struct ql_scan_totals {
    uint64_t stage;
    uint64_t revision;
    uint64_t state_index; /* live: see expect_state below */
    uint64_t scanned_entries;
    uint64_t scanned_bytes;
    uint64_t matched_entries;
    uint64_t matched_bytes;
};
/* All of it is valid during the callback. A log that goes on in the next page is
 * in both, with its own numbers of each. */
struct ql_scan_page {
    struct ql_scan_totals totals; /* of this page */
    const struct ql_scan_log *logs;
    size_t log_count;
    const struct ql_scan_entry *entries;
    size_t entry_count;
    bool more;       /* go on here: */
    const char *log; /* NULL: nowhere */
    uint64_t position;
};
typedef void (*ql_scan_cb)(void *data, const struct ql_scan_page *page,
                           const struct ql_error *error);
/* Other than 0: ends it with QL_CANCELED. It must not call the client. */
typedef int (*ql_scan_page_cb)(void *data, const struct ql_scan_page *page);

/* Looks for entries in the staged state and gives the pages to @cb (NULL: only
 * counts), in the order of the logs' names and of positions. @filter, @options and
 * @ret_totals may be NULL. Errors: QL_NOT_FOUND (nothing is staged),
 * QL_CONDITION_FAILED (it was changed meanwhile). */
QL_API int ql_recovery_print(struct ql_client *client,
                             const struct ql_filter *filter,
                             const struct ql_scan_options *options,
                             ql_scan_page_cb cb, void *data,
                             struct ql_scan_totals *ret_totals,
                             struct ql_error *error);
/* One page, of at most 1,000 entries. */
QL_API int ql_recovery_print_async(struct ql_client *client,
                                   const struct ql_filter *filter,
                                   const struct ql_scan_options *options,
                                   ql_scan_cb cb, void *data,
                                   struct ql_error *error);

enum ql_diff_kind {
    QL_DIFF_SAME = 0,
    QL_DIFF_STAGED_ONLY = 1,  /* a commit would bring the log back */
    QL_DIFF_LIVE_ONLY = 2,    /* a commit would take the log away */
    QL_DIFF_STAGED_AHEAD = 3, /* the staged one has all of the live, and more */
    QL_DIFF_LIVE_AHEAD = 4,
    QL_DIFF_DIFFERS = 5,
};
struct ql_diff_side {
    uint64_t head;
    uint64_t tail;
    uint64_t entries;
};
struct ql_diff_example {
    bool live;             /* it is in the live log only; else in the staged */
    struct ql_entry entry; /* its value cut to 256 bytes */
};
struct ql_diff_log {
    char name[QL_LOG_NAME_MAX + 1];
    enum ql_diff_kind kind;
    uint64_t
        common; /* the last position up to which both are the same; 0: none */
    struct ql_diff_side staged; /* all 0 where there is no such log */
    struct ql_diff_side live;
    const struct ql_diff_example *examples;
    size_t example_count;
};
/* All of it is valid during the callback. */
struct ql_diff_page {
    uint64_t stage;
    uint64_t revision;
    uint64_t state_index; /* live: see expect_state below */
    const struct ql_diff_log *logs;
    size_t count;
    bool more;         /* go on with the logs ... */
    const char *after; /* ... after this one; NULL: there are no more */
};
struct ql_diff_options {
    size_t size;         /* sizeof(struct ql_diff_options) */
    const char *logs;    /* glob; NULL: all */
    const char *after;   /* only logs behind this name; NULL: all */
    uint32_t timeout_ms; /* of each page; 0: the client's */
};
#define QL_DIFF_OPTIONS_INIT                                                   \
    {                                                                          \
        sizeof(struct ql_diff_options), 0, 0, 0                                \
    }
typedef void (*ql_diff_cb)(void *data, const struct ql_diff_page *page,
                           const struct ql_error *error);
/* Other than 0: ends it with QL_CANCELED. It must not call the client. */
typedef int (*ql_diff_page_cb)(void *data, const struct ql_diff_page *page);

/* Compares the staged logs with the live ones, by name. @options may be NULL.
 * Errors: as of ql_recovery_print(). */
QL_API int ql_recovery_diff(struct ql_client *client,
                            const struct ql_diff_options *options,
                            ql_diff_page_cb cb, void *data,
                            struct ql_error *error);
/* One page, of at most 100 logs. */
QL_API int ql_recovery_diff_async(struct ql_client *client,
                                  const struct ql_diff_options *options,
                                  ql_diff_cb cb, void *data,
                                  struct ql_error *error);

/* Begins to take the entries that @filter finds out of the staged state; their
 * positions stay empty. The filter must say something; ql_recovery_print() counts
 * what it would take. ql_recovery_wait() waits for the end: then the revision is
 * another, or the same if the leader went meanwhile, and it is to be begun again.
 * Errors: QL_CONDITION_FAILED (another stage or revision), QL_BUSY (another delete
 * is at work), QL_NOT_FOUND; QL_OUTCOME_UNKNOWN: look at the status. */
QL_API int ql_recovery_delete(struct ql_client *client, uint64_t stage,
                              uint64_t revision, const struct ql_filter *filter,
                              struct ql_error *error);
QL_API int ql_recovery_delete_async(struct ql_client *client, uint64_t stage,
                                    uint64_t revision,
                                    const struct ql_filter *filter,
                                    ql_done_cb cb, void *data,
                                    struct ql_error *error);

/* What a commit would do now. */
struct ql_recovery_plan {
    uint64_t stage;
    uint64_t revision;
    uint64_t state_index;  /* live: see expect_state below */
    uint64_t logs_created; /* not live now */
    uint64_t logs_removed; /* live only */
    uint64_t logs_changed;
    uint64_t logs_same;
    uint64_t entries_lost; /* live now and not afterwards */
    uint64_t entries_back; /* not live now */
    uint64_t bytes_lost;   /* of keys and values */
    uint64_t bytes_back;
    uint64_t estimate_ms; /* for which the logs are not served */
};
typedef void (*ql_recovery_plan_cb)(void *data,
                                    const struct ql_recovery_plan *plan,
                                    const struct ql_error *error);
QL_API int ql_recovery_plan(struct ql_client *client, uint64_t stage,
                            uint64_t revision,
                            struct ql_recovery_plan *ret_plan,
                            struct ql_error *error);
QL_API int ql_recovery_plan_async(struct ql_client *client, uint64_t stage,
                                  uint64_t revision, ql_recovery_plan_cb cb,
                                  void *data, struct ql_error *error);

struct ql_commit_options {
    size_t size;           /* sizeof(struct ql_commit_options) */
    uint64_t stage;        /* of a commit; an undo has neither */
    uint64_t revision;     /* likewise */
    uint64_t operation;    /* a number for this one; 0: the client makes one */
    bool has_expect_state; /* refuse it when the live logs were changed since */
    uint64_t expect_state; /* ... they had this state_index */
    bool discard_newer;    /* do not refuse it for that */
    uint32_t timeout_ms;   /* 0: the client's */
};
#define QL_COMMIT_OPTIONS_INIT                                                 \
    {                                                                          \
        sizeof(struct ql_commit_options), 0, 0, 0, false, 0, false, 0          \
    }
/* @last is valid during the callback. With an error it is not NULL, and holds just
 * the operation. */
typedef void (*ql_recovery_last_cb)(void *data,
                                    const struct ql_recovery_last *last,
                                    const struct ql_error *error);

/* Makes the staged state the live one, on all nodes at once. Writers lose their
 * epochs and producers end; readers are told QL_RESTORED; afterwards another node
 * leads. The operation makes it safe to repeat: the same number is carried out
 * once. It is in *ret_last (which may be NULL) also when the call fails, so that
 * after QL_OUTCOME_UNKNOWN the same call can be made again with it. Errors:
 * QL_CONDITION_FAILED (another stage or revision, or another live state:
 * error->position is its state_index), QL_NOT_FOUND (nothing is staged). */
QL_API int ql_recovery_commit(struct ql_client *client,
                              const struct ql_commit_options *options,
                              struct ql_recovery_last *ret_last,
                              struct ql_error *error);
QL_API int ql_recovery_commit_async(struct ql_client *client,
                                    const struct ql_commit_options *options,
                                    ql_recovery_last_cb cb, void *data,
                                    struct ql_error *error);
/* Brings back what the last commit or undo replaced; what is live now can be
 * brought back the same way. Otherwise like ql_recovery_commit(). */
QL_API int ql_recovery_undo(struct ql_client *client,
                            const struct ql_commit_options *options,
                            struct ql_recovery_last *ret_last,
                            struct ql_error *error);
QL_API int ql_recovery_undo_async(struct ql_client *client,
                                  const struct ql_commit_options *options,
                                  ql_recovery_last_cb cb, void *data,
                                  struct ql_error *error);

#ifdef __cplusplus
}
#endif
#endif
