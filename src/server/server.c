/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "server/server.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/listeners.h"
#include "server/session.h"
#include "server/sessions.h"
#include "util/diag.h"
#include "util/limits.h"
#include "util/mem.h"

/* Descriptors beside those of connections. */
#define DESCRIPTORS_SPARE 128u

struct server {
    struct sessions sessions;
    uint64_t connections_max;
    struct listeners listeners;
    uint16_t ports[SERVER_LISTEN_MAX];
    uv_prepare_t prepare; /* answers leave before the loop waits */
    uv_idle_t idle;       /* active: it must not wait, as there are more */
    uv_timer_t timer;
    size_t handles; /* the three above, until they are closed */
    int spare_fd;   /* see server_on_connection(); -1: used up */
    bool draining;
    bool stopping;
    bool abandoned; /* never started: the last close callback frees it */
    void (*on_stopped)(void *data);
    void *data;
};

static void server_init(struct server *server,
                        const struct server_options *options);
static uint64_t connections_possible(uint64_t wanted);
static int server_listen(struct server *server,
                         const struct server_options *options, struct err *err);
static void server_on_connection(struct listener *listener, int status);
static void server_turn_away(struct server *server,
                             const struct listener *listener);
static void server_on_prepare(uv_prepare_t *prepare);
static void server_on_idle(uv_idle_t *idle);
static void server_on_timer(uv_timer_t *timer);
static void server_close_handles(struct server *server);
static void server_on_handle_closed(uv_handle_t *handle);
static void server_on_listener_closed(uv_handle_t *handle);
static void server_on_freed(void *data);
static void server_check_stopped(struct server *server);

int server_start(struct server **ret_server,
                 const struct server_options *options, struct err *err)
{
    struct server *server = mem_must_zalloc(sizeof(*server));
    int rv;

    server_init(server, options);
    rv = server_listen(server, options, err);
    if (rv != 0) {
        server->abandoned = true;
        server_close_handles(server);
        return rv;
    }
    *ret_server = server;
    return 0;
}

void server_set_limits(struct server *server, uint64_t connections_max,
                       uint64_t idle_ms)
{
    server->connections_max = connections_possible(
        connections_max == 0 ? CONNECTIONS_MAX : connections_max);
    server->sessions.idle_ms = idle_ms == 0 ? CONNECTION_IDLE_MS : idle_ms;
}

uint16_t server_port(const struct server *server, size_t index)
{
    assert(index < SERVER_LISTEN_MAX);
    return server->ports[index];
}

uint64_t server_sessions(const struct server *server)
{
    return server->sessions.open_count;
}

uint64_t server_buffered(const struct server *server)
{
    return server->sessions.bytes;
}

void server_drain(struct server *server)
{
    if (!server->draining) {
        server->draining = true;
        listeners_close(&server->listeners, server_on_listener_closed);
    }
}

void server_stop(struct server *server, void (*cb)(void *data), void *data)
{
    assert(!server->stopping);
    server->stopping = true;
    server->on_stopped = cb;
    server->data = data;
    sessions_close_all(&server->sessions);
    server_close_handles(server);
}

void server_free(struct server *server)
{
    if (server == NULL) {
        return;
    }
    assert(server->handles == 0);
    assert(server->listeners.open_count == 0);
    assert(server->sessions.memory_count == 0);
    if (server->spare_fd >= 0) {
        close(server->spare_fd);
    }
    sessions_close(&server->sessions);
    free(server);
}

static void server_init(struct server *server,
                        const struct server_options *options)
{
    struct sessions *sessions = &server->sessions;

    sessions_init(sessions);
    sessions->loop = options->loop;
    sessions->service = options->service;
    sessions->on_freed = server_on_freed;
    sessions->data = server;
    sessions->request_bytes_max = options->request_bytes_max;
    if (sessions->request_bytes_max == 0 ||
        sessions->request_bytes_max > REQUEST_BYTES_MAX) {
        sessions->request_bytes_max = REQUEST_BYTES_MAX;
    }
    server_set_limits(server, options->connections_max, options->idle_ms);
    server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    uv_prepare_init(options->loop, &server->prepare);
    server->prepare.data = server;
    uv_prepare_start(&server->prepare, server_on_prepare);
    uv_idle_init(options->loop, &server->idle);
    uv_timer_init(options->loop, &server->timer);
    server->timer.data = server;
    uv_timer_start(&server->timer, server_on_timer, SERVER_TICK_MS,
                   SERVER_TICK_MS);
    server->idle.data = server;
    server->handles = 3;
    server->listeners.loop = options->loop;
    server->listeners.cb = server_on_connection;
    server->listeners.data = server;
}

/* Raises the process's own limit on descriptors as far as it may; then takes no
 * more connections than leave descriptors for everything else. */
static uint64_t connections_possible(uint64_t wanted)
{
    rlim_t needed = wanted + DESCRIPTORS_SPARE;
    struct rlimit limit;
    uint64_t possible;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return wanted;
    }
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= needed) {
        return wanted;
    }
    possible = limit.rlim_cur > 2 * DESCRIPTORS_SPARE
                   ? limit.rlim_cur - DESCRIPTORS_SPARE
                   : limit.rlim_cur / 2;
    diag_warning("the limit of %llu open files allows %llu connections, "
                 "not %llu",
                 (unsigned long long)limit.rlim_cur,
                 (unsigned long long)possible, (unsigned long long)wanted);
    return possible;
}

static int server_listen(struct server *server,
                         const struct server_options *options, struct err *err)
{
    size_t i;
    int rv;

    assert(options->listen_count <= SERVER_LISTEN_MAX);
    for (i = 0; i < options->listen_count; i++) {
        rv = listeners_open_tcp(&server->listeners, &options->listen[i],
                                &server->ports[i], err);
        if (rv != 0) {
            return rv;
        }
    }
    if (options->unix_path == NULL) {
        return 0;
    }
    return listeners_open_unix(&server->listeners, options->unix_path, err);
}

/* Without descriptors the kernel would report the same waiting connection for
 * ever. So one descriptor is kept back: given up, it lets the connection in,
 * which is then turned away. */
static void server_on_connection(struct listener *listener, int status)
{
    struct server *server = listener->data;

    if (status == UV_EMFILE || status == UV_ENFILE) {
        sessions_complain(&server->sessions,
                          "out of file descriptors: a client is turned away");
        if (server->spare_fd >= 0) {
            close(server->spare_fd);
            server->spare_fd = -1;
        }
        return;
    }
    if (status != 0) {
        sessions_complain(&server->sessions, "accept: %s", uv_strerror(status));
        return;
    }
    if (server->spare_fd < 0 ||
        server->sessions.open_count >= server->connections_max) {
        server_turn_away(server, listener);
        return;
    }
    session_accept(&server->sessions, (uv_stream_t *)&listener->uv.stream,
                   listener->is_unix);
}

static void server_turn_away(struct server *server,
                             const struct listener *listener)
{
    struct session *session;

    if (server->spare_fd >= 0) {
        sessions_complain(&server->sessions,
                          "%llu connections are open: a client is turned away",
                          (unsigned long long)server->connections_max);
    }
    session = session_accept(&server->sessions,
                             (uv_stream_t *)(uintptr_t)&listener->uv.stream,
                             listener->is_unix);
    session_close(session);
    if (server->spare_fd < 0) {
        server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

static void server_on_prepare(uv_prepare_t *prepare)
{
    struct server *server = prepare->data;

    if (sessions_run_turns(&server->sessions)) {
        uv_idle_start(&server->idle, server_on_idle);
    } else {
        uv_idle_stop(&server->idle);
    }
}

static void server_on_idle(uv_idle_t *idle)
{
    (void)idle; /* that it is active is all */
}

static void server_on_timer(uv_timer_t *timer)
{
    struct server *server = timer->data;

    sessions_tick(&server->sessions);
    service_tick(server->sessions.service);
}

static void server_close_handles(struct server *server)
{
    server_drain(server);
    uv_close((uv_handle_t *)&server->prepare, server_on_handle_closed);
    uv_close((uv_handle_t *)&server->idle, server_on_handle_closed);
    uv_close((uv_handle_t *)&server->timer, server_on_handle_closed);
}

static void server_on_handle_closed(uv_handle_t *handle)
{
    struct server *server = handle->data;

    server->handles--;
    server_check_stopped(server);
}

static void server_on_listener_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    struct server *server = listener->data;

    server->listeners.open_count--;
    server_check_stopped(server);
}

static void server_on_freed(void *data)
{
    server_check_stopped(data);
}

static void server_check_stopped(struct server *server)
{
    if (server->handles > 0 || server->listeners.open_count > 0 ||
        server->sessions.memory_count > 0) {
        return;
    }
    if (server->abandoned) {
        server_free(server);
    } else if (server->stopping) {
        server->on_stopped(server->data);
    }
}
