/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The options of `quorlogd run` and where they come from. */
#include "daemon/config.h"

#include <ini.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/file.h"

#define ROW(name, letter, kind, field, argument, help)                         \
    {                                                                          \
        name, letter, kind, offsetof(struct config, field), argument, help     \
    }

static const struct option_row rows[] = {
    ROW("data-dir", 'd', OPTION_TEXT, data_dir, "DIR",
        "data directory made by `quorlogd init` (" CONFIG_DATA_DIR_DEFAULT ")"),
    ROW("config", 'c', OPTION_TEXT, file, "FILE",
        "configuration file: lines of `option = value`"),
    ROW("listen", 0, OPTION_TEXT, listen, "ADDR,...",
        "where clients connect (the address given to init)"),
    ROW("listen-peer", 0, OPTION_TEXT, listen_peer, "ADDR",
        "where other nodes connect (the address given to init)"),
    ROW("socket", 0, OPTION_TEXT, socket, "PATH",
        "unix socket for operators (DIR/quorlogd.sock)"),
    ROW("node", 0, OPTION_U64, node, "ID",
        "refuse to start unless the directory is of this node"),
    ROW("cluster", 0, OPTION_TEXT, cluster, "UUID",
        "refuse to start unless the directory is of this cluster"),
    ROW("quorum-size", 0, OPTION_U64, quorum_size, "N",
        "raise an alarm unless N is the majority of the voters"),
    ROW("max-connections", 0, OPTION_U64, max_connections, "N",
        "client connections at once (4096)"),
    ROW("max-request-bytes", 0, OPTION_SIZE, max_request_bytes, "SIZE",
        "largest message taken from a client (4MiB)"),
    ROW("idle-timeout", 0, OPTION_DURATION, idle_timeout_ms, "TIME",
        "close connections that did nothing for so long (10m)"),
    ROW("election-timeout", 0, OPTION_DURATION, election_timeout_ms, "TIME",
        "silence of a leader after which another is elected (600ms)"),
    ROW("heartbeat", 0, OPTION_DURATION, heartbeat_ms, "TIME",
        "interval of the leader's heartbeats (100ms)"),
    ROW("snapshot-entries", 0, OPTION_U64, snapshot_entries, "N",
        "raft entries between snapshots (8192)"),
    ROW("snapshot-bytes", 0, OPTION_SIZE, snapshot_bytes, "SIZE",
        "least bytes of raft log between snapshots (4MiB)"),
    ROW("low-space-bytes", 0, OPTION_SIZE, low_space_bytes, "SIZE",
        "free disk space below which the node reports low; 0: never (256MiB)"),
    ROW("reserve-bytes", 0, OPTION_SIZE, reserve_bytes, "SIZE",
        "file that keeps disk space in reserve; 0: none (64MiB)"),
    ROW("cache-bytes", 0, OPTION_SIZE, cache_bytes, "SIZE",
        "memory for old entries that were read from disk (4MiB)"),
    ROW("scrub-rate-bytes", 0, OPTION_SIZE, scrub_rate_bytes, "SIZE",
        "of chunk files to check in a second; 0: never (8MiB)"),
    ROW("fetch-rate-bytes", 0, OPTION_SIZE, fetch_rate_bytes, "SIZE",
        "of chunks to fetch from other nodes in a second; 0: no limit (0)"),
    ROW("backup-dir", 0, OPTION_TEXT, backup_dir, "DIR",
        "where backups are kept (DATA_DIR/backups)"),
    ROW("backup-interval", 0, OPTION_DURATION, backup_interval_ms, "TIME",
        "between backups, in a cluster that was told none; 0: none (1h)"),
    ROW("max-saved-backups", 0, OPTION_U64, max_saved_backups, "N",
        "backups to keep, in a cluster that was told no number (48)"),
    ROW("frozen", 0, OPTION_FLAG, frozen, NULL,
        "freeze the logs as soon as this node leads"),
    ROW("wal-writer", 0, OPTION_TEXT, wal_writer, "WAY",
        "how the raft log is written: auto, io_uring or thread (auto)"),
    ROW("log-level", 0, OPTION_TEXT, log_level, "LEVEL",
        "error, warning, info or debug (info)"),
    ROW("check-config", 0, OPTION_FLAG, check_config, NULL,
        "print the configuration and where it comes from, then exit"),
    ROW("help", 'h', OPTION_FLAG, help, NULL, "print this help"),
    {0},
};

/* Options that make no sense in a file. */
static const char *const not_in_file[] = {"config", "frozen", "check-config",
                                          "help", NULL};

static const struct config defaults = {
    .data_dir = CONFIG_DATA_DIR_DEFAULT,
    .max_connections = CONNECTIONS_MAX,
    .max_request_bytes = REQUEST_BYTES_MAX,
    .idle_timeout_ms = CONNECTION_IDLE_MS,
    .election_timeout_ms = ELECTION_TIMEOUT_MS,
    .heartbeat_ms = HEARTBEAT_MS,
    .snapshot_entries = SNAPSHOT_ENTRIES,
    .snapshot_bytes = SNAPSHOT_BYTES_MIN,
    .low_space_bytes = SPACE_LOW_BYTES,
    .reserve_bytes = RESERVE_BYTES,
    .cache_bytes = CACHE_BYTES,
    .scrub_rate_bytes = SCRUB_BYTES,
    .backup_interval_ms = BACKUP_INTERVAL_MS,
    .max_saved_backups = BACKUPS_SAVED,
    .wal_writer = "auto",
    .log_level = "info",
};

struct file_reader {
    struct config *config;
    const char *path;
    struct err *err;
    int rv;
    int line;
};

static int config_load_file(struct config *config, struct err *err);
static int config_check(struct config *config, struct err *err);
static int file_reader_on_key(void *data, const char *section, const char *name,
                              const char *value);

int config_load(struct config *ret, int argc, char **argv, struct err *err)
{
    int words = 0;
    int rv;

    *ret = defaults;
    ret->set = option_set_new(rows, ret, "QUORLOGD_");
    if (ret->set == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    rv = option_set_arguments(ret->set, argc, argv, false, &words, err);
    if (rv != 0) {
        return rv;
    }
    if (words > 0) {
        return err_set(err, QL_INVALID,
                       "'%s' is one word too many: `quorlogd run` takes "
                       "options only",
                       argv[0]);
    }
    if (ret->help) {
        return 0;
    }
    rv = option_set_environment(ret->set,
                                (const char *const[]){"QUORLOGD_SECRET",
                                                      "QUORLOGD_SECRET_FILE",
                                                      "QUORLOGD_MEMBERS", NULL},
                                err);
    if (rv != 0) {
        return rv;
    }
    if (ret->file != NULL) {
        rv = config_load_file(ret, err);
        if (rv != 0) {
            return rv;
        }
    }
    return config_check(ret, err);
}

void config_close(struct config *config)
{
    option_set_free(config->set);
    config->set = NULL;
}

void config_print_help(const struct config *config, void *stdio_file)
{
    option_set_print_help(config->set, stdio_file);
}

void config_print(const struct config *config, void *stdio_file)
{
    static const char *const sources[] = {
        [OPTION_UNSET] = "default",
        [OPTION_FROM_FILE] = "file",
        [OPTION_FROM_ENVIRONMENT] = "environment",
        [OPTION_FROM_ARGUMENT] = "flag",
    };

    for (const struct option_row *row = rows; row->name != NULL; row++) {
        const char *field = (const char *)config + row->offset;
        const char *source = sources[option_set_source(config->set, row->name)];

        switch (row->kind) {
        case OPTION_FLAG:
            continue;
        case OPTION_TEXT: {
            const char *text;

            memcpy(&text, field, sizeof(text));
            fprintf(stdio_file, "%-18s %-32s %s\n", row->name,
                    text == NULL ? "-" : text, source);
            break;
        }
        case OPTION_U64:
        case OPTION_SIZE:
        case OPTION_DURATION: {
            uint64_t number;
            char text[32];

            memcpy(&number, field, sizeof(number));
            snprintf(text, sizeof(text), "%" PRIu64 "%s", number,
                     row->kind == OPTION_DURATION ? "ms" : "");
            fprintf(stdio_file, "%-18s %-32s %s\n", row->name, text, source);
            break;
        }
        }
    }
}

int config_parse_listen(const char *text, struct address *ret_addresses,
                        size_t *ret_count, struct err *err)
{
    size_t count = 0;
    const char *at = text;

    for (;;) {
        size_t len = strcspn(at, ",");
        char one[ADDRESS_MAX];
        int rv;

        if (len >= sizeof(one)) {
            return err_set(err, QL_INVALID, "address '%.40s...' is too long",
                           at);
        }
        if (count == SERVER_LISTEN_MAX) {
            return err_set(err, QL_INVALID, "more than %d addresses",
                           SERVER_LISTEN_MAX);
        }
        memcpy(one, at, len);
        one[len] = '\0';
        rv = address_parse(one, 7420, &ret_addresses[count], err);
        if (rv != 0) {
            return rv;
        }
        if (ret_addresses[count].is_unix) {
            return err_set(err, QL_INVALID,
                           "'%s': use --socket for the unix socket", one);
        }
        count++;
        if (at[len] == '\0') {
            *ret_count = count;
            return 0;
        }
        at += len + 1;
    }
}

const char *const *config_environment_names(void)
{
    static const char *const names[] = {
        "QUORLOGD_CONFIG",
        "QUORLOGD_LISTEN",
        "QUORLOGD_LISTEN_PEER",
        "QUORLOGD_SOCKET",
        "QUORLOGD_MAX_CONNECTIONS",
        "QUORLOGD_MAX_REQUEST_BYTES",
        "QUORLOGD_IDLE_TIMEOUT",
        "QUORLOGD_ELECTION_TIMEOUT",
        "QUORLOGD_HEARTBEAT",
        "QUORLOGD_SNAPSHOT_ENTRIES",
        "QUORLOGD_SNAPSHOT_BYTES",
        "QUORLOGD_LOW_SPACE_BYTES",
        "QUORLOGD_RESERVE_BYTES",
        "QUORLOGD_CACHE_BYTES",
        "QUORLOGD_SCRUB_RATE_BYTES",
        "QUORLOGD_FETCH_RATE_BYTES",
        "QUORLOGD_BACKUP_DIR",
        "QUORLOGD_BACKUP_INTERVAL",
        "QUORLOGD_MAX_SAVED_BACKUPS",
        "QUORLOGD_WAL_WRITER",
        "QUORLOGD_LOG_LEVEL",
        NULL,
    };

    return names;
}

static int config_load_file(struct config *config, struct err *err)
{
    struct buf text = BUF_INIT;
    struct file_reader reader = {config, config->file, err, 0, 0};
    int line;
    int rv;

    rv = file_read(config->file, CONFIG_FILE_MAX, &text, err);
    if (rv != 0) {
        rv = err_wrap(err, "configuration file");
        goto close_text;
    }
    if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL) {
        rv = err_set(err, QL_INVALID, "%s is not a text file", config->file);
        goto close_text;
    }
    rv = buf_add(&text, "", 1);
    if (rv != 0) {
        goto close_text;
    }
    line =
        ini_parse_string((const char *)text.data, file_reader_on_key, &reader);
    if (line > 0 && reader.rv != 0) {
        rv = err_wrap(err, "%s, line %d", config->file, line);
    } else if (line != 0) {
        rv = err_set(err, QL_INVALID, "%s, line %d: expected `option = value`",
                     config->file, line);
    }

close_text:
    buf_close(&text);
    return rv;
}

/* inih's rule: 0 stops and marks the line as bad. */
static int file_reader_on_key(void *data, const char *section, const char *name,
                              const char *value)
{
    struct file_reader *reader = data;

    if (reader->rv != 0) {
        return 0;
    }
    if (section[0] != '\0' && strcmp(section, "quorlogd") != 0) {
        reader->rv = err_set(reader->err, QL_INVALID,
                             "unknown section [%s]; the only one is "
                             "[quorlogd]",
                             section);
        return 0;
    }
    for (size_t i = 0; not_in_file[i] != NULL; i++) {
        if (strcmp(name, not_in_file[i]) == 0) {
            reader->rv = err_set(reader->err, QL_INVALID,
                                 "'%s' cannot stand in a file", name);
            return 0;
        }
    }
    reader->rv = option_set_value(reader->config->set, OPTION_FROM_FILE, name,
                                  value, reader->err);
    return reader->rv == 0;
}

static int check_range(const char *name, uint64_t value, uint64_t min,
                       uint64_t max, struct err *err)
{
    if (value >= min && value <= max) {
        return 0;
    }
    return err_set(err, QL_INVALID,
                   "%s is %" PRIu64 ": it must be from %" PRIu64 " to %" PRIu64,
                   name, value, min, max);
}

static int writer_parse(const char *text, enum disk_writer *ret_writer)
{
    static const char *const names[] = {
        [DISK_WRITER_AUTO] = "auto",
        [DISK_WRITER_URING] = "io_uring",
        [DISK_WRITER_THREAD] = "thread",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret_writer = (enum disk_writer)i;
            return 0;
        }
    }
    return QL_INVALID;
}

static int config_check(struct config *config, struct err *err)
{
    const struct {
        const char *name;
        uint64_t value;
        uint64_t min;
        uint64_t max;
    } ranges[] = {
        {"quorum-size", config->quorum_size, 0, MEMBERS_MAX}, /* 0: unsaid */
        {"max-connections", config->max_connections, 1, 1000000},
        {"max-request-bytes", config->max_request_bytes, 64 * KIB,
         REQUEST_BYTES_MAX},
        {"idle-timeout (ms)", config->idle_timeout_ms, 1000, UINT32_MAX},
        {"election-timeout (ms)", config->election_timeout_ms, 50, 60000},
        {"heartbeat (ms)", config->heartbeat_ms, 10, 10000},
        {"snapshot-entries", config->snapshot_entries, 16, 16384},
        {"snapshot-bytes", config->snapshot_bytes, 64 * KIB,
         SNAPSHOT_BYTES_MAX},
        {"low-space-bytes", config->low_space_bytes, 0, SPACE_LOW_BYTES_MAX},
        {"reserve-bytes", config->reserve_bytes, 0, RESERVE_BYTES_MAX},
        {"cache-bytes", config->cache_bytes, 0, RATE_BYTES_MAX},
        {"scrub-rate-bytes", config->scrub_rate_bytes, 0, RATE_BYTES_MAX},
        {"fetch-rate-bytes", config->fetch_rate_bytes, 0, RATE_BYTES_MAX},
        {"backup-interval (ms)", config->backup_interval_ms,
         config->backup_interval_ms == 0 ? 0 : BACKUP_INTERVAL_MIN_MS,
         BACKUP_INTERVAL_MAX_MS},
        {"max-saved-backups", config->max_saved_backups, 1, BACKUPS_SAVED_MAX},
    };
    uint64_t election = config->election_timeout_ms;
    uint64_t heartbeat = config->heartbeat_ms;

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        int rv = check_range(ranges[i].name, ranges[i].value, ranges[i].min,
                             ranges[i].max, err);
        if (rv != 0) {
            return rv;
        }
    }
    if (heartbeat * 3 > election) {
        return err_set(err, QL_INVALID,
                       "heartbeat (%" PRIu64 " ms) must be at most a third "
                       "of election-timeout (%" PRIu64 " ms)",
                       heartbeat, election);
    }
    if (diag_level_parse(config->log_level, &config->level) != 0) {
        return err_set(err, QL_INVALID,
                       "log-level '%s': use error, warning, info or debug",
                       config->log_level);
    }
    if (writer_parse(config->wal_writer, &config->writer) != 0) {
        return err_set(err, QL_INVALID,
                       "wal-writer '%s': use auto, io_uring or thread",
                       config->wal_writer);
    }
    if (config->listen != NULL) {
        int rv = config_parse_listen(config->listen, config->listen_addresses,
                                     &config->listen_count, err);
        if (rv != 0) {
            return err_wrap(err, "listen");
        }
    }
    return 0;
}
