/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "consensus/link_parts.h"
#include "consensus/member_list.h"
#include "util/diag.h"

#define BACKLOG 64

static int open_sockets(const char *listen_address,
                        int ret_fds[LINK_LISTENERS_MAX], size_t *ret_count,
                        struct err *err);
static int open_socket(const struct addrinfo *address, int *ret_fd);
static void on_connection(uv_stream_t *listener, int status);
static void make_room(struct link *link);
static void name_remote(struct link_stream *stream);

/* The sockets are made by hand first, because a handle that failed could only be
 * given back by running the loop. */
int link_listen_start(struct link *link, struct err *err)
{
    const struct identity *identity = link->options.identity;
    const char *text =
        link->options.listen != NULL
            ? link->options.listen
            : identity_member(identity, identity->node)->peer_address;
    int fds[LINK_LISTENERS_MAX];
    char canonical[ADDRESS_MAX];
    size_t count = 0;
    int rv = peer_address_parse(text, canonical, err);

    if (rv == 0) {
        rv = open_sockets(canonical, fds, &count, err);
    }
    if (rv != 0) {
        return rv;
    }
    for (size_t i = 0; i < count; i++) {
        uv_tcp_t *listener = &link->listeners[i];

        (void)uv_tcp_init(link->options.loop, listener);
        listener->data = link;
        link->open++;
        if (uv_tcp_open(listener, fds[i]) != 0 ||
            uv_listen((uv_stream_t *)listener, BACKLOG, on_connection) != 0) {
            diag_die(1,
                     "the event loop cannot take the socket that listens "
                     "for peers on %s",
                     canonical);
        }
    }
    link->listeners_count = count;
    return 0;
}

void link_listen_stop(struct link *link)
{
    for (size_t i = 0; i < link->listeners_count; i++) {
        uv_close((uv_handle_t *)&link->listeners[i], link_on_handle_closed);
    }
}

/* A name may stand for several addresses, not all of which need be this
 * machine's; one in use is an error all the same. */
static int open_sockets(const char *listen_address,
                        int ret_fds[LINK_LISTENERS_MAX], size_t *ret_count,
                        struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    struct address address;
    char port[8];
    size_t count = 0;
    int reason = 0;
    int rv = address_parse(listen_address, 0, &address, err);

    if (rv != 0) {
        return rv;
    }
    (void)snprintf(port, sizeof port, "%u", (unsigned)address.port);
    rv = getaddrinfo(address.host, port, &hints, &found);
    if (rv != 0) {
        return err_set(err, QL_IO, "listen for peers on %s: %s", listen_address,
                       gai_strerror(rv));
    }
    for (const struct addrinfo *at = found;
         at != NULL && count < LINK_LISTENERS_MAX && reason != EADDRINUSE;
         at = at->ai_next) {
        reason = open_socket(at, &ret_fds[count]);
        count += reason == 0;
    }
    freeaddrinfo(found);
    if (count == 0 || reason == EADDRINUSE) {
        for (size_t i = 0; i < count; i++) {
            (void)close(ret_fds[i]);
        }
        (void)err_set(err, QL_IO, "listen for peers on %s: %s", listen_address,
                      strerror(reason));
        return QL_IO;
    }
    *ret_count = count;
    return 0;
}

/* Returns 0 or an errno. */
static int open_socket(const struct addrinfo *address, int *ret_fd)
{
    int on = 1;
    int reason;
    int fd = socket(address->ai_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return errno;
    }
    /* Connections of a process that has ended must not keep the next one from
     * listening. An IPv6 address means IPv6. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 ||
        listen(fd, BACKLOG) != 0) {
        reason = errno;
        (void)close(fd);
        return reason;
    }
    *ret_fd = fd;
    return 0;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct link *link = listener->data;
    struct link_stream *stream;

    /* Such as too many open files: it goes on listening. */
    if (status != 0) {
        return;
    }
    make_room(link);
    stream = link_stream_new(link, NULL);
    if (uv_accept(listener, (uv_stream_t *)&stream->tcp) != 0) {
        link_stream_close(stream);
        return;
    }
    name_remote(stream);
    link_stream_begin(stream);
}

/* The oldest stranger goes: a member needs a moment only, so that whoever would
 * keep members out has to come anew all the time. */
static void make_room(struct link *link)
{
    struct list *at = link->streams.next;

    if (link->strangers < LINK_STRANGERS_MAX) {
        return;
    }
    while (at != &link->streams) {
        struct link_stream *stream = LIST_ITEM(at, struct link_stream, place);

        if (!stream->outgoing && !stream->proven && !stream->closing) {
            link->counts.unfinished++;
            link_stream_close(stream);
            return;
        }
        at = at->next;
    }
}

static void name_remote(struct link_stream *stream)
{
    struct sockaddr_storage remote;
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    int len = sizeof remote;

    strcpy(stream->remote, "an unknown address");
    if (uv_tcp_getpeername(&stream->tcp, (struct sockaddr *)&remote, &len) ==
            0 &&
        getnameinfo((struct sockaddr *)&remote, (socklen_t)len, host,
                    sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        (void)snprintf(stream->remote, sizeof stream->remote, "%.200s port %s",
                       host, port);
    }
}
