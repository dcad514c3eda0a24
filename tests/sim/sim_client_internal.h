/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the simulated clients and the history of their commands share. */
#pragma once

#include "sim/sim_full.h"

#define CLIENTS 5
#define LOGS SIM_LOGS
#define NAME_LEN 8
#define REFUSED UINT64_MAX     /* instead of a position */
#define SIM_RETENTION_MS 5000u /* of the second log, at first */
#define PAST_MAX 8u

struct client {
    unsigned id;
    uint64_t producer; /* 0: must open one */
    uint64_t sequence;
    uint64_t epoch[LOGS]; /* as a writer; 0: none */
    bool fenced;          /* takes the log over next */
    /* Under way, if op is not 0. */
    uint64_t op;
    unsigned log;
    enum command_kind kind;
    struct sim_bytes params;
    uint64_t repeat_at;
    /* Appends that were answered: a copy may still be on its way. */
    struct sim_bytes past[PAST_MAX];
    unsigned past_count;
};

struct log_history {
    char name[NAME_LEN];
    uint64_t uid;       /* 0: there is none */
    uint64_t next;      /* position */
    uint64_t told_next; /* behind the last that any client knows of */
    uint64_t age_ms;    /* the least that it was ever told to keep; 0: all */
    uint64_t entries;   /* likewise, of retention by their number */
    uint64_t epoch;
    bool held;                      /* by the writer of that epoch */
    uint64_t trimmed;               /* positions below it may be gone */
    uint32_t ops[SIM_VALUES_MAX];   /* by position */
    uint64_t times[SIM_VALUES_MAX]; /* by position */
};

/* Where an append's entries have gone in one log; count 0: it has none there. */
struct sim_place {
    uint32_t uid;
    uint32_t first;
    uint32_t count;
};

struct sim_client_state {
    struct client clients[CLIENTS];
    struct log_history logs[LOGS];
    uint64_t op_last;
    uint64_t position_of[SIM_VALUES_MAX]; /* by op: first place, or REFUSED */
    raft_index applied_last;
    uint64_t time_ms;  /* of the newest batch */
    uint64_t tick_ms;  /* of the last tick that retention may act on */
    bool clock_jumped; /* and nobody has confirmed it since */
    uint8_t digests[SIM_LOG_MAX][16];       /* of the logs */
    uint8_t whole_digests[SIM_LOG_MAX][16]; /* of the state, now and then */
    int64_t clock_ms; /* what the leaders' clocks are off by */
    bool refusing;    /* NO_SPACE */
    bool taken;       /* an append, since all was healed */
    /* Of each append, by op. */
    uint16_t value_len[SIM_VALUES_MAX];
    uint32_t swap_of[SIM_VALUES_MAX]; /* that had been done when it was taken */
    struct sim_place places[SIM_VALUES_MAX][LOGS];
    /* Commits and undos (sim_recovery.h). */
    struct sim_recovery *recovery; /* NULL: none */
    uint64_t swaps;
    uint64_t operation;     /* of the last */
    raft_index swap_index;  /* likewise */
    uint64_t producer_last; /* that was opened */
    uint64_t void_mark;     /* up to here producers are void */
};

/* An append is answered: from here on each read sees it. */
void sim_client_tell(struct sim *sim, const struct client *client,
                     const struct outcome *outcome);
