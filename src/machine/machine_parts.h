/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the machine has beside the live logs: the table of backups, the settings,
 * and up to three kept states of sealed chunks. A draft is being filled by
 * COMMAND_RECOVERY_LOAD; a staged state may be looked at, edited (which fills a
 * draft anew) and committed; the undo slot has what the last commit or undo
 * replaced. Chunks that several parts have are one object.
 */
#pragma once

#include "machine/load_record.h"
#include "machine/machine.h"
#include "wire/args_backup.h"

/* ---- Kept states ---- */

enum machine_part { MACHINE_LIVE, MACHINE_DRAFT, MACHINE_STAGED, MACHINE_UNDO };
#define MACHINE_PARTS 4u

struct machine_part_info {
    uint64_t id;           /* live: 0, as all up to deleted */
    uint64_t revision;     /* of a staged one: 1, and more with each edit */
    struct bytes source;   /* a backup's name or "undo": what it was taken of;
                                of an undo slot: what took its place. A view until
                                the next apply */
    uint64_t from_index;   /* raft index, clock and state index of the state */
    uint64_t from_time_ms; /* that it was taken of */
    uint64_t from_state_index;
    uint64_t deleted; /* entries that edits removed */
    uint64_t logs;
    uint64_t entries;
    uint64_t bytes;
    uint64_t chunks; /* sealed */
    /* Of a draft: */
    uint64_t next_seq; /* of the LOAD or END that is awaited */
    uint64_t edit_of;  /* id of the staged state that it is an edit of, or 0 */
    uint64_t log_uid;  /* of the log that is being filled, or 0 */
    uint64_t total_bytes; /* told at the begin */
    uint8_t digest[16];   /* as machine_logs_digest(), but of this part */
};
/* False: there is none. The digest costs what has changed since it was asked. */
bool machine_part_info(const struct machine *machine, enum machine_part part,
                       struct machine_part_info *ret);
/* As machine_log_list(), _log_stat() and _log_stat_uid(); QL_NOT_FOUND when there
 * is no such part. */
int machine_part_list(const struct machine *machine, enum machine_part part,
                      const struct log_list_args *args,
                      struct log_list_result *ret);
int machine_part_stat(const struct machine *machine, enum machine_part part,
                      struct bytes log, struct log_stat *ret);
int machine_part_stat_uid(const struct machine *machine, enum machine_part part,
                          uint64_t uid, struct log_stat *ret);
/* What a LOG record says of it, with keep 0; the name is a view until the next
 * apply. QL_NOT_FOUND. */
int machine_part_log(const struct machine *machine, enum machine_part part,
                     uint64_t uid, struct load_log *ret);
/* Its sealed chunks in order, borrowed until the next apply; NULL with count 0. */
struct chunk *const *machine_part_chunks(const struct machine *machine,
                                         enum machine_part part, uint64_t uid,
                                         size_t *ret_count);
/* The chunk behind them that still grows, only ever of a live log; or NULL. */
struct chunk *machine_part_open(const struct machine *machine,
                                enum machine_part part, uint64_t uid);
/* The sealed chunk that has @position, or the first one behind it, or NULL. */
struct chunk *machine_part_find(const struct machine *machine,
                                enum machine_part part, uint64_t uid,
                                uint64_t position);
/* The chain before its first chunk; NULL when there is no such log. */
const uint8_t *machine_part_base(const struct machine *machine,
                                 enum machine_part part, uint64_t uid);
/* As machine_reader_open(). */
int machine_reader_open_part(struct machine_reader *ret,
                             const struct machine *machine,
                             enum machine_part part, uint64_t uid,
                             uint64_t from, uint64_t to, uint64_t *ret_head);
/* Would a REFS record with these facts be taken? */
bool machine_has_chunk(const struct machine *machine,
                       const struct chunk_facts *facts);
/* The sealed chunk of that name in any part, borrowed, or NULL. @ret_from, unless
 * NULL, is the chain before it, a view until the next apply. */
struct chunk *machine_find_named(const struct machine *machine,
                                 const struct chunk_name *name,
                                 const uint8_t **ret_from);
/* As machine_each_chunk(), of one part, without the chunks that a part before it
 * has (in the order of enum machine_part). */
void machine_each_chunk_of(const struct machine *machine,
                           enum machine_part part,
                           void (*each)(void *data, struct chunk *chunk,
                                        const uint8_t from[HASH128_LEN]),
                           void *data);

/* ---- Commits ---- */

/* The last COMMAND_RECOVERY_COMMIT or _UNDO; all 0 when there was none. */
void machine_last_recovery(const struct machine *machine,
                           struct recovery_last *ret);

/* ---- Backups ---- */

/* The last id that the table has given; 0: none. */
uint64_t machine_backups_last(const struct machine *machine);
/* In order of ids, valid until the next apply. A row whose cluster is zeros and
 * that is not foreign is of this cluster, whose id the machine does not know. */
const struct backup_row *machine_backups(const struct machine *machine,
                                         size_t *ret_count);
const struct backup_row *machine_find_backup(const struct machine *machine,
                                             struct bytes name); /* or NULL */
/* Called when COMMAND_BACKUP_CREATE is applied, before its row is in the table.
 * May call machine_freeze_logs() and nothing else of the machine. */
typedef void (*machine_backup_cb)(void *data, const struct backup_row *row);
void machine_on_backup(struct machine *machine, machine_backup_cb cb,
                       void *data);
/* As machine_freeze(), of the logs alone: the image of a machine that has nothing
 * else. */
struct view *machine_freeze_logs(const struct machine *machine);
/* Over the logs alone; the same for a machine restored from that image. Costs
 * what has changed since the last call or machine_digest(). */
void machine_logs_digest(const struct machine *machine, uint8_t ret[16]);

struct machine_settings {
    bool set;                    /* false: nobody gave any, the rest is 0 */
    uint64_t backup_interval_ms; /* 0: none is made by itself */
    uint64_t max_saved_backups;
};
void machine_settings(const struct machine *machine,
                      struct machine_settings *ret);
