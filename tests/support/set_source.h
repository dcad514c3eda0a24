/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The chunks of a set as those that a restored machine finds. */
#pragma once

#include "machine/machine.h"

/* @set must outlive it. */
struct chunk_source set_source(struct chunk_set *set);
