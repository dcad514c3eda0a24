/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/append_view.h"

#include <stddef.h>

static const struct column append_columns[] = {
    {"log", "log", COLUMN_POINTER, offsetof(struct append_view, log)},
    {"first", "first", COLUMN_ID, offsetof(struct append_view, first)},
    {"last", "last", COLUMN_ID, offsetof(struct append_view, last)},
    {"count", "count", COLUMN_U64, offsetof(struct append_view, count)},
    COLUMNS_END,
};

int append_view_show(struct output *output, const struct append_view *view,
                     struct err *err)
{
    return output_record(output, append_columns, view, err);
}
