/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "util/text.h"

#define UNIX_PREFIX "unix:"
#define UNIX_PREFIX_LEN (sizeof UNIX_PREFIX - 1)

static int unix_parse(const char *path, struct address *ret_address,
                      struct err *err);
static int host_set(struct address *address, const char *host, size_t len,
                    const char *text, struct err *err);
static bool host_byte(char c, bool in_brackets);

int address_parse(const char *text, uint16_t port_default,
                  struct address *ret_address, struct err *err)
{
    struct address address = {.port = port_default};
    uint64_t port = port_default;
    bool in_brackets = text[0] == '[';
    const char *host = in_brackets ? text + 1 : text;
    const char *end = in_brackets ? strchr(text, ']') : strchr(text, ':');
    const char *rest;
    int rv;

    if (strncmp(text, UNIX_PREFIX, UNIX_PREFIX_LEN) == 0) {
        return unix_parse(text + UNIX_PREFIX_LEN, ret_address, err);
    }
    if (in_brackets && end == NULL) {
        return err_set(err, QL_INVALID, "address \"%s\" lacks its ]", text);
    }
    if (!in_brackets && end != NULL && strchr(end + 1, ':') != NULL) {
        return err_set(err, QL_INVALID,
                       "address \"%s\": write IPv6 as [ADDRESS]:PORT", text);
    }
    if (end == NULL) {
        end = text + strlen(text);
    }

    rv = host_set(&address, host, (size_t)(end - host), text, err);
    if (rv != 0) {
        return rv;
    }
    rest = in_brackets ? end + 1 : end;
    if (*rest == ':') {
        rv = text_u64(rest + 1, UINT16_MAX, &port, err);
        if (rv != 0) {
            err_wrap(err, "port of address \"%s\"", text);
            return rv;
        }
    } else if (*rest != '\0') {
        return err_set(err, QL_INVALID,
                       "address \"%s\": only :PORT may follow the ]", text);
    }
    if (port == 0) {
        return err_set(err, QL_INVALID,
                       "address \"%s\" needs a port from 1 to 65535", text);
    }
    address.port = (uint16_t)port;
    *ret_address = address;
    return 0;
}

void address_format(const struct address *address, char ret_text[ADDRESS_MAX])
{
    int len;

    if (address->is_unix) {
        len = snprintf(ret_text, ADDRESS_MAX, UNIX_PREFIX "%s", address->host);
    } else {
        bool is_v6 = strchr(address->host, ':') != NULL;

        len =
            snprintf(ret_text, ADDRESS_MAX, "%s%s%s:%u", is_v6 ? "[" : "",
                     address->host, is_v6 ? "]" : "", (unsigned)address->port);
    }
    /* A host of 255 bytes and all around it fit. */
    assert(len < (int)ADDRESS_MAX);
}

bool address_is_loopback(const struct address *address)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (address->is_unix || strcmp(address->host, "localhost") == 0) {
        return true;
    }
    if (inet_pton(AF_INET, address->host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    if (inet_pton(AF_INET6, address->host, &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6) != 0;
    }
    return false;
}

static int unix_parse(const char *path, struct address *ret_address,
                      struct err *err)
{
    struct sockaddr_un limits;
    size_t len = strlen(path);

    if (len == 0) {
        return err_set(err, QL_INVALID,
                       "address \"" UNIX_PREFIX
                       "\" lacks the path of the socket");
    }
    if (len >= sizeof limits.sun_path) {
        return err_set(err, QL_INVALID,
                       "the socket path %s is longer than the %zu bytes that "
                       "the system takes",
                       path, sizeof limits.sun_path - 1);
    }
    *ret_address = (struct address){.is_unix = true};
    memcpy(ret_address->host, path, len);
    return 0;
}

static int host_set(struct address *address, const char *host, size_t len,
                    const char *text, struct err *err)
{
    bool in_brackets = text[0] == '[';
    struct in6_addr v6;

    if (len == 0) {
        return err_set(err, QL_INVALID, "address \"%s\" lacks a host", text);
    }
    if (len >= sizeof address->host) {
        return err_set(err, QL_INVALID,
                       "the host in address \"%s\" is longer than %zu bytes",
                       text, sizeof address->host - 1);
    }
    for (size_t i = 0; i < len; i++) {
        if (!host_byte(host[i], in_brackets)) {
            return err_set(err, QL_INVALID,
                           "address \"%s\": \"%c\" cannot be in a host", text,
                           host[i]);
        }
    }
    memcpy(address->host, host, len);
    address->host[len] = '\0';
    if (in_brackets && strchr(address->host, '%') == NULL &&
        inet_pton(AF_INET6, address->host, &v6) != 1) {
        return err_set(err, QL_INVALID, "address \"%s\": %s is no IPv6 address",
                       text, address->host);
    }
    return 0;
}

/* A zone ("fe80::1%eth0") may follow an IPv6 address. */
static bool host_byte(char c, bool in_brackets)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
           (in_brackets && (c == ':' || c == '%'));
}
