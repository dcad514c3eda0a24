/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/recovery_filter.h"

#include <string.h>

#include "machine/must.h"
#include "service/glob.h"

static void keep(struct recovery_filter *filter, struct bytes *text);
static bool key_matches(const struct scan_filter *rules, struct bytes key);
static bool begins_with(struct bytes text, struct bytes prefix);
static bool equals(struct bytes a, struct bytes b);

void recovery_filter_init(struct recovery_filter *filter,
                          const struct scan_filter *rules)
{
    filter->rules = *rules;
    buf_init(&filter->memory);
    /* One piece, so that no text moves when the next is added. */
    must_have_memory(
        buf_reserve(&filter->memory,
                    rules->logs.len + rules->key.len + rules->key_prefix.len +
                        rules->key_glob.len + rules->contains.len + 1));
    keep(filter, &filter->rules.logs);
    keep(filter, &filter->rules.key);
    keep(filter, &filter->rules.key_prefix);
    keep(filter, &filter->rules.key_glob);
    keep(filter, &filter->rules.contains);
}

void recovery_filter_close(struct recovery_filter *filter)
{
    buf_close(&filter->memory);
}

bool recovery_filter_has_log(const struct recovery_filter *filter,
                             struct bytes name)
{
    struct bytes glob = filter->rules.logs;

    return glob.len == 0 || glob_match(glob, name);
}

/* Times do not fall in a log. */
uint64_t recovery_filter_first(const struct recovery_filter *filter,
                               uint64_t head, struct chunk *const *chunks,
                               size_t count)
{
    const struct scan_filter *rules = &filter->rules;
    uint64_t first = rules->from > head ? rules->from : head;
    size_t i = 0;

    while (i < count && chunks[i]->last_time_ms < rules->since_ms) {
        i++;
    }
    if (i > 0 && chunks[i - 1]->name.last >= first) {
        first = chunks[i - 1]->name.last + 1;
    }
    return first;
}

/* What is cheap to look at comes first. */
bool recovery_filter_has_entry(const struct recovery_filter *filter,
                               const struct read_entry *entry)
{
    const struct scan_filter *rules = &filter->rules;

    if (entry->position < rules->from ||
        (rules->to != 0 && entry->position >= rules->to)) {
        return false;
    }
    if (entry->time_ms < rules->since_ms ||
        (rules->until_ms != 0 && entry->time_ms >= rules->until_ms)) {
        return false;
    }
    return key_matches(rules, entry->key) &&
           (rules->contains.len == 0 ||
            memmem(entry->value.data, entry->value.len, rules->contains.data,
                   rules->contains.len) != NULL);
}

static void keep(struct recovery_filter *filter, struct bytes *text)
{
    const uint8_t *at = filter->memory.data + filter->memory.len;

    must_have_memory(buf_add(&filter->memory, text->data, text->len));
    text->data = at;
}

static bool key_matches(const struct scan_filter *rules, struct bytes key)
{
    if (!rules->has_key && rules->key_prefix.len == 0 &&
        rules->key_glob.len == 0) {
        return true;
    }
    if (key.data == NULL) {
        return false;
    }
    return (!rules->has_key || equals(key, rules->key)) &&
           begins_with(key, rules->key_prefix) &&
           (rules->key_glob.len == 0 || glob_match(rules->key_glob, key));
}

static bool begins_with(struct bytes text, struct bytes prefix)
{
    return text.len >= prefix.len &&
           (prefix.len == 0 || memcmp(text.data, prefix.data, prefix.len) == 0);
}

static bool equals(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
