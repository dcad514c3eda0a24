/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "server/listeners.h"

#include <assert.h>
#include <netdb.h>

static int open_each(struct listeners *listeners, const struct addrinfo *infos,
                     uint16_t *ret_port, struct err *err);
static struct listener *listeners_add(struct listeners *listeners);

int listeners_open_tcp(struct listeners *listeners,
                       const struct address *address, uint16_t *ret_port,
                       struct err *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE};
    struct addrinfo *infos;
    int rv;

    rv = getaddrinfo(address->host, NULL, &hints, &infos);
    if (rv != 0) {
        return err_set(err, QL_INVALID, "listen on %s: %s", address->host,
                       gai_strerror(rv));
    }
    *ret_port = address->port;
    rv = open_each(listeners, infos, ret_port, err);
    freeaddrinfo(infos);
    return rv;
}

int listeners_open_unix(struct listeners *listeners, const char *path,
                        struct err *err)
{
    return listener_open_unix(listeners_add(listeners), listeners->loop, path,
                              listeners->cb, err);
}

void listeners_close(struct listeners *listeners, uv_close_cb cb)
{
    size_t i;

    for (i = 0; i < listeners->count; i++) {
        uv_close(&listeners->items[i].uv.handle, cb);
    }
}

/* All addresses of a name share a port, also one that the kernel chose. Those
 * that this machine does not have (IPv6 may be off) are left out, unless that
 * leaves none. */
static int open_each(struct listeners *listeners, const struct addrinfo *infos,
                     uint16_t *ret_port, struct err *err)
{
    const struct addrinfo *info;
    size_t opened = 0;
    int rv = QL_NOT_FOUND;

    for (info = infos; info != NULL; info = info->ai_next) {
        struct listener *listener;

        if (listeners->count == LISTENERS_MAX - 1) {
            break;
        }
        listener = listeners_add(listeners);
        rv = listener_open_tcp(listener, listeners->loop, info->ai_addr,
                               *ret_port, listeners->cb, err);
        if (rv == 0) {
            *ret_port = listener->port;
            opened++;
        } else if (rv != QL_NOT_FOUND) {
            return rv;
        }
    }
    return opened > 0 ? 0 : rv;
}

static struct listener *listeners_add(struct listeners *listeners)
{
    struct listener *listener;

    assert(listeners->count < LISTENERS_MAX);
    listener = &listeners->items[listeners->count++];
    listener->data = listeners->data;
    listeners->open_count++;
    return listener;
}
