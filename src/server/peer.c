/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "server/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define LOOPBACK_NET 127u /* the first byte of 127.0.0.0/8 */

union peer_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage storage;
};

static bool peer_read(const uv_tcp_t *tcp, union peer_address *ret);

void peer_name(const uv_tcp_t *tcp, char ret_text[ADDRESS_MAX])
{
    char host[INET6_ADDRSTRLEN] = "";
    union peer_address address;

    if (!peer_read(tcp, &address)) {
        snprintf(ret_text, ADDRESS_MAX, "?");
    } else if (address.any.sa_family == AF_INET6) {
        uv_ip6_name(&address.v6, host, sizeof(host));
        snprintf(ret_text, ADDRESS_MAX, "[%s]:%u", host,
                 ntohs(address.v6.sin6_port));
    } else {
        uv_ip4_name(&address.v4, host, sizeof(host));
        snprintf(ret_text, ADDRESS_MAX, "%s:%u", host,
                 ntohs(address.v4.sin_port));
    }
}

bool peer_is_loopback(const uv_tcp_t *tcp)
{
    union peer_address address;
    const uint8_t *bytes;

    if (!peer_read(tcp, &address)) {
        return false;
    }
    if (address.any.sa_family == AF_INET) {
        return ntohl(address.v4.sin_addr.s_addr) >> 24 == LOOPBACK_NET;
    }
    if (address.any.sa_family != AF_INET6) {
        return false;
    }
    bytes = address.v6.sin6_addr.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr)) {
        return bytes[12] == LOOPBACK_NET;
    }
    return IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
}

static bool peer_read(const uv_tcp_t *tcp, union peer_address *ret)
{
    int len = sizeof(*ret);

    memset(ret, 0, sizeof(*ret));
    return uv_tcp_getpeername(tcp, &ret->any, &len) == 0;
}
