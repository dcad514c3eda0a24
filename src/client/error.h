/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Fills the public error object from what the library's parts know. */
#pragma once

#include "util/err.h"
#include "wire/rpc.h"

/* Each returns its code, so that `return error_set(...)` reads well; @error may
 * be NULL. @code is not 0. */
int error_set(struct ql_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* From an inner error with the code @rv (not 0). */
int error_from_err(struct ql_error *error, int rv, const struct err *err);
/* From a server's error map; @node is who answered. Bytes that would upset a
 * terminal are replaced. */
int error_from_server(struct ql_error *error, const struct rpc_error *from,
                      const char *node);
/* Plain copy; both may be NULL. Returns the code, 0 when @from is NULL. */
int error_copy(struct ql_error *error, const struct ql_error *from);
/* Copies as much as fits, with a NUL, and with the same bytes replaced. */
void error_copy_text(char *ret_text, size_t room, struct bytes from);
