/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * From an address to a connecting socket. Name resolution is getaddrinfo(3),
 * which blocks; numeric addresses and unix sockets never do (docs/limits.md).
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "util/limits.h"
#include "util/text.h"

struct dial_target {
    struct sockaddr_storage address;
    socklen_t len;
};

/* What an address resolved to, and how far it was tried. */
struct dial {
    struct dial_target targets[CLIENT_ADDRESSES_MAX];
    size_t count;
    size_t next;
};

/* QL_CONNECT when the name cannot be resolved, QL_NO_MEMORY. */
int dial_resolve(struct dial *ret, const struct address *address,
                 struct err *err);
/* Begins to connect to the next target: *ret_fd is non-blocking and
 * close-on-exec. QL_CONNECT when none is left or the last one was refused. */
int dial_next(struct dial *dial, int *ret_fd, struct err *err);
/* After the socket became writable: 0, or QL_CONNECT with the reason. */
int dial_result(int fd, struct err *err);
