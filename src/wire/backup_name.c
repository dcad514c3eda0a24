/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/backup_name.h"

#include <stdbool.h>

#include "util/limits.h"

static bool is_allowed(char byte);

int backup_name_check(const char *name, size_t len, struct err *err)
{
    size_t i;

    if (len == 0 || len > BACKUP_NAME_MAX) {
        return err_set(err, QL_INVALID,
                       "the name of a backup has 1 to %u bytes, not %zu",
                       BACKUP_NAME_MAX, len);
    }
    if (name[0] == '.') {
        return err_set(err, QL_INVALID,
                       "the name of a backup must not begin with '.'");
    }
    for (i = 0; i < len; i++) {
        if (!is_allowed(name[i])) {
            return err_set(err, QL_INVALID,
                           "the name of a backup has only letters, digits, "
                           "'.', '_' and '-'");
        }
    }
    return 0;
}

static bool is_allowed(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' ||
           byte == '-';
}
