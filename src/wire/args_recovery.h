/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The recovery.* messages that are about the staged state as a whole, and the
 * parameters of the commands. What looks into it is args_scan.h. See args_log.h for
 * the rules that are common to all messages.
 */
#pragma once

#include <stdbool.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/limits.h"

/* recovery.stage {name} -> {stage}: the id of the draft; the rest happens by
 * itself, and recovery.status tells. */
struct recovery_stage_args {
    char name[BACKUP_NAME_MAX + 1];
};
int recovery_stage_args_decode(struct recovery_stage_args *ret,
                               struct bytes params, struct err *err);
int recovery_stage_args_encode(const struct recovery_stage_args *args,
                               struct buf *buf);

struct recovery_stage_result {
    uint64_t stage;
};
int recovery_stage_result_decode(struct recovery_stage_result *ret,
                                 struct bytes result, struct err *err);
int recovery_stage_result_encode(const struct recovery_stage_result *result,
                                 struct buf *buf);

/* recovery.unload and COMMAND_RECOVERY_UNLOAD {undo?}; answers {}. */
struct recovery_unload_args {
    bool undo; /* drops what undo would bring back; otherwise the staged state
                  and a draft */
};
int recovery_unload_args_decode(struct recovery_unload_args *ret,
                                struct bytes params, struct err *err);
int recovery_unload_args_encode(const struct recovery_unload_args *args,
                                struct buf *buf);

/* recovery.commit and COMMAND_RECOVERY_COMMIT {stage, revision, operation,
 * expect_state?, discard_newer?, dry_run?}. stage and operation are not 0; with
 * dry_run, which the method has alone, the operation may be absent, and the
 * answer is a recovery_plan_result. */
struct recovery_commit_args {
    uint64_t stage;
    uint64_t revision;
    uint64_t operation;    /* chosen by the client: repeated, it is done once */
    bool has_expect_state; /* else: whatever the live state is by then */
    uint64_t expect_state; /* a state_index */
    bool discard_newer;    /* also when the live state has changed since */
    bool dry_run;
};
int recovery_commit_args_decode(struct recovery_commit_args *ret,
                                struct bytes params, struct err *err);
int recovery_commit_args_encode(const struct recovery_commit_args *args,
                                struct buf *buf);

/* recovery.undo and COMMAND_RECOVERY_UNDO: the same without stage, revision and
 * dry_run. */
struct recovery_undo_args {
    uint64_t operation;
    bool has_expect_state;
    uint64_t expect_state;
    bool discard_newer;
};
int recovery_undo_args_decode(struct recovery_undo_args *ret,
                              struct bytes params, struct err *err);
int recovery_undo_args_encode(const struct recovery_undo_args *args,
                              struct buf *buf);

enum recovery_kind {
    RECOVERY_NONE = 0,   /* "none": never yet */
    RECOVERY_COMMIT = 1, /* "commit" */
    RECOVERY_UNDO = 2,   /* "undo" */
};

/* The last time that the live logs were replaced. Plain data. What commit and
 * undo answer, also when the operation was done before. */
struct recovery_last {
    uint64_t operation;
    uint32_t kind;  /* enum recovery_kind; a word on the wire */
    uint64_t index; /* raft index of it */
    uint64_t time_ms;
    char source[BACKUP_NAME_MAX + 1]; /* a backup's name, or "undo" */
    uint64_t state_index;             /* just before */
    uint64_t logs_before;             /* live, of what it replaced */
    uint64_t entries_before;
    uint64_t logs_after;
    uint64_t entries_after;
};
int recovery_last_decode(struct recovery_last *ret, struct bytes result,
                         struct err *err);
int recovery_last_encode(const struct recovery_last *last, struct buf *buf);

/* The answer of recovery.commit with dry_run: what would come of it. */
struct recovery_plan_result {
    uint64_t stage;
    uint64_t revision;
    uint64_t state_index;  /* live */
    uint64_t logs_created; /* not live now */
    uint64_t logs_removed; /* only live */
    uint64_t logs_changed;
    uint64_t logs_same;
    uint64_t entries_lost; /* live now, not afterwards */
    uint64_t entries_back; /* not live now */
    uint64_t bytes_lost;   /* of keys and values */
    uint64_t bytes_back;
    uint64_t estimate_ms; /* without service */
};
int recovery_plan_result_decode(struct recovery_plan_result *ret,
                                struct bytes result, struct err *err);
int recovery_plan_result_encode(const struct recovery_plan_result *result,
                                struct buf *buf);

enum recovery_phase {
    RECOVERY_PHASE_NONE = 0,        /* "none" */
    RECOVERY_PHASE_STAGING = 1,     /* "staging": a draft is being filled */
    RECOVERY_PHASE_INTERRUPTED = 2, /* "interrupted": a draft whose leader went:
                                       stage again */
    RECOVERY_PHASE_STAGED = 3,      /* "staged" */
    RECOVERY_PHASE_EDITING = 4,     /* "editing": staged, and a draft of it
                                       with some entries less is being filled */
};

/* recovery.status {} (no args). */
struct recovery_status_result {
    uint32_t phase; /* enum recovery_phase; a word on the wire */
    uint64_t stage; /* of the staged state, or of the draft; 0: none */
    uint64_t revision;
    char source[BACKUP_NAME_MAX + 1]; /* where it is from; "": none */
    uint64_t from_index;
    uint64_t from_time_ms;
    uint64_t from_state_index;
    uint64_t logs;
    uint64_t entries;
    uint64_t bytes;
    uint64_t deleted;     /* entries that edits took out */
    uint64_t done_bytes;  /* of the job under way */
    uint64_t total_bytes; /* 0: not known */
    uint32_t job_code;    /* QL_*, how the last job ended; 0: well, or none */
    struct bytes job_error;
    uint64_t state_index; /* live */
    bool frozen;          /* live */
    bool has_undo;
    char undo_source[BACKUP_NAME_MAX + 1]; /* what its successor came from */
    uint64_t undo_time_ms;                 /* when it was replaced */
    uint64_t undo_logs;
    uint64_t undo_entries;
    uint64_t undo_bytes;
    struct recovery_last last;
};
int recovery_status_result_decode(struct recovery_status_result *ret,
                                  struct bytes result, struct err *err);
int recovery_status_result_encode(const struct recovery_status_result *result,
                                  struct buf *buf);

/* ---- Commands that the leader alone proposes, to fill a draft ---- */

/* COMMAND_RECOVERY_BEGIN */
struct recovery_begin_args {
    char source[BACKUP_NAME_MAX + 1]; /* a backup's name; of an edit what the
                                         staged state has */
    uint64_t from_index;
    uint64_t from_time_ms;
    uint64_t from_state_index;
    uint64_t edit_of;     /* the staged state's id; 0: no edit */
    uint64_t revision;    /* of an edit: of the staged state */
    uint64_t total_bytes; /* to come, to show how far it is; 0: not told */
};
int recovery_begin_args_decode(struct recovery_begin_args *ret,
                               struct bytes params, struct err *err);
int recovery_begin_args_encode(const struct recovery_begin_args *args,
                               struct buf *buf);

/* COMMAND_RECOVERY_LOAD: one record of at most
 * RECOVERY_RECORD_MAX bytes, see machine/load_record.h. */
struct recovery_load_args {
    uint64_t draft;
    uint64_t seq; /* from 0 on */
    struct bytes record;
};
int recovery_load_args_decode(struct recovery_load_args *ret,
                              struct bytes params, struct err *err);
int recovery_load_args_encode(const struct recovery_load_args *args,
                              struct buf *buf);

/* COMMAND_RECOVERY_END */
struct recovery_end_args {
    uint64_t draft;
    uint64_t seq;     /* the next in the row of the records */
    uint64_t deleted; /* entries that the edit took out */
};
int recovery_end_args_decode(struct recovery_end_args *ret, struct bytes params,
                             struct err *err);
int recovery_end_args_encode(const struct recovery_end_args *args,
                             struct buf *buf);
