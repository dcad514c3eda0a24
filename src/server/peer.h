/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Who is on the other side of a connection. */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "util/limits.h"

/* "127.0.0.1:1234", "[::1]:1234", "?" when the connection is gone. */
void peer_name(const uv_tcp_t *tcp, char ret_text[ADDRESS_MAX]);
/* 127.0.0.0/8, ::1, or the former written as an IPv6 address. */
bool peer_is_loopback(const uv_tcp_t *tcp);
