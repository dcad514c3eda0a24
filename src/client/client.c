/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "client/probe.h"
#include "client/read_call.h"
#include "client/reader.h"
#include "client/writer.h"
#include "util/clock.h"
#include "util/splitmix64.h"

#define EVENTS_MAX 16
#define WAKE_SERIAL 0u /* epoll_data.u64 of wake_fd; sockets count from 1 */
#define ENDPOINTS_DEFAULT "127.0.0.1:7420"

static int set_options(struct ql_client *client,
                       const struct ql_client_options *options,
                       struct err *err);
static int open_descriptors(struct ql_client *client, struct err *err);
static uint64_t seed(void);
static void close_all(struct ql_client *client);
static void process(struct ql_client *client, struct epoll_event *events,
                    int count);
static void handle_events(struct ql_client *client, struct epoll_event *events,
                          int count);
static void drain_wake(struct ql_client *client);
static void ring(struct ql_client *client);

int ql_client_new(struct ql_client **ret_client,
                  const struct ql_client_options *options,
                  struct ql_error *error)
{
    struct ql_client_options given;
    struct ql_client *client;
    struct err err;
    int rv;

    rv = client_options_copy(&given, sizeof(given), options, error);
    if (rv != 0) {
        return rv;
    }
    client = calloc(1, sizeof(*client));
    if (client == NULL) {
        return error_set(error, QL_NO_MEMORY, "out of memory");
    }
    client->epoll_fd = -1;
    client->wake_fd = -1;
    client->next_serial = WAKE_SERIAL + 1;
    client->timer_ms = UINT64_MAX;
    client->deadline_ms = UINT64_MAX;
    client->random = seed();
    list_init(&client->probes);
    list_init(&client->waiting);
    list_init(&client->in_flight);
    request_pool_init(&client->append_calls, sizeof(struct append_call));
    request_pool_init(&client->read_calls, read_call_size());
    list_init(&client->readers);
    list_init(&client->writers);
    append_queue_init(client);
    rv = set_options(client, &given, &err);
    if (rv == 0) {
        rv = open_descriptors(client, &err);
    }
    uplink_init(client);
    scout_init(client);
    if (rv != 0) {
        close_all(client);
        return error_from_err(error, rv, &err);
    }
    *ret_client = client;
    return 0;
}

void ql_client_free(struct ql_client *client)
{
    if (client == NULL) {
        return;
    }
    client->now_ms = clock_monotonic_ms();
    client->processing = true;
    client->closing = true;
    append_queue_say_goodbye(client);
    probe_cancel_all(client);
    request_cancel_all(client);
    append_queue_cancel_all(client);
    close_all(client);
}

int ql_client_fd(const struct ql_client *client)
{
    return client->epoll_fd;
}

/* The epoll descriptor becomes readable whatever happens inside. */
int ql_client_events(const struct ql_client *client)
{
    (void)client;
    return POLLIN;
}

int ql_client_timeout_ms(const struct ql_client *client)
{
    const uint64_t most = 24u * 3600u * 1000u;
    uint64_t now_ms = clock_monotonic_ms();
    uint64_t at_ms = client->timer_ms;

    if (client->deadline_ms < at_ms) {
        at_ms = client->deadline_ms;
    }
    if (client->dirty || at_ms <= now_ms) {
        return 0;
    }
    if (at_ms == UINT64_MAX) {
        return -1;
    }
    return (int)(at_ms - now_ms < most ? at_ms - now_ms : most);
}

int ql_client_process(struct ql_client *client)
{
    struct epoll_event events[EVENTS_MAX];

    if (client->processing) {
        return QL_INVALID;
    }
    process(client, events,
            epoll_wait(client->epoll_fd, events, EVENTS_MAX, 0));
    return 0;
}

int ql_client_wait(struct ql_client *client, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int own_ms = ql_client_timeout_ms(client);

    if (client->processing) {
        return QL_INVALID;
    }
    if (timeout_ms < 0 || (own_ms >= 0 && own_ms < timeout_ms)) {
        timeout_ms = own_ms;
    }
    /* Interrupted or not, looking at the time does no harm. */
    process(client, events,
            epoll_wait(client->epoll_fd, events, EVENTS_MAX, timeout_ms));
    return 0;
}

size_t ql_client_pending(const struct ql_client *client)
{
    return client->pending;
}

/* @count below 0: the wait was interrupted. */
static void process(struct ql_client *client, struct epoll_event *events,
                    int count)
{
    client->processing = true;
    client->now_ms = clock_monotonic_ms();
    client->timer_ms = UINT64_MAX;
    client->dirty = false;
    handle_events(client, events, count);
    request_expire_all(client);
    reader_notify_all(client);
    writer_notify_all(client);
    /* What the callbacks above have queued goes out here. */
    client->dirty = false;
    probe_step_all(client);
    uplink_step(client);
    /* It waits for what has just been asked. */
    scout_step(client);
    client->processing = false;
    if (client->dirty) {
        ring(client);
    }
}

void client_wake(struct ql_client *client)
{
    if (!client->dirty) {
        client->dirty = true;
        if (!client->processing && !client->blocking) {
            ring(client);
        }
    }
}

void client_timer(struct ql_client *client, uint64_t at_ms)
{
    if (at_ms < client->timer_ms) {
        client->timer_ms = at_ms;
    }
}

uint64_t client_random(struct ql_client *client)
{
    return splitmix64(&client->random);
}

uint64_t client_now(struct ql_client *client)
{
    return client->processing ? client->now_ms : clock_monotonic_ms();
}

int client_options_copy(void *ret, size_t room, const void *options,
                        struct ql_error *error)
{
    size_t size;

    memset(ret, 0, room);
    if (options == NULL) {
        return 0;
    }
    memcpy(&size, options, sizeof(size));
    if (size < sizeof(size) || size > 64 * (size_t)KIB) {
        return error_set(error, QL_INVALID,
                         "an options struct must be started with its "
                         "QL_..._OPTIONS_INIT");
    }
    memcpy(ret, options, size < room ? size : room);
    return 0;
}

/* ---- Making -------------------------------------------------------------- */

static int set_options(struct ql_client *client,
                       const struct ql_client_options *options, struct err *err)
{
    const char *endpoints = options->endpoints;

    client->timeout_ms =
        options->timeout_ms != 0 ? options->timeout_ms : CLIENT_TIMEOUT_MS;
    client->connect_timeout_ms = options->connect_timeout_ms != 0
                                     ? options->connect_timeout_ms
                                     : CLIENT_CONNECT_TIMEOUT_MS;
    client->calls_max =
        options->calls_max != 0 ? options->calls_max : CLIENT_CALLS_MAX;
    client->bytes_max =
        options->bytes_max != 0 ? options->bytes_max : CLIENT_BYTES_MAX;
    if (options->name != NULL) {
        size_t len = strnlen(options->name, sizeof(client->name) - 1);

        memcpy(client->name, options->name, len);
    }
    if (endpoints == NULL || endpoints[0] == '\0') {
        endpoints = getenv("QUORLOG_ENDPOINTS");
    }
    if (endpoints == NULL || endpoints[0] == '\0') {
        endpoints = ENDPOINTS_DEFAULT;
    }
    return route_init(&client->route, endpoints, err);
}

static int open_descriptors(struct ql_client *client, struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN};

    client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (client->epoll_fd < 0) {
        return err_errno(err, errno, "epoll_create1");
    }
    client->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (client->wake_fd < 0) {
        return err_errno(err, errno, "eventfd");
    }
    event.data.u64 = WAKE_SERIAL;
    if (epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, client->wake_fd, &event) !=
        0) {
        return err_errno(err, errno, "epoll_ctl");
    }
    return 0;
}

static uint64_t seed(void)
{
    uint64_t value;

    if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value)) {
        /* Never seen, but a client must not end the process over it. */
        value = clock_wall_ms() ^ ((uint64_t)getpid() << 32) ^
                (uint64_t)(uintptr_t)&value;
    }
    return value;
}

static void close_all(struct ql_client *client)
{
    uplink_close(client);
    scout_close(client);
    route_close(&client->route);
    request_pool_close(&client->append_calls);
    request_pool_close(&client->read_calls);
    if (client->wake_fd >= 0) {
        close(client->wake_fd);
    }
    if (client->epoll_fd >= 0) {
        close(client->epoll_fd);
    }
    free(client);
}

/* ---- Processing ---------------------------------------------------------- */

static void handle_events(struct ql_client *client, struct epoll_event *events,
                          int count)
{
    int i;

    for (i = 0; i < count; i++) {
        uint64_t serial = events[i].data.u64;

        if (serial == WAKE_SERIAL) {
            drain_wake(client);
        } else if (serial == client->uplink.conn.serial &&
                   client->uplink.conn.fd >= 0) {
            uplink_on_events(client, events[i].events);
        } else if (!scout_on_events(client, serial, events[i].events)) {
            /* An event of a socket closed meanwhile belongs to nobody. */
            (void)probe_on_events(client, serial, events[i].events);
        }
    }
}

static void drain_wake(struct ql_client *client)
{
    uint64_t rung;

    /* It may be empty: rung twice, drained once. */
    if (read(client->wake_fd, &rung, sizeof(rung)) < 0) {
        return;
    }
}

static void ring(struct ql_client *client)
{
    const uint64_t one = 1;

    /* Fails only when it is rung already. */
    if (write(client->wake_fd, &one, sizeof(one)) < 0) {
        return;
    }
}
