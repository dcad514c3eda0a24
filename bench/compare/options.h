/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a run is asked for. */
#pragma once

#include "compare/peer.h"

#include "util/limits.h"

#define OPTIONS_PEERS_MAX 8u
#define OPTIONS_POINTS_MAX 8u
#define OPTIONS_TURNS_MAX 99u

struct options {
    char dir[PATH_LEN_MAX];   /* of all data; removed at the end */
    char cache[PATH_LEN_MAX]; /* of what is fetched; stays */
    char daemon[PATH_LEN_MAX];
    const struct peer_kind *peers[OPTIONS_PEERS_MAX];
    size_t peers_count;
    size_t outstanding[OPTIONS_POINTS_MAX];
    size_t points;
    size_t size;        /* of a payload */
    size_t connections; /* 0: what each product has by default */
    double warm_seconds;
    double seconds;
    unsigned turns;
    unsigned failovers; /* after the turns */
    bool is_offline;
    bool is_json;
    bool keeps;
};

/* False: said what is wrong, or what the options are. */
bool options_take(struct options *options, int argc, char **argv);
/* The place in outstanding at which memory and CPU are told: 256, or the last. */
size_t options_point_told(const struct options *options);
size_t options_connections(const struct options *options,
                           const struct peer_kind *kind);
