/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static int resolve_unix(struct dial *ret, const struct address *address,
                        struct err *err);
static int resolve_inet(struct dial *ret, const struct address *address,
                        struct err *err);
static int start(const struct dial_target *target, int *ret_fd,
                 struct err *err);
static void set_tcp_options(int fd);

int dial_resolve(struct dial *ret, const struct address *address,
                 struct err *err)
{
    memset(ret, 0, sizeof(*ret));
    if (address->is_unix) {
        return resolve_unix(ret, address, err);
    }
    return resolve_inet(ret, address, err);
}

int dial_next(struct dial *dial, int *ret_fd, struct err *err)
{
    int rv = err_set(err, QL_CONNECT, "no address to connect to");

    while (dial->next < dial->count) {
        rv = start(&dial->targets[dial->next++], ret_fd, err);
        if (rv == 0) {
            return 0;
        }
    }
    return rv;
}

int dial_result(int fd, struct err *err)
{
    int errnum = 0;
    socklen_t len = sizeof(errnum);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &len) != 0) {
        errnum = errno;
    }
    if (errnum != 0) {
        err_errno(err, errnum, "connect");
        err->code = QL_CONNECT;
        return QL_CONNECT;
    }
    return 0;
}

static int resolve_unix(struct dial *ret, const struct address *address,
                        struct err *err)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    size_t len = strlen(address->host);

    if (len >= sizeof(local.sun_path)) {
        return err_set(err, QL_CONNECT,
                       "the path of a unix socket must be shorter than %zu "
                       "bytes: %s",
                       sizeof(local.sun_path), address->host);
    }
    memcpy(local.sun_path, address->host, len);
    memcpy(&ret->targets[0].address, &local, sizeof(local));
    ret->targets[0].len = sizeof(local);
    ret->count = 1;
    return 0;
}

static int resolve_inet(struct dial *ret, const struct address *address,
                        struct err *err)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV,
    };
    struct addrinfo *found = NULL;
    const struct addrinfo *each;
    char port[8];
    int rv;

    snprintf(port, sizeof(port), "%u", (unsigned)address->port);
    rv = getaddrinfo(address->host, port, &hints, &found);
    if (rv == EAI_MEMORY) {
        return err_set(err, QL_NO_MEMORY, "resolve %s: out of memory",
                       address->host);
    }
    if (rv != 0) {
        return err_set(err, QL_CONNECT, "resolve %s: %s", address->host,
                       gai_strerror(rv));
    }
    for (each = found; each != NULL && ret->count < CLIENT_ADDRESSES_MAX;
         each = each->ai_next) {
        struct dial_target *target = &ret->targets[ret->count];

        if (each->ai_addrlen <= sizeof(target->address)) {
            memcpy(&target->address, each->ai_addr, each->ai_addrlen);
            target->len = each->ai_addrlen;
            ret->count++;
        }
    }
    freeaddrinfo(found);
    return 0;
}

static int start(const struct dial_target *target, int *ret_fd, struct err *err)
{
    int family = target->address.ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int errnum;

    if (fd < 0) {
        errnum = errno;
        goto fail;
    }
    if (family != AF_UNIX) {
        set_tcp_options(fd);
    }
    /* A socket that is connected at once is writable at once, too: there is no
     * second way to handle. EINTR leaves it connecting as well. */
    if (connect(fd, (const struct sockaddr *)&target->address, target->len) !=
            0 &&
        errno != EINPROGRESS && errno != EINTR) {
        errnum = errno;
        close(fd);
        goto fail;
    }
    *ret_fd = fd;
    return 0;

fail:
    err_errno(err, errnum, "connect");
    err->code = QL_CONNECT;
    return QL_CONNECT;
}

/* All of them only make things faster; a socket without them works. */
static void set_tcp_options(int fd)
{
    const int on = 1;
    const int idle_s = 10;
    const int interval_s = 5;
    const int probes = 3;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s,
                     sizeof(interval_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}
