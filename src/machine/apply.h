/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What machine_apply() chooses from. A file apply_NOUN.c holds the commands about
 * that noun. Private to the floor. */
#pragma once

#include "machine/state.h"

/* One function for each kind of command: @ret is zeroed but for the kind. */
void apply_log_create(struct machine *machine, struct bytes params,
                      struct outcome *ret);
void apply_log_configure(struct machine *machine, struct bytes params,
                         struct outcome *ret);
void apply_log_delete(struct machine *machine, struct bytes params,
                      struct outcome *ret);
void apply_log_trim(struct machine *machine, struct bytes params,
                    struct outcome *ret);
void apply_log_append(struct machine *machine, struct bytes params,
                      struct outcome *ret);
void apply_producer_open(struct machine *machine, struct bytes params,
                         struct outcome *ret);
void apply_producer_close(struct machine *machine, struct bytes params,
                          struct outcome *ret);
void apply_writer_acquire(struct machine *machine, struct bytes params,
                          struct outcome *ret);
void apply_writer_release(struct machine *machine, struct bytes params,
                          struct outcome *ret);

void apply_freeze(struct machine *machine, struct bytes params,
                  struct outcome *ret);
void apply_thaw(struct machine *machine, struct bytes params,
                struct outcome *ret);

void apply_backup_create(struct machine *machine, struct bytes params,
                         struct outcome *ret);
void apply_backup_delete(struct machine *machine, struct bytes params,
                         struct outcome *ret);
void apply_backup_add(struct machine *machine, struct bytes params,
                      struct outcome *ret);
void apply_settings(struct machine *machine, struct bytes params,
                    struct outcome *ret);

void apply_recovery_begin(struct machine *machine, struct bytes params,
                          struct outcome *ret);
void apply_recovery_load(struct machine *machine, struct bytes params,
                         struct outcome *ret);
void apply_recovery_end(struct machine *machine, struct bytes params,
                        struct outcome *ret);
void apply_recovery_unload(struct machine *machine, struct bytes params,
                           struct outcome *ret);
void apply_recovery_commit(struct machine *machine, struct bytes params,
                           struct outcome *ret);
void apply_recovery_undo(struct machine *machine, struct bytes params,
                         struct outcome *ret);

/* Carries out one record that fills @draft. 0, or why not: nothing changed. */
int load_apply(struct machine *machine, struct kept *draft,
               const struct load_record *record);

/* Nothing may change log data: @ret is refused then. */
bool apply_is_frozen(const struct machine *machine, struct outcome *ret);
/* The log of that name, about to change, noted in @ret with its uid; NULL when
 * there is none: @ret is refused then. */
struct log *apply_find_log(struct machine *machine, struct bytes name,
                           struct outcome *ret);
/* Ends a command about one log with the log's numbers. */
void apply_answer_stat(struct outcome *ret, const struct log *log);
