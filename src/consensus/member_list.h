/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Rules that the members of a cluster must meet. */
#pragma once

#include "consensus/identity.h"

/* "IPV4:PORT", "[IPV6]:PORT" or "NAME:PORT" into its one canonical form;
 * QL_INVALID with a sentence. */
int peer_address_parse(const char *text, char ret_address[ADDRESS_MAX],
                       struct err *err);
/* 1..MEMBERS_MAX members by rising id, canonical addresses, none twice. */
int members_check(const struct member *members, size_t count, struct err *err);
