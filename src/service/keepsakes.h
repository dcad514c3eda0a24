/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Copies of bytes that an answer is made of while it grows, and that go together
 * when it has been sent. */
#pragma once

#include "util/buf.h"

struct keepsakes {
    struct keepsake *last; /* NULL: none */
};

/* A copy that lives until keepsakes_close(). One without data stays so. */
struct bytes keepsakes_add(struct keepsakes *keepsakes, struct bytes bytes);
/* The struct may be used again. */
void keepsakes_close(struct keepsakes *keepsakes);
