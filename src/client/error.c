/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/code.h"

const char *ql_version(void)
{
    return QUORLOG_VERSION;
}

const char *ql_code_name(int code)
{
    return code_name(code);
}

enum ql_class ql_code_class(int code)
{
    return code_class(code);
}

int error_set(struct ql_error *error, int code, const char *format, ...)
{
    va_list args;

    if (error == NULL) {
        return code;
    }
    memset(error, 0, sizeof(*error));
    error->code = code;
    error->error_class = code_class(code);
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return code;
}

int error_from_err(struct ql_error *error, int rv, const struct err *err)
{
    error_set(error, rv, "%s", err->text);
    if (error != NULL) {
        error->position = err->position;
    }
    return rv;
}

int error_from_server(struct ql_error *error, const struct rpc_error *from,
                      const char *node)
{
    if (error == NULL) {
        return from->code;
    }
    error_set(error, from->code, "%s", code_name(from->code));
    error->position = from->position;
    if (from->message.len > 0) {
        error_copy_text(error->text, sizeof(error->text), from->message);
    }
    error_copy_text(error->leader, sizeof(error->leader), from->leader);
    snprintf(error->node, sizeof(error->node), "%s", node);
    return from->code;
}

int error_copy(struct ql_error *error, const struct ql_error *from)
{
    if (from == NULL) {
        return 0;
    }
    if (error != NULL) {
        *error = *from;
    }
    return from->code;
}

void error_copy_text(char *ret_text, size_t room, struct bytes from)
{
    size_t len = from.len < room ? from.len : room - 1;
    size_t i;

    for (i = 0; i < len; i++) {
        uint8_t byte = from.data[i];

        ret_text[i] = byte < 0x20 || byte == 0x7f ? '?' : (char)byte;
    }
    ret_text[len] = '\0';
}
