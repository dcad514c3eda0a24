/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/route.h"

#include <stdlib.h>
#include <string.h>

#define PORT_DEFAULT 7420

static int add_endpoint(struct route *route, const char *text, size_t len,
                        struct err *err);

int route_init(struct route *route, const char *endpoints, struct err *err)
{
    const char *at = endpoints;
    int rv = 0;

    memset(route, 0, sizeof(*route));
    route->endpoints = calloc(CLIENT_ENDPOINTS_MAX, sizeof(*route->endpoints));
    if (route->endpoints == NULL) {
        return err_set(err, QL_NO_MEMORY, "out of memory");
    }
    while (rv == 0) {
        size_t len = strcspn(at, ",");

        rv = add_endpoint(route, at, len, err);
        if (at[len] == '\0') {
            break;
        }
        at += len + 1;
    }
    if (rv != 0) {
        route_close(route);
    }
    return rv;
}

void route_close(struct route *route)
{
    free(route->endpoints);
    memset(route, 0, sizeof(*route));
}

const struct address *route_take(struct route *route)
{
    const struct address *endpoint;

    if (route->has_hint) {
        route->has_hint = false;
        return &route->hint;
    }
    endpoint = &route->endpoints[route->next];
    route->next = (route->next + 1) % route->count;
    return endpoint;
}

bool route_parse_leader(struct bytes leader, struct address *ret)
{
    char text[ADDRESS_MAX];
    struct address address;

    if (leader.len == 0 || leader.len >= sizeof(text)) {
        return false;
    }
    memcpy(text, leader.data, leader.len);
    text[leader.len] = '\0';
    if (strlen(text) != leader.len ||
        address_parse(text, PORT_DEFAULT, &address, NULL) != 0) {
        return false;
    }
    /* A server has no say in which local sockets a program opens. */
    if (address.is_unix) {
        return false;
    }
    *ret = address;
    return true;
}

void route_hint(struct route *route, struct bytes leader)
{
    if (route_parse_leader(leader, &route->hint)) {
        route->has_hint = true;
    }
}

void route_found(struct route *route, const struct address *leader)
{
    route->hint = *leader;
    route->has_hint = true;
    route->failures = 0;
    route->not_before_ms = 0;
}

void route_forget_hint(struct route *route)
{
    route->has_hint = false;
}

void route_failed(struct route *route, uint64_t now_ms, uint64_t random)
{
    uint32_t turns;

    if (route->failures < UINT32_MAX) {
        route->failures++;
    }
    /* Each endpoint and one redirection are tried without waiting. */
    turns = route->failures / ((uint32_t)route->count + 1);
    route->not_before_ms =
        turns == 0 ? now_ms : now_ms + route_delay_ms(turns, random);
}

void route_good(struct route *route)
{
    route->failures = 0;
    route->not_before_ms = 0;
}

uint64_t route_delay_ms(uint32_t attempt, uint64_t random)
{
    uint64_t delay = CLIENT_RETRY_MIN_MS;

    while (attempt > 1 && delay < CLIENT_RETRY_MAX_MS) {
        delay *= 2;
        attempt--;
    }
    if (delay > CLIENT_RETRY_MAX_MS) {
        delay = CLIENT_RETRY_MAX_MS;
    }
    return delay / 2 + random % (delay / 2 + 1);
}

static int add_endpoint(struct route *route, const char *text, size_t len,
                        struct err *err)
{
    char one[ADDRESS_MAX];
    int rv;

    if (route->count == CLIENT_ENDPOINTS_MAX) {
        return err_set(err, QL_INVALID, "more than %u endpoints",
                       CLIENT_ENDPOINTS_MAX);
    }
    if (len == 0 || len >= sizeof(one)) {
        return err_set(err, QL_INVALID,
                       "endpoint list: an endpoint has 1 to %zu bytes",
                       sizeof(one) - 1);
    }
    memcpy(one, text, len);
    one[len] = '\0';
    rv = address_parse(one, PORT_DEFAULT, &route->endpoints[route->count], err);
    if (rv != 0) {
        err_wrap(err, "endpoint list");
        return rv;
    }
    route->count++;
    return 0;
}
