/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the load and the turns know of each product that is compared. */
#pragma once

#include "util/buf.h"

#include <stdbool.h>
#include <sys/types.h>

#define PEER_SERVERS 3u
#define PEER_PACKAGES_MAX 7u
#define PEER_CONNECTIONS_MAX 8u
/* Appends that may be under way at once. */
#define PEER_SLOTS_MAX 4096u
/* The longest payload: with its key it fits one frame of HTTP/2. */
#define PEER_SIZE_MAX 8192u

struct load;

/* Where and how the three servers of one turn run. */
struct peer_setup {
    const char *dir;     /* empty; for all files of this turn */
    const char *program; /* path of the server, or of its jar */
    size_t connections;  /* of the client */
    struct load *load;   /* hears of answers: load_on_answer() */
};

/* A running product: its servers and its client. */
struct peer {
    const struct peer_kind *kind;
    void *self; /* of the client */
    pid_t pids[PEER_SERVERS];
    unsigned ports[PEER_SERVERS]; /* of their clients */
    size_t leader;                /* which of them */
    char version[64];
};

/* A failure ends the process: a turn is a process of its own. */
struct peer_kind {
    const char *name;       /* of --peers */
    const char *durability; /* what an acknowledgement means */
    const char *program;    /* of the server, or its jar */
    const char *needs;      /* NULL, or a program that must be in PATH */
    /* Debian's that have it; none: nothing is fetched. */
    const char *packages[PEER_PACKAGES_MAX + 1];
    const char *connected; /* how the client is */
    size_t connections;    /* unless --connections says otherwise; 0: its own
                               affair */
    double learn_seconds;  /* of load before all, for what is compiled while
                             it runs */
    bool syncs_all;        /* the file system syncs every write for it */

    /* Starts three servers, waits for a leader, makes an empty log (or whatever
     * stands for one) and connects to the leader. Fills all but kind. */
    void (*start)(struct peer *peer, const struct peer_setup *setup);
    /* Sends @value, or keeps it for wait(), until which it stays valid and
     * beyond: until the answer for @slot. */
    void (*submit)(void *self, size_t slot, struct bytes value);
    /* Sends what waits and takes in what answers there are, or come in time.
     * False: a connection is lost. */
    bool (*wait)(void *self, int timeout_ms);
    /* What the servers have, asked through the leader. */
    uint64_t (*count)(void *self);
    /* Another client, of the server that listens at @port; NULL: not now. Where
     * this is NULL the client finds a new leader itself. */
    void *(*connect)(unsigned port, struct load *load);
    void (*disconnect)(void *self);
};

extern const struct peer_kind peer_quorlog;
extern const struct peer_kind peer_etcd;
extern const struct peer_kind peer_nats;
extern const struct peer_kind peer_nats_synced;
extern const struct peer_kind peer_zookeeper;
