/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The maps that several messages about backups have. Internal to the wire. */
#pragma once

#include "wire/args_backup.h"
#include "wire/fields.h"

extern const struct message backup_row_message; /* struct backup_row */

/* The rows of a table for a backup_row that lives at @at (with its dot, or
 * nothing) in struct @type. */
#define BACKUP_ROW_FIELDS(type, at)                                            \
    {FIELD_KEY("id"), .kind = FIELD_U64,                                       \
     .offset = offsetof(struct type, at id)},                                  \
        {FIELD_KEY("name"), .kind = FIELD_BACKUP, .required = true,            \
         .offset = offsetof(struct type, at name)},                            \
        {FIELD_KEY("index"), .kind = FIELD_U64,                                \
         .offset = offsetof(struct type, at index)},                           \
        {FIELD_KEY("time_ms"), .kind = FIELD_U64,                              \
         .offset = offsetof(struct type, at time_ms)},                         \
        {FIELD_KEY("state_index"), .kind = FIELD_U64,                          \
         .offset = offsetof(struct type, at state_index)},                     \
        {FIELD_KEY("logs"), .kind = FIELD_U64,                                 \
         .offset = offsetof(struct type, at logs)},                            \
        {FIELD_KEY("entries"), .kind = FIELD_U64,                              \
         .offset = offsetof(struct type, at entries)},                         \
        {FIELD_KEY("bytes"), .kind = FIELD_U64,                                \
         .offset = offsetof(struct type, at bytes)},                           \
        {FIELD_KEY("chunks"), .kind = FIELD_U64,                               \
         .offset = offsetof(struct type, at chunks)},                          \
        {FIELD_KEY("digest"), .kind = FIELD_DIGEST, .required = true,          \
         .offset = offsetof(struct type, at digest)},                          \
        {FIELD_KEY("cluster"), .kind = FIELD_DIGEST, .required = true,         \
         .offset = offsetof(struct type, at cluster)},                         \
        {FIELD_KEY("foreign"), .kind = FIELD_BOOL,                             \
         .offset = offsetof(struct type, at foreign)},                         \
    {                                                                          \
        FIELD_KEY("scheduled"), .kind = FIELD_BOOL,                            \
                                .offset = offsetof(struct type, at scheduled)  \
    }
