/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One running node, from start to an orderly end. */
#include "daemon/daemon.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "consensus/identity.h"
#include "consensus/node.h"
#include "consensus/older_format.h"
#include "consensus/recover_result.h"
#include "daemon/again.h"
#include "daemon/early_stop.h"
#include "daemon/heap.h"
#include "daemon/notify.h"
#include "daemon/patience.h"
#include "server/server.h"
#include "service/service.h"
#include "util/file.h"

struct daemon {
    struct config *config;
    int argc;
    char **argv;
    const struct daemon_watch *watch;
    bool said_leads; /* to the watch */
    struct uv_loop_s loop;
    struct uv_signal_s signals[3];
    struct identity identity;
    char socket_path[PATH_LEN_MAX];
    int lock_fd;
    struct service *service;
    struct node *node;
    struct server *server;
    struct patience patience; /* while it stops */
    uint64_t said_leader;     /* what the operator was last told */
    uint64_t said_term;
    bool said_ready;
    bool stopping;
    bool restarting; /* stops in order to start again */
    bool was_frozen; /* --frozen has been obeyed */
};

static int daemon_open_directory(struct daemon *daemon, struct err *err);
static int check_directory(const char *dir, struct err *err);
static int daemon_start(struct daemon *daemon, struct err *err);
static int daemon_start_server(struct daemon *daemon, struct err *err);
static void daemon_say_ready(struct daemon *daemon);
static void daemon_start_signals(struct daemon *daemon);
static void daemon_on_signal(struct uv_signal_s *handle, int signum);
static void daemon_stop(struct daemon *daemon);
static void daemon_reload(struct daemon *daemon);
static void daemon_on_node_stopped(void *data);
static void daemon_on_server_stopped(void *data);
static void daemon_on_node_closed(void *data);
static void daemon_close(struct daemon *daemon);
static void node_on_state(void *data);
static void daemon_tell_leads(struct daemon *daemon);
static void daemon_say_leader(struct daemon *daemon);
static void node_on_applied(void *data);
static void node_on_restart(void *data);
static uint64_t service_on_sessions(void *data);

int daemon_run(struct config *config, int argc, char **argv,
               const struct daemon_watch *watch)
{
    struct daemon daemon = {.config = config,
                            .argc = argc,
                            .argv = argv,
                            .watch = watch,
                            .lock_fd = -1};
    struct err err = {0};
    int rv;

    heap_arrange();
    diag_set_level(config->level);
    signal(SIGPIPE, SIG_IGN);
    early_stop_begin();
    rv = daemon_open_directory(&daemon, &err);
    if (rv != 0) {
        diag_error("%s", err.text);
        goto close_lock;
    }
    rv = uv_loop_init(&daemon.loop);
    if (rv != 0) {
        diag_error("event loop: %s", uv_strerror(rv));
        goto close_lock;
    }
    rv = daemon_start(&daemon, &err);
    if (rv != 0) {
        /* What was started has no owner to stop it in order: what is on disk
         * is all that counts, so the process just ends. */
        if (watch != NULL) {
            watch->on_failed(watch->data);
        }
        diag_die(1, "%s", err.text);
    }
    uv_run(&daemon.loop, UV_RUN_DEFAULT);
    daemon_close(&daemon);
    if (daemon.restarting) {
        again(argc, argv, daemon.was_frozen ? "--frozen=false" : NULL);
    }
    diag_info("stopped");

close_lock:
    early_stop_end();
    if (daemon.lock_fd >= 0) {
        close(daemon.lock_fd);
    }
    return rv == 0 ? 0 : 1;
}

/* Lock, identity, and the checked statements about it. */
static int daemon_open_directory(struct daemon *daemon, struct err *err)
{
    const struct config *config = daemon->config;
    const char *dir = config->data_dir;
    char path[PATH_LEN_MAX];
    int rv;

    rv = check_directory(dir, err);
    if (rv != 0) {
        return rv;
    }
    rv = older_format_refuse(dir, err);
    if (rv != 0) {
        return rv;
    }
    rv = recover_mark_refuse(dir, err);
    if (rv != 0) {
        return rv;
    }
    rv = identity_load(&daemon->identity, dir, err);
    if (rv != 0) {
        return rv;
    }
    rv = path_join(path, sizeof(path), dir, "lock", err);
    if (rv != 0) {
        return rv;
    }
    rv = file_lock(path, &daemon->lock_fd, err);
    if (rv == QL_BUSY) {
        return err_wrap(err,
                        "%s is in use: stop that process, or give this one "
                        "another --data-dir",
                        dir);
    }
    if (rv != 0) {
        return rv;
    }
    if (config->node != 0 && config->node != daemon->identity.node) {
        return err_set(err, QL_INVALID,
                       "%s belongs to node %llu, but --node says %llu: correct "
                       "--node or --data-dir",
                       dir, (unsigned long long)daemon->identity.node,
                       (unsigned long long)config->node);
    }
    if (config->cluster != NULL &&
        strcmp(config->cluster, daemon->identity.cluster) != 0) {
        return err_set(err, QL_INVALID,
                       "%s belongs to cluster %s, but --cluster says %s: "
                       "correct --cluster or --data-dir",
                       dir, daemon->identity.cluster, config->cluster);
    }
    return 0;
}

/* One that is missing is the business of whoever looks for its files. */
static int check_directory(const char *dir, struct err *err)
{
    struct stat status;

    if (stat(dir, &status) == 0 && !S_ISDIR(status.st_mode)) {
        return err_set(err, QL_INVALID,
                       "%s is no directory: --data-dir is the one that "
                       "`quorlogd init` has made",
                       dir);
    }
    return 0;
}

static int daemon_start(struct daemon *daemon, struct err *err)
{
    const struct config *config = daemon->config;
    const struct identity *identity = &daemon->identity;
    const struct service_options service_options = {
        .identity = identity,
        .quorum_size = config->quorum_size,
        .request_bytes_max = config->max_request_bytes,
        .sessions = service_on_sessions,
        .data = daemon,
    };
    const struct node_options node_options = {
        .loop = &daemon->loop,
        .identity = identity,
        .dir = config->data_dir,
        .listen_peer = config->listen_peer,
        .election_timeout_ms = (uint32_t)config->election_timeout_ms,
        .heartbeat_ms = (uint32_t)config->heartbeat_ms,
        .snapshot_entries = (uint32_t)config->snapshot_entries,
        .snapshot_bytes_min = config->snapshot_bytes,
        .low_space_bytes = config->low_space_bytes,
        .reserve_bytes = config->reserve_bytes,
        .wal_writer = config->writer,
        .cache_bytes = config->cache_bytes,
        .scrub_bytes = config->scrub_rate_bytes,
        .fetch_bytes = config->fetch_rate_bytes,
        .backup_dir = config->backup_dir,
        .backup_interval_ms = config->backup_interval_ms,
        .max_saved_backups = config->max_saved_backups,
        .frozen = config->frozen,
        .on_state = node_on_state,
        .on_applied = node_on_applied,
        .on_restart = node_on_restart,
        .data = daemon,
    };
    int rv;

    diag_info("quorlogd %s: node %llu of cluster %s, %zu voter%s, data in %s",
              QUORLOG_VERSION, (unsigned long long)identity->node,
              identity->cluster, identity->members_count,
              identity->members_count == 1 ? "" : "s", config->data_dir);
    if (config->quorum_size != 0 &&
        config->quorum_size != identity_quorum(identity)) {
        diag_warning("--quorum-size says %llu, but the majority of %zu voters "
                     "is %zu: cluster status shows this until it is corrected",
                     (unsigned long long)config->quorum_size,
                     identity->members_count, identity_quorum(identity));
    }
    daemon->service = service_new(&service_options);
    rv = node_start(&daemon->node, &node_options, err);
    if (rv != 0) {
        return err_wrap(err, "start node %llu",
                        (unsigned long long)identity->node);
    }
    service_set_node(daemon->service, daemon->node);
    rv = daemon_start_server(daemon, err);
    if (rv != 0) {
        return rv;
    }
    daemon_start_signals(daemon);
    daemon_say_ready(daemon);
    return 0;
}

static int daemon_start_server(struct daemon *daemon, struct err *err)
{
    struct config *config = daemon->config;
    struct server_options options = {
        .loop = &daemon->loop,
        .service = daemon->service,
        .listen = config->listen_addresses,
        .connections_max = config->max_connections,
        .request_bytes_max = config->max_request_bytes,
        .idle_ms = config->idle_timeout_ms,
    };
    int rv;

    if (config->listen_count == 0) {
        const struct member *self =
            identity_member(&daemon->identity, daemon->identity.node);

        rv = config_parse_listen(self->client_address, config->listen_addresses,
                                 &config->listen_count, err);
        if (rv != 0) {
            return rv;
        }
    }
    options.listen_count = config->listen_count;
    if (config->socket != NULL) {
        options.unix_path = config->socket;
    } else {
        rv = path_join(daemon->socket_path, sizeof(daemon->socket_path),
                       config->data_dir, "quorlogd.sock", err);
        if (rv != 0) {
            return rv;
        }
        options.unix_path = daemon->socket_path;
    }
    return server_start(&daemon->server, &options, err);
}

static void daemon_say_ready(struct daemon *daemon)
{
    char text[ADDRESS_MAX];

    for (size_t i = 0; i < daemon->config->listen_count; i++) {
        struct address address = daemon->config->listen_addresses[i];

        address.port = server_port(daemon->server, i);
        address_format(&address, text);
        diag_info("clients connect to %s", text);
    }
    notify_manager("READY=1");
}

static void daemon_start_signals(struct daemon *daemon)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uv_signal_init(&daemon->loop, &daemon->signals[i]);
        daemon->signals[i].data = daemon;
        uv_signal_start(&daemon->signals[i], daemon_on_signal, numbers[i]);
        uv_unref((struct uv_handle_s *)&daemon->signals[i]);
    }
    early_stop_end();
}

static void daemon_on_signal(struct uv_signal_s *handle, int signum)
{
    struct daemon *daemon = handle->data;

    if (signum == SIGHUP) {
        daemon_reload(daemon);
        return;
    }
    if (daemon->restarting) {
        diag_info("stopping: will not start again");
        notify_manager("STOPPING=1");
        daemon->restarting = false;
        return;
    }
    if (daemon->stopping) {
        diag_die(1, "second signal: ending at once");
    }
    diag_info("stopping: hands leadership over and finishes what is in flight");
    notify_manager("STOPPING=1");
    daemon_stop(daemon);
}

static void daemon_stop(struct daemon *daemon)
{
    daemon->stopping = true;
    patience_start(&daemon->patience, &daemon->loop,
                   "what is in flight, to the raft log and to other nodes",
                   patience_ms(daemon->config->election_timeout_ms),
                   STOP_END_MS);
    server_drain(daemon->server);
    node_stop(daemon->node, daemon_on_node_stopped, daemon);
}

/* A bad configuration changes nothing. */
static void daemon_reload(struct daemon *daemon)
{
    struct config fresh;
    struct err err = {0};
    char **argv;

    argv = calloc((size_t)daemon->argc + 1, sizeof(*argv));
    if (argv == NULL) {
        return;
    }
    memcpy(argv, daemon->argv, (size_t)daemon->argc * sizeof(*argv));
    if (config_load(&fresh, daemon->argc, argv, &err) != 0) {
        diag_error("configuration not read again, nothing changed: %s",
                   err.text);
    } else {
        diag_set_level(fresh.level);
        server_set_limits(daemon->server, fresh.max_connections,
                          fresh.idle_timeout_ms);
        diag_info("configuration read again: log-level, max-connections and "
                  "idle-timeout now hold; other changes need a restart");
    }
    config_close(&fresh);
    free(argv);
}

static void daemon_on_node_stopped(void *data)
{
    struct daemon *daemon = data;

    daemon->was_frozen =
        daemon->config->frozen && !node_will_freeze(daemon->node);
    patience_awaits(&daemon->patience, "its connections to close");
    server_stop(daemon->server, daemon_on_server_stopped, daemon);
}

static void daemon_on_server_stopped(void *data)
{
    struct daemon *daemon = data;

    if (daemon->restarting) {
        /* From here on nobody would take them until it has started again. */
        early_stop_hold();
    }
    patience_awaits(&daemon->patience,
                    "what is under way in its backups and its chunks");
    service_stop(daemon->service);
    node_close(daemon->node, daemon_on_node_closed, daemon);
}

static void daemon_on_node_closed(void *data)
{
    struct daemon *daemon = data;

    patience_close(&daemon->patience);
    for (size_t i = 0; i < 3; i++) {
        uv_close((struct uv_handle_s *)&daemon->signals[i], NULL);
    }
}

static void daemon_close(struct daemon *daemon)
{
    int rv;

    node_free(daemon->node);
    server_free(daemon->server);
    service_free(daemon->service);
    rv = uv_loop_close(&daemon->loop);
    if (rv != 0) {
        diag_warning("event loop: %s", uv_strerror(rv));
    }
}

static void node_on_state(void *data)
{
    struct daemon *daemon = data;

    daemon_say_leader(daemon);
    service_on_state(daemon->service);
}

/* The first time only. */
static void daemon_tell_leads(struct daemon *daemon)
{
    struct address address = daemon->config->listen_addresses[0];
    char text[ADDRESS_MAX];

    if (daemon->watch == NULL || daemon->said_leads) {
        return;
    }
    address.port = server_port(daemon->server, 0);
    address_format(&address, text);
    daemon->watch->on_leads(daemon->watch->data, text);
    daemon->said_leads = true;
}

/* One line for each change that an operator may want to find later. */
static void daemon_say_leader(struct daemon *daemon)
{
    struct node_status status;
    bool ready;

    if (daemon->node == NULL) {
        return;
    }
    node_status(daemon->node, &status);
    ready = status.ready && !daemon->stopping;
    if (status.leader == daemon->said_leader &&
        (status.leader == 0 || status.term == daemon->said_term) &&
        ready == daemon->said_ready) {
        return;
    }
    if (ready) {
        diag_info("leads in term %llu", (unsigned long long)status.term);
        daemon_tell_leads(daemon);
    } else if (status.leader == 0) {
        diag_info("no leader known in term %llu",
                  (unsigned long long)status.term);
    } else if (status.leader != daemon->identity.node) {
        diag_info("node %llu leads in term %llu",
                  (unsigned long long)status.leader,
                  (unsigned long long)status.term);
    }
    daemon->said_leader = status.leader;
    daemon->said_term = status.term;
    daemon->said_ready = ready;
}

static void node_on_applied(void *data)
{
    struct daemon *daemon = data;

    service_on_applied(daemon->service);
}

/* Not told to the service manager, for which the daemon goes on. */
static void node_on_restart(void *data)
{
    struct daemon *daemon = data;

    daemon->restarting = true;
    daemon_stop(daemon);
}

static uint64_t service_on_sessions(void *data)
{
    struct daemon *daemon = data;

    return daemon->server == NULL ? 0 : server_sessions(daemon->server);
}
