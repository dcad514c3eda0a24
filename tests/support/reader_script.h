/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A server's side of a reader, word for word: the log is called "log", and the value
 * of each entry is its position in one byte. */
#pragma once

#include "client/reader.h"
#include "support/client_rig.h"

/* Answers the log.read that is awaited with entries @from up to @next. */
void reader_script_answer(struct client_rig *rig, uint64_t from, uint64_t next,
                          uint64_t tail);
/* A log.read from @from on is awaited; it stays unanswered. */
void reader_script_check(struct client_rig *rig, uint64_t from);
/* Answers the log.follow that is awaited, which begins at @from. */
void reader_script_follow(struct client_rig *rig, uint64_t from,
                          uint64_t stream, uint64_t uid);
/* A notification of the stream, with entries @from up to @next. */
void reader_script_send(struct client_rig *rig, uint64_t stream, uint64_t from,
                        uint64_t next, uint32_t cost);
void reader_script_event(struct client_rig *rig, uint64_t stream,
                         const char *name, uint64_t position);
struct ql_reader *reader_script_open(struct client_rig *rig, uint64_t from,
                                     uint64_t to, bool follow);
/* What the reader says once it has something to say. */
int reader_script_next(struct client_rig *rig, struct ql_reader *reader,
                       struct ql_entry *ret_entry, struct ql_error *error);
/* The next thing it says is the entry at @position, */
void reader_script_entry(struct client_rig *rig, struct ql_reader *reader,
                         uint64_t position);
/* or this. */
void reader_script_error(struct client_rig *rig, struct ql_reader *reader,
                         int code, uint64_t position);
