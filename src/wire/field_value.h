/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One field of a message: checks its value, stores it, writes it. Internal to
 * the wire; see fields.h. */
#pragma once

#include "wire/fields.h"

/* Checks @value and stores it in @target; nil is the same as absent. */
int field_value_read(const struct message *message, const struct field *field,
                     struct bytes value, void *target, struct err *err);
int field_value_absent(const struct message *message, const struct field *field,
                       void *target, struct err *err);
/* Is it other than 0, false or empty? */
bool field_value_is_set(const struct field *field, const void *source);
int field_value_pack(const struct field *field, const void *source,
                     struct buf *buf);
