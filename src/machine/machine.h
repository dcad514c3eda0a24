/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The replicated state machine: logs, writers, producers. Pure: no I/O, no
 * clock, no randomness; the same commands give the same state and the same
 * results on every node. Applying cannot fail: a refusal is a result. Limits,
 * fencing and conditions are decided here and nowhere else.
 *
 * While disks are nearly full (COMMAND_SPACE) what makes the state grow is refused
 * with QL_NO_SPACE: log.append, log.create, producer.open. What frees, fences or
 * only changes something goes on, and what was decided before is still answered.
 *
 * Lives on the loop thread. Only a struct view may be read elsewhere.
 */
#pragma once

#include <stdbool.h>

#include "machine/command.h"
#include "util/buf.h"
#include "util/err.h"
#include "wire/args_append.h"
#include "wire/args_log.h"
#include "wire/args_read.h"

struct machine;

struct machine *machine_new(void);
void machine_free(struct machine *machine);

/* What one command did. */
struct outcome {
    enum command_kind kind;
    int code;          /* 0, or why it was refused; nothing changed then but the
                          producer's sequence */
    uint64_t position; /* with a refusal: see struct ql_error; or 0 */
    uint64_t log_uid;  /* of the log it was about, when there is one */
    uint64_t producer; /* COMMAND_PRODUCER_OPEN: the new one;
                          COMMAND_LOG_APPEND: the one that is not there */
    struct append_result append; /* COMMAND_LOG_APPEND */
    bool duplicate;              /* an append that had been applied before */
    bool has_stat; /* create, configure, delete, trim, acquire, release: */
    struct log_stat stat; /* views, valid until the next apply (for a deleted
                             log too) */
};

/* A raft entry's index and time, before its commands. The machine's clock is the
 * largest time seen; a jump of more than CLOCK_JUMP_MS suspends what depends on
 * age (retention by age, expiry of producers) until COMMAND_CONFIRM_CLOCK. The
 * very first batch of a machine sets the clock without suspending anything. */
void machine_begin(struct machine *machine, uint64_t index, uint64_t time_ms);
/* Fills all of *ret. */
void machine_apply(struct machine *machine, const struct command *command,
                   struct outcome *ret);
/* A sentence for a refusal, for people; static storage. */
const char *machine_refusal_text(const struct outcome *outcome);

/* Called during machine_apply for each log whose entries, head, writer or
 * existence changed, and once with uid 0 after machine_restore (anything may
 * have changed). Informs; must not call back into the machine. */
typedef void (*machine_changed_cb)(void *data, uint64_t log_uid);
void machine_on_changed(struct machine *machine, machine_changed_cb cb,
                        void *data);

struct machine_counts {
    uint64_t logs;
    uint64_t entries;
    uint64_t bytes; /* keys and values */
    uint64_t producers;
    uint64_t state_index;
    uint64_t time_ms;
    bool age_suspended;
    bool space_low; /* what would grow is refused: COMMAND_SPACE */
};
void machine_counts(const struct machine *machine, struct machine_counts *ret);
/* True when a tick would drop entries or producers, as far as can be told
 * cheaply; the leader need not propose ticks otherwise. */
bool machine_wants_tick(const struct machine *machine, uint64_t time_ms);
/* A digest of the whole state: equal on all nodes at the same index. Costs a
 * walk over the tables (not over sealed chunks). */
void machine_digest(const struct machine *machine, uint8_t ret[16]);

/* ---- Reading ---- */

/* QL_NOT_FOUND or 0; views in *ret are valid until the next apply. */
int machine_log_stat(const struct machine *machine, struct bytes log,
                     struct log_stat *ret);
int machine_log_stat_uid(const struct machine *machine, uint64_t uid,
                         struct log_stat *ret);
/* A page of logs in name order. result->stats is owned by the caller
 * (log_list_result_close()); the names in it are views as above. */
int machine_log_list(const struct machine *machine,
                     const struct log_list_args *args,
                     struct log_list_result *ret);

/* Walks the entries of a log. Valid until the next apply. */
struct machine_reader {
    const void *log;
    uint64_t at;  /* the next position to look for */
    uint64_t to;  /* stop before it */
    size_t chunk; /* index of the chunk @offset is in */
    size_t offset;
};
/* @from 0: the head; @to 0: the tail. QL_NOT_FOUND; QL_TRIMMED when @from is
 * before the head (*ret_head set then, and also on success). A @from beyond the
 * tail is no error: there is nothing to read. */
int machine_reader_open(struct machine_reader *ret,
                        const struct machine *machine, uint64_t log_uid,
                        uint64_t from, uint64_t to, uint64_t *ret_head);
/* False at the end. reader->at is then where to go on. */
bool machine_reader_next(struct machine_reader *reader, struct read_entry *ret);

/* What an append came to: 0 and *ret, or the code it was refused with, or
 * QL_NOT_FOUND, QL_DUPLICATE_UNKNOWN, QL_PRODUCER_EXPIRED. */
int machine_append_status(const struct machine *machine, uint64_t producer,
                          uint64_t sequence, struct append_result *ret);

/* ---- Snapshots ---- */

/*
 * A frozen copy of the state, made in time proportional to the tables; chunk
 * bytes are shared, not copied. Made and freed on the loop thread, readable on
 * one other thread in between.
 */
struct view;
struct view *machine_freeze(const struct machine *machine);
void view_free(struct view *view);
/* Its image is a sequence of byte runs (docs/formats.md, "Machine image"). */
size_t view_runs(const struct view *view);
struct bytes view_run(const struct view *view, size_t index);
uint64_t view_len(const struct view *view);

/* Replaces the whole state by an image. QL_CORRUPT: the state is as before.
 * Hostile bytes are refused without large allocations. */
int machine_restore(struct machine *machine, const uint8_t *image, size_t len,
                    struct err *err);
