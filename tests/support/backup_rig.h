/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A node that lacks backups, with peers, a clock and an intake of the test's. */
#pragma once

#include "consensus/backup_fetch.h"

#define BACKUP_RIG_TOTAL (2u * BACKUP_PIECE_BYTES + 1000u)
#define BACKUP_RIG_PEERS 3u

/* What struct backup_intake is here. */
struct fake_intake {
    struct backup_intake_status status;
    struct err err;
    void (*on_end)(void *data, struct backup_intake *intake);
    void *data;
    struct backup_piece *piece; /* being written */
    size_t piece_len;
    bool used; /* between begin and leave */
    bool dropped;
};

struct backup_rig {
    struct backup_fetch *fetch;
    struct backup_info infos[4];
    size_t infos_count;
    bool holds[BACKUP_RIG_PEERS + 1]; /* by node */
    uint64_t now_ms;
    struct backup_request sent; /* the last one */
    uint64_t sent_to;           /* 0: nothing since it was looked at */
    bool send_fails;
    struct fake_intake intake;
    char token[INTAKE_TOKEN_MAX + 1];
    struct backup_row expected;
    int begin_result;
    int take_result;
    uint64_t resumed; /* bytes that an earlier try left */
    uint8_t tag;      /* of the peers' stream */
};

/* A node that lacks nothing yet, at a @rate in bytes a second or 0. */
void backup_rig_open(struct backup_rig *rig, uint64_t rate);
/* Backup @id should be here. */
void backup_rig_lack(struct backup_rig *rig, uint64_t id);
/* Time passes, then a step. */
void backup_rig_step(struct backup_rig *rig, uint64_t ms);
/* The request since the last time, and whom it went to; 0: there was none. */
uint64_t backup_rig_asked(struct backup_rig *rig);
/* With @len bytes, of the stream that the peers have now. */
int backup_rig_answer(struct backup_rig *rig, uint64_t from, uint64_t id,
                      enum backup_given status, size_t len);
/* What was asked for last, by whom it was asked. */
void backup_rig_give(struct backup_rig *rig);
void backup_rig_refuse(struct backup_rig *rig, enum backup_given status);
/* The piece that the intake has is on its disk. */
void backup_rig_written(struct backup_rig *rig, int status);
/* The intake ends. */
void backup_rig_end(struct backup_rig *rig, enum backup_intake_state state);
/* All pieces, up to the intake's word. */
void backup_rig_give_all(struct backup_rig *rig);
uint64_t backup_rig_done(const struct backup_rig *rig);
uint64_t backup_rig_failed(const struct backup_rig *rig);
