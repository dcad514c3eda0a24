/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One field of a message: checks its value, stores it, writes it. Internal to
 * the wire; see fields.h. */
#pragma once

#include "wire/fields.h"

/* Checks @value (NULL: the key is absent) and stores it in @target. */
int field_value_read(const struct message *message, const struct field *field,
                     const msgpack_object *value, void *target,
                     struct err *err);
/* Is it other than 0, false or empty? */
bool field_value_is_set(const struct field *field, const void *source);
int field_value_pack(const struct field *field, const void *source,
                     struct buf *buf);
