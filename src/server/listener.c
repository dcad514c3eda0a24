/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "server/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG 511

union listen_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage storage;
};

static int unix_make_way(const char *path, struct err *err);
static int unix_remove_dead(const char *path, struct err *err);
static void listener_on_connection(uv_stream_t *stream, int status);
static int listener_start(struct listener *listener, listener_cb cb,
                          const char *where, struct err *err);
static int listen_error(int status, const char *where, struct err *err);
static void address_copy(union listen_address *ret,
                         const struct sockaddr *address, uint16_t port);
static uint16_t address_port(const union listen_address *address);
static void address_text(const union listen_address *address, char *ret_text,
                         size_t room);

int listener_open_tcp(struct listener *listener, uv_loop_t *loop,
                      const struct sockaddr *address, uint16_t port,
                      listener_cb cb, struct err *err)
{
    union listen_address own;
    char where[INET6_ADDRSTRLEN + 16];
    int len = sizeof(own);
    int rv;

    uv_tcp_init(loop, &listener->uv.tcp);
    listener->uv.handle.data = listener;
    listener->is_unix = false;
    address_copy(&own, address, port);
    address_text(&own, where, sizeof(where));
    rv = uv_tcp_bind(&listener->uv.tcp, &own.any, 0);
    if (rv != 0) {
        return listen_error(rv, where, err);
    }
    rv = listener_start(listener, cb, where, err);
    if (rv != 0) {
        return rv;
    }
    rv = uv_tcp_getsockname(&listener->uv.tcp, &own.any, &len);
    if (rv != 0) {
        return listen_error(rv, where, err);
    }
    listener->port = address_port(&own);
    return 0;
}

int listener_open_unix(struct listener *listener, uv_loop_t *loop,
                       const char *path, listener_cb cb, struct err *err)
{
    struct sockaddr_un address;
    int rv;

    uv_pipe_init(loop, &listener->uv.pipe, 0);
    listener->uv.handle.data = listener;
    listener->is_unix = true;
    if (strlen(path) >= sizeof(address.sun_path)) {
        return err_set(err, QL_INVALID,
                       "%s: the path of a unix socket must be shorter than "
                       "%zu bytes",
                       path, sizeof(address.sun_path));
    }
    rv = unix_make_way(path, err);
    if (rv != 0) {
        return rv;
    }
    rv = uv_pipe_bind(&listener->uv.pipe, path);
    if (rv != 0) {
        return listen_error(rv, path, err);
    }
    /* Nobody can connect before listen(), so there is no moment at which others
     * could. */
    if (chmod(path, S_IRUSR | S_IWUSR) != 0) {
        return err_errno(err, errno, "chmod %s", path);
    }
    return listener_start(listener, cb, path, err);
}

static int unix_make_way(const char *path, struct err *err)
{
    struct stat stat;

    if (lstat(path, &stat) != 0) {
        return errno == ENOENT ? 0 : err_errno(err, errno, "stat %s", path);
    }
    if (!S_ISSOCK(stat.st_mode)) {
        return err_set(err, QL_EXISTS, "%s is there and is no socket", path);
    }
    return unix_remove_dead(path, err);
}

/* Only a connect tells whether a process still listens. */
static int unix_remove_dead(const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int rv = 0;
    int fd;

    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_errno(err, errno, "make a socket");
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
        errno == EAGAIN) {
        rv = err_set(err, QL_BUSY, "another process listens on %s", path);
    } else if (errno != ECONNREFUSED) {
        rv = err_errno(err, errno, "connect to %s", path);
    } else if (unlink(path) != 0) {
        rv = err_errno(err, errno, "remove %s", path);
    }
    close(fd);
    return rv;
}

static int listener_start(struct listener *listener, listener_cb cb,
                          const char *where, struct err *err)
{
    int rv;

    listener->cb = cb;
    rv =
        uv_listen(&listener->uv.stream, LISTEN_BACKLOG, listener_on_connection);
    return rv == 0 ? 0 : listen_error(rv, where, err);
}

static void listener_on_connection(uv_stream_t *stream, int status)
{
    struct listener *listener = stream->data;

    listener->cb(listener, status);
}

static int listen_error(int status, const char *where, struct err *err)
{
    int code = QL_IO;

    if (status == UV_EADDRINUSE) {
        code = QL_BUSY;
    } else if (status == UV_EADDRNOTAVAIL || status == UV_EAFNOSUPPORT) {
        code = QL_NOT_FOUND;
    }
    return err_set(err, code, "listen on %s: %s", where, uv_strerror(status));
}

static void address_copy(union listen_address *ret,
                         const struct sockaddr *address, uint16_t port)
{
    memset(ret, 0, sizeof(*ret));
    memcpy(ret, address,
           address->sa_family == AF_INET6 ? sizeof(ret->v6) : sizeof(ret->v4));
    if (port == 0) {
        return;
    }
    if (ret->any.sa_family == AF_INET6) {
        ret->v6.sin6_port = htons(port);
    } else {
        ret->v4.sin_port = htons(port);
    }
}

static uint16_t address_port(const union listen_address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port
                                                    : address->v4.sin_port);
}

static void address_text(const union listen_address *address, char *ret_text,
                         size_t room)
{
    char host[INET6_ADDRSTRLEN] = "";

    if (address->any.sa_family == AF_INET6) {
        uv_ip6_name(&address->v6, host, sizeof(host));
        snprintf(ret_text, room, "[%s]:%u", host, address_port(address));
    } else {
        uv_ip4_name(&address->v4, host, sizeof(host));
        snprintf(ret_text, room, "%s:%u", host, address_port(address));
    }
}
