/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The identity as the text that its file holds: docs/formats.md, "Identity". */
#pragma once

#include "consensus/identity.h"
#include "util/buf.h"

/* QL_INVALID with a sentence when a field cannot be. */
int identity_check(const struct identity *identity, struct err *err);
/* Appends to @buf. @identity has passed identity_check(). */
void identity_encode(const struct identity *identity, struct buf *buf);
/* QL_CORRUPT: no byte other than what identity_encode() writes is taken. */
int identity_decode(struct identity *ret, const void *bytes, size_t len,
                    struct err *err);
