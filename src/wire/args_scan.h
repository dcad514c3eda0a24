/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * recovery.print, recovery.diff and recovery.delete: what looks into the staged
 * state, entry by entry. See args_log.h for the rules that are common to all
 * messages.
 */
#pragma once

#include <stdbool.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/limits.h"

/* Which entries; all that is given must hold. Globs are those of service/glob.h. */
struct scan_filter {
    struct bytes logs; /* glob for the log's name, 1..LOG_NAME_MAX bytes */
    bool has_key;
    struct bytes key;        /* exactly this, may be empty */
    struct bytes key_prefix; /* 1..ENTRY_KEY_MAX bytes, as the next */
    struct bytes key_glob;   /* entries without a key match no filter for one */
    uint64_t from;           /* positions: from this one; 0: any */
    uint64_t to;             /* and before this one; 0: any */
    uint64_t since_ms;       /* the entry's time: from here; 0: any */
    uint64_t until_ms;       /* and before this; 0: any */
    struct bytes contains;   /* in the value; 1..FILTER_CONTAINS_MAX bytes */
};
/* Nothing is given: all entries match. */
bool scan_filter_is_empty(const struct scan_filter *filter);

/* Where the next page begins. */
struct scan_cursor {
    struct bytes log; /* len 0: no cursor */
    uint64_t position;
};

/* recovery.print {filter?, entries?, limit?, cursor?} */
struct recovery_print_args {
    struct scan_filter filter;
    bool entries;   /* else they are only counted */
    uint32_t limit; /* of entries in the answer; brought into
                       1..PRINT_ENTRIES_MAX, which it also is when absent */
    struct scan_cursor cursor;
};
int recovery_print_args_decode(struct recovery_print_args *ret,
                               struct bytes params, struct err *err);
int recovery_print_args_encode(const struct recovery_print_args *args,
                               struct buf *buf);

struct scan_entry {
    struct bytes log;
    uint64_t position;
    uint64_t time_ms;
    bool has_key;
    struct bytes key;
    struct bytes value;
};
/* Appends one to @buf, for recovery_print_result.packed. */
int scan_entry_encode(const struct scan_entry *entry, struct buf *buf);

/* A log that the page came to. */
struct scan_log {
    struct bytes name;
    uint64_t entries; /* scanned in this page */
    uint64_t matched;
};

/* A page: it ends after SCAN_BYTES, PRINT_LOGS_MAX logs, PRINT_BYTES_MAX of keys and
 * values in the answer, or the limit. */
struct recovery_print_result {
    uint64_t stage;
    uint64_t revision;
    uint64_t state_index; /* live */
    uint64_t scanned_entries;
    uint64_t scanned_bytes;
    uint64_t matched_entries;
    uint64_t matched_bytes;
    struct scan_log *logs; /* owned when decoded, like the next */
    size_t logs_count;
    struct scan_entry *entries; /* decoded */
    size_t entries_count;
    struct bytes packed; /* to encode: entries_count of them, one behind the
                            other; @entries is not looked at */
    struct scan_cursor cursor;
};
int recovery_print_result_decode(struct recovery_print_result *ret,
                                 struct bytes result, struct err *err);
void recovery_print_result_close(struct recovery_print_result *result);
int recovery_print_result_encode(const struct recovery_print_result *result,
                                 struct buf *buf);

/* recovery.diff {logs?, after?, limit?} */
struct recovery_diff_args {
    struct bytes logs;  /* glob; len 0: all */
    struct bytes after; /* a log's name; len 0: from the first */
    uint32_t limit;     /* of logs; as print's, 1..DIFF_LOGS_MAX */
};
int recovery_diff_args_decode(struct recovery_diff_args *ret,
                              struct bytes params, struct err *err);
int recovery_diff_args_encode(const struct recovery_diff_args *args,
                              struct buf *buf);

enum diff_kind {
    DIFF_SAME = 0,         /* "same" */
    DIFF_STAGED_ONLY = 1,  /* "staged_only": not live */
    DIFF_LIVE_ONLY = 2,    /* "live_only": not staged */
    DIFF_STAGED_AHEAD = 3, /* "staged_ahead": all of live's, and more */
    DIFF_LIVE_AHEAD = 4,   /* "live_ahead" */
    DIFF_DIFFERS = 5,      /* "differs" */
};

struct diff_side {
    uint64_t head;
    uint64_t tail;
    uint64_t entries;
};

struct diff_example {
    bool live; /* "live" or "staged" on the wire: where it is found */
    uint64_t position;
    uint64_t time_ms;
    bool has_key;
    struct bytes key;
    struct bytes value; /* cut to DIFF_VALUE_MAX */
};

struct diff_log {
    struct bytes name;
    uint32_t kind;           /* enum diff_kind; a word on the wire */
    uint64_t common;         /* last common position; 0: none */
    struct diff_side staged; /* all 0 where there is no such log */
    struct diff_side live;
    size_t examples_count;
    struct diff_example examples[DIFF_EXAMPLES_MAX];
};

struct recovery_diff_result {
    uint64_t stage;
    uint64_t revision;
    uint64_t state_index;  /* live */
    bool more;             /* go on after the last name; there may be none: */
    struct bytes after;    /* then after this; len 0: the last name */
    struct diff_log *logs; /* owned when decoded */
    size_t count;
};
int recovery_diff_result_decode(struct recovery_diff_result *ret,
                                struct bytes result, struct err *err);
void recovery_diff_result_close(struct recovery_diff_result *result);
int recovery_diff_result_encode(const struct recovery_diff_result *result,
                                struct buf *buf);

/* recovery.delete {stage, revision, filter} -> {}: starts the edit. An empty
 * filter is QL_INVALID. */
struct recovery_delete_args {
    uint64_t stage;
    uint64_t revision;
    struct scan_filter filter;
};
int recovery_delete_args_decode(struct recovery_delete_args *ret,
                                struct bytes params, struct err *err);
int recovery_delete_args_encode(const struct recovery_delete_args *args,
                                struct buf *buf);
