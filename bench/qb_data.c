/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scale_data.h"

#define VALUES_SPAN (64u * KIB)
#define VALUES_STEP 61u /* from one value to the next; odd: all are met */
#define KEY_DIGITS_MAX 20u

static void fill_keys(struct qb_data *data);

int qb_data_init(struct qb_data *data, const struct qb_options *options,
                 struct err *err)
{
    struct scale_data source = {.random = 1};

    *data = (struct qb_data){.value_len = (size_t)options->size,
                             .key_len = (size_t)options->key_size,
                             .key_count = (size_t)options->keys};
    data->values = malloc(VALUES_SPAN + data->value_len);
    data->keys = malloc(data->key_len * data->key_count + 1);
    if (data->values == NULL || data->keys == NULL) {
        qb_data_close(data);
        return err_set(err, QL_NO_MEMORY, "no memory for %zu keys of %zu bytes",
                       (size_t)options->keys, (size_t)options->key_size);
    }
    scale_data_fill(&source, data->values, VALUES_SPAN + data->value_len);
    fill_keys(data);
    return 0;
}

void qb_data_close(struct qb_data *data)
{
    free(data->values);
    free(data->keys);
    *data = (struct qb_data){.values = NULL};
}

void qb_data_entry(const struct qb_data *data, uint64_t number,
                   struct ql_entry *ret_entry)
{
    *ret_entry = (struct ql_entry){.value = data->values +
                                            number * VALUES_STEP % VALUES_SPAN,
                                   .value_len = data->value_len};
    if (data->key_len > 0) {
        ret_entry->key = data->keys + number % data->key_count * data->key_len;
        ret_entry->key_len = data->key_len;
    }
}

/* The number at the right, "key" and dashes at the left as room is. */
static void fill_keys(struct qb_data *data)
{
    for (size_t i = 0; data->key_len > 0 && i < data->key_count; i++) {
        char *key = data->keys + i * data->key_len;
        char digits[KEY_DIGITS_MAX + 1];
        size_t len = (size_t)snprintf(digits, sizeof digits, "%zu", i);
        size_t kept = len < data->key_len ? len : data->key_len;

        memset(key, '0', data->key_len);
        memcpy(key, "key-",
               data->key_len - kept < 4 ? data->key_len - kept : 4);
        memcpy(key + data->key_len - kept, digits + len - kept, kept);
    }
}
