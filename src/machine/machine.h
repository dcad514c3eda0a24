/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The replicated state machine: logs, writers, producers; and beside them backups
 * and kept states (machine/machine_parts.h). Pure: no I/O, no
 * clock, no randomness; the same commands give the same state and the same
 * results on every node. Applying cannot fail: a refusal is a result. Limits,
 * fencing and conditions are decided here and nowhere else.
 *
 * While disks are nearly full (COMMAND_SPACE) what makes the state grow is refused
 * with QL_NO_SPACE: log.append, log.create, producer.open, and filling a draft.
 * What frees, fences or only changes something goes on, and what was decided before is still answered.
 *
 * While the logs are frozen (COMMAND_FREEZE) whatever would move state_index is
 * refused with QL_FROZEN: log.append, log.create, log.configure, log.delete,
 * log.trim; and producer.open, which only serves appends. A tick drops nothing,
 * producers neither. Writers may still be fenced and producers closed: neither
 * changes what a log holds. Backups are taken, and a recovery may be prepared and
 * even committed: that it is frozen is often why.
 *
 * Lives on the loop thread. Only a struct view may be read elsewhere.
 */
#pragma once

#include <stdbool.h>

#include "machine/chunk_set.h"
#include "machine/command.h"
#include "util/buf.h"
#include "util/err.h"
#include "wire/args_append.h"
#include "wire/args_log.h"
#include "wire/args_read.h"
#include "wire/args_recovery.h"

struct backup_row;
struct machine;

/* What decides where chunks end; equal on all nodes. */
struct machine_limits {
    uint64_t chunk_bytes; /* raw bytes at which a chunk is sealed */
    uint64_t open_bytes;  /* of all open chunks together */
};

/* @limits NULL: CHUNK_BYTES and OPEN_CHUNKS_BYTES. Others are for tests. */
struct machine *machine_new(const struct machine_limits *limits);
void machine_free(struct machine *machine);

/* What a COMMAND_RECOVERY_* came to. */
struct recovery_outcome {
    uint64_t stage; /* END, COMMIT: id of the staged state; BEGIN: the draft's
                          id, which is the outcome's position, too */
    uint64_t revision;         /* END, COMMIT */
    struct recovery_last last; /* COMMIT, UNDO; of a duplicate, too */
};

/* What one command did. */
struct outcome {
    enum command_kind kind;
    int code;          /* 0, or why it was refused; nothing changed then but the
                          producer's sequence */
    uint64_t position; /* with a refusal: see struct ql_error; or 0 */
    uint64_t log_uid;  /* of the log it was about, when there is one */
    uint64_t producer; /* COMMAND_PRODUCER_OPEN: the new one;
                          COMMAND_LOG_APPEND: the one that is not there */
    uint64_t window;   /* with a new producer: how many results it keeps */
    struct append_result append; /* COMMAND_LOG_APPEND */
    bool duplicate; /* an append, commit or undo that had been applied before */
    /* COMMAND_BACKUP_CREATE, _ADD, _DELETE: the row, a view until the next
     * apply. */
    const struct backup_row *backup;
    struct recovery_outcome recovery; /* COMMAND_RECOVERY_* */
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
    bool frozen;    /* nothing changes log data: COMMAND_FREEZE */
};
void machine_counts(const struct machine *machine, struct machine_counts *ret);

struct machine_standstill {
    bool frozen;
    uint64_t since_ms; /* the machine's clock then */
    struct bytes reason;
    struct bytes by; /* who froze; len 0: not told */
};
/* The texts are valid until the next apply. */
void machine_standstill(const struct machine *machine,
                        struct machine_standstill *ret);
/* True when a tick would drop entries or producers, as far as can be told
 * cheaply; the leader need not propose ticks otherwise. */
bool machine_wants_tick(const struct machine *machine, uint64_t time_ms);
/* A digest of the whole state: equal on all nodes at the same index. Costs what
 * has changed since the last call; after machine_restore() that is everything. */
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

/* Walks the entries of a log. Valid until the next apply, and until the bytes of
 * a chunk go or come (chunk_clear_memory(), chunk_clear_parts()). */
struct machine_reader {
    const void *log;
    uint64_t at;          /* the next position to look for */
    uint64_t to;          /* stop before it */
    struct chunk *chunk;  /* that @offset is in; NULL: to be found */
    size_t offset;        /* of the entry at @at */
    struct chunk *absent; /* set with MACHINE_READ_ABSENT; borrowed */
};
enum machine_read {
    MACHINE_READ_ENTRY,  /* *ret is the entry */
    MACHINE_READ_END,    /* reader->at is where to go on */
    MACHINE_READ_ABSENT, /* the bytes of reader->absent are not in memory: load
                            it and open a new reader at reader->at. It may be a
                            part of a chunk that is not written yet. */
};
/* @from 0: the head; @to 0: the tail. QL_NOT_FOUND; QL_TRIMMED when @from is
 * before the head (*ret_head set then, and also on success). A @from beyond the
 * tail is no error: there is nothing to read. */
int machine_reader_open(struct machine_reader *ret,
                        const struct machine *machine, uint64_t log_uid,
                        uint64_t from, uint64_t to, uint64_t *ret_head);
enum machine_read machine_reader_next(struct machine_reader *reader,
                                      struct read_entry *ret);
/* The chunk behind the one that the reader is in, or that it found absent, if it
 * has something to read and its bytes are absent too: worth loading now. Or
 * NULL. */
struct chunk *machine_reader_ahead(const struct machine_reader *reader);

/* What an append came to: 0 and *ret, or the code it was refused with, or
 * QL_NOT_FOUND, QL_DUPLICATE_UNKNOWN, QL_PRODUCER_EXPIRED, QL_RESTORED. */
int machine_append_status(const struct machine *machine, uint64_t producer,
                          uint64_t sequence, struct append_result *ret);

/* ---- Chunks ---- */

/* Called during machine_apply: @chunk was sealed (its bytes are in memory) or
 * merged (chunk->parts); @from is the chain before it. Take a chunk_ref() to keep
 * it. Must not call back into the machine. Without anybody who listens bytes stay
 * in memory. */
struct machine_chunk_events {
    void (*on_sealed)(void *data, struct chunk *chunk,
                      const uint8_t from[HASH128_LEN]);
    void *data;
};
/* Copies @events; NULL: nobody listens. */
void machine_on_chunks(struct machine *machine,
                       const struct machine_chunk_events *events);
/* All sealed chunks, each once: part by part, in each by uid and then position.
 * @each may change what belongs to
 * the store in them, and nothing else. */
void machine_each_chunk(const struct machine *machine,
                        void (*each)(void *data, struct chunk *chunk,
                                     const uint8_t from[HASH128_LEN]),
                        void *data);
/* The live sealed chunk that has @position, borrowed, or NULL. The position before
 * a chunk need not be in the one before it: a restored log may have holes. See
 * machine_find_named(). */
struct chunk *machine_find_chunk(const struct machine *machine, uint64_t uid,
                                 uint64_t position);
/* All lists of sealed chunks of all parts as they are; a new reference. */
struct chunk_set *machine_chunks(const struct machine *machine);

/* ---- Snapshots ---- */

/*
 * A frozen copy of the state, made in time proportional to the logs and the
 * producers: sealed chunks are shared lists, open ones shared bytes. Made and
 * freed on the loop thread, readable on one other thread in between.
 */
struct view;
struct view *machine_freeze(const struct machine *machine);
void view_free(struct view *view);
uint64_t view_len(const struct view *view);
/* The sealed chunks it names; a new reference. Loop thread. */
struct chunk_set *view_take_chunks(const struct view *view);

/* Its image is a sequence of byte runs (docs/formats.md, "Machine image"), made
 * as they are asked for. */
#define VIEW_RUN_BYTES 4096u /* of rows that are made at a time */
struct view_cursor {
    int stage;
    size_t at;  /* item in the stage */
    size_t row; /* in the item */
    uint8_t rows[VIEW_RUN_BYTES];
};
void view_cursor_init(struct view_cursor *cursor);
/* False at the end. The run lives until the next call with @cursor. */
bool view_next(const struct view *view, struct view_cursor *cursor,
               struct bytes *ret_run);

/* Where a restored state finds chunks that are there already. @find returns a
 * new reference, or NULL. */
struct chunk_source {
    struct chunk *(*find)(void *data, const struct chunk_name *name);
    void *data;
};
/* Replaces the whole state by an image. Sealed chunks that @source (or NULL)
 * knows are used, others become stubs without bytes. QL_CORRUPT: the state is as
 * before; QL_INVALID: so is it, and the image is of another version. Hostile
 * bytes are refused without large allocations. */
int machine_restore(struct machine *machine, const uint8_t *image, size_t len,
                    const struct chunk_source *source, struct err *err);
/* Replaces sealed chunks of the state by those of the same name that @source
 * knows, if they are not the same already: for a state that was restored away
 * from the loop, without a source. QL_CORRUPT when the numbers of one differ; the
 * state is good then, but not all were replaced. */
int machine_use_chunks(struct machine *machine,
                       const struct chunk_source *source, struct err *err);
/* Exchanges the states of two machines with equal limits, one of them prepared
 * by machine_restore(). Who listens stays: those of @a, and of @b, are told of
 * uid 0. */
void machine_swap_state(struct machine *a, struct machine *b);
