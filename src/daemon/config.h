/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The options of `quorlogd run`: from flags, then QUORLOGD_* variables, then the
 * configuration file, then defaults; the first that says something wins.
 */
#pragma once

#include <stdbool.h>

#include "consensus/disk_writer.h"
#include "server/server.h"
#include "util/diag.h"
#include "util/err.h"
#include "util/options.h"

#define CONFIG_FILE_MAX (64u * KIB)
#define CONFIG_DATA_DIR_DEFAULT "/var/lib/quorlog"

/* What the operator gave. Texts belong to the option set. */
struct config {
    const char *data_dir;
    const char *file;        /* NULL: none */
    const char *listen;      /* NULL: own client address */
    const char *listen_peer; /* NULL: own peer address */
    const char *socket;      /* NULL: DATA_DIR/quorlogd.sock */
    const char *cluster;     /* checked statements about the directory */
    uint64_t node;
    uint64_t quorum_size;
    uint64_t max_connections;
    uint64_t max_request_bytes;
    uint64_t idle_timeout_ms;
    uint64_t election_timeout_ms;
    uint64_t heartbeat_ms;
    uint64_t snapshot_entries;
    uint64_t snapshot_bytes;
    uint64_t low_space_bytes;
    uint64_t reserve_bytes;
    uint64_t cache_bytes;
    uint64_t scrub_rate_bytes;
    uint64_t fetch_rate_bytes;
    const char *backup_dir; /* NULL: DATA_DIR/backups */
    uint64_t backup_interval_ms;
    uint64_t max_saved_backups;
    bool frozen;
    const char *wal_writer;
    const char *log_level;
    bool check_config;
    bool help;

    /* Parsed out of the texts above by config_load(). */
    enum diag_level level;
    enum disk_writer writer;
    struct address listen_addresses[SERVER_LISTEN_MAX];
    size_t listen_count;
    struct option_set *set; /* owns the texts */
};

/* Fills *ret from all sources and checks it. QL_INVALID names the flag, the
 * variable or the line of the file. config_close() in every case. */
int config_load(struct config *ret, int argc, char **argv, struct err *err);
void config_close(struct config *config);
/* The lines of help. */
void config_print_help(const struct config *config, void *stdio_file);
/* Every option with its value and where it came from. */
void config_print(const struct config *config, void *stdio_file);
/* "a:1,b:2" into at most SERVER_LISTEN_MAX addresses. */
int config_parse_listen(const char *text, struct address *ret_addresses,
                        size_t *ret_count, struct err *err);
/* The names of the environment variables of `quorlogd run`, NULL-terminated, so
 * that other commands do not take them for mistakes. */
const char *const *config_environment_names(void);
