/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The call of ql_read_async(). */
#pragma once

#include <stddef.h>

size_t read_call_size(void);
