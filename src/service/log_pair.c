/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/log_pair.h"

#include <string.h>

#include "service/service_parts.h"

static const enum machine_part parts[2] = {MACHINE_STAGED, MACHINE_LIVE};

static void compare_rows(struct log_pair *pair, const struct machine *machine);
static void compare_rest(struct log_pair *pair,
                         const struct history histories[2]);
static struct history history_of(const struct log_pair *pair, int side,
                                 const struct machine *machine);
static uint64_t boundary(const struct history histories[2],
                         const struct history_meeting *met);
static struct history_sum sum_from(const struct log_pair *pair, int side,
                                   const struct machine *machine,
                                   uint64_t from);
static uint64_t last_head(const struct log_pair *pair);
static bool open_walks(struct log_pair *pair);
static bool compare_entries(struct log_pair *pair, part_walk_cb cb, void *data);
static bool is_equal(const struct read_entry *a, const struct read_entry *b);
static void begin_examples(struct log_pair *pair);
static bool take_examples(struct log_pair *pair, part_walk_cb cb, void *data);
static void add_example(struct log_pair *pair, const struct read_entry *entry);

void log_pair_init(struct log_pair *pair, struct service *service,
                   const struct log_stat *staged, const struct log_stat *live,
                   size_t examples_max, struct keepsakes *texts)
{
    const struct log_stat *stats[2] = {staged, live};
    int i;

    memset(pair, 0, sizeof(*pair));
    pair->examples_max = examples_max;
    pair->texts = texts;
    for (i = 0; i < 2; i++) {
        struct log_pair_side *side = &pair->sides[i];

        if (stats[i] != NULL) {
            side->is_there = true;
            side->stat = *stats[i];
            side->at = side->stat.head;
            side->has_more = side->stat.entries > 0;
            part_walk_init(&side->walk, service, parts[i], side->stat.uid,
                           side->at, side->stat.tail);
        }
    }
    if (staged != NULL && live != NULL) {
        compare_rows(pair, service->machine);
    }
    if (!pair->compares) {
        begin_examples(pair);
    }
}

enum log_pair_found log_pair_step(struct log_pair *pair, part_walk_cb cb,
                                  void *data)
{
    if (!open_walks(pair)) {
        return LOG_PAIR_AGAIN;
    }
    if (pair->compares) {
        if (!compare_entries(pair, cb, data)) {
            return LOG_PAIR_WAIT;
        }
        pair->compares = false;
        begin_examples(pair);
        if (!open_walks(pair)) {
            return LOG_PAIR_AGAIN;
        }
    }
    return take_examples(pair, cb, data) ? LOG_PAIR_DONE : LOG_PAIR_WAIT;
}

enum diff_kind log_pair_kind(const struct log_pair *pair)
{
    const struct log_pair_side *staged = &pair->sides[LOG_PAIR_STAGED];
    const struct log_pair_side *live = &pair->sides[LOG_PAIR_LIVE];
    bool staged_has = staged->has_front || staged->has_more;
    bool live_has = live->has_front || live->has_more;

    if (!live->is_there) {
        return DIFF_STAGED_ONLY;
    }
    if (!staged->is_there) {
        return DIFF_LIVE_ONLY;
    }
    if (staged_has) {
        return live_has ? DIFF_DIFFERS : DIFF_STAGED_AHEAD;
    }
    return live_has ? DIFF_LIVE_AHEAD : DIFF_SAME;
}

void log_pair_stop(struct log_pair *pair)
{
    part_walk_stop(&pair->sides[0].walk);
    part_walk_stop(&pair->sides[1].walk);
}

/* ---- By rows ------------------------------------------------------------- */

/* Decides all that can be without bytes. */
static void compare_rows(struct log_pair *pair, const struct machine *machine)
{
    struct log_pair_side *staged = &pair->sides[0];
    struct log_pair_side *live = &pair->sides[1];
    int i;

    for (i = 0; i < 2; i++) {
        struct log_pair_side *side = &pair->sides[i];

        side->common = sum_from(pair, i, machine, last_head(pair));
        side->has_front = side->common.entries < side->stat.entries;
    }
    if (memcmp(staged->stat.digest, live->stat.digest, HASH128_LEN) == 0) {
        staged->has_more = false;
        live->has_more = false;
        pair->common = (staged->stat.tail < live->stat.tail ? staged->stat.tail
                                                            : live->stat.tail) -
                       1;
        return;
    }
    compare_rest(pair, (struct history[2]){history_of(pair, 0, machine),
                                           history_of(pair, 1, machine)});
}

/* Where rows do not tell any more, the entries are compared. */
static void compare_rest(struct log_pair *pair,
                         const struct history histories[2])
{
    uint64_t head = last_head(pair);
    struct history_meeting met;
    int i;

    if (!history_meet(&histories[0], &histories[1], &met)) {
        for (i = 0; i < 2; i++) {
            pair->sides[i].common = (struct history_sum){0, 0};
            pair->sides[i].has_front = false; /* all of it is more */
        }
        return;
    }
    pair->common = boundary(histories, &met);
    pair->compares = true;
    for (i = 0; i < 2; i++) {
        struct log_pair_side *side = &pair->sides[i];

        side->common = history_sum(&histories[i], i == 0 ? met.a : met.b, head);
        side->at = pair->common + 1 > head ? pair->common + 1 : head;
    }
}

static struct history history_of(const struct log_pair *pair, int side,
                                 const struct machine *machine)
{
    uint64_t uid = pair->sides[side].stat.uid;
    struct history history = {.head = pair->sides[side].stat.head};

    history.chunks =
        machine_part_chunks(machine, parts[side], uid, &history.count);
    history.base = machine_part_base(machine, parts[side], uid);
    return history;
}

/* The last position that both have in common by their rows. */
static uint64_t boundary(const struct history histories[2],
                         const struct history_meeting *met)
{
    static const uint8_t zeros[HASH128_LEN];
    uint64_t last = UINT64_MAX;
    int i;

    if (met->a > 0) {
        return histories[0].chunks[met->a - 1]->name.last;
    }
    if (met->b > 0) {
        return histories[1].chunks[met->b - 1]->name.last;
    }
    if (memcmp(histories[0].base, zeros, HASH128_LEN) == 0) {
        return 0;
    }
    for (i = 0; i < 2; i++) {
        uint64_t first = histories[i].count > 0
                             ? histories[i].chunks[0]->name.first
                             : histories[i].head;

        last = first - 1 < last ? first - 1 : last;
    }
    return last;
}

/* All that one side has from @from on. */
static struct history_sum sum_from(const struct log_pair *pair, int side,
                                   const struct machine *machine, uint64_t from)
{
    struct history history = history_of(pair, side, machine);
    struct history_sum sum = history_sum(&history, history.count, from);
    struct chunk *open =
        machine_part_open(machine, parts[side], pair->sides[side].stat.uid);
    struct history_sum rest;

    if (open != NULL) {
        history.chunks = &open;
        rest = history_sum(&history, 1, from);
        sum.entries += rest.entries;
        sum.bytes += rest.bytes;
    }
    return sum;
}

/* Where the one that was trimmed further begins. */
static uint64_t last_head(const struct log_pair *pair)
{
    uint64_t staged = pair->sides[LOG_PAIR_STAGED].stat.head;
    uint64_t live = pair->sides[LOG_PAIR_LIVE].stat.head;

    return staged > live ? staged : live;
}

/* ---- By entries ---------------------------------------------------------- */

/* False: a log is not there any more, or not as far to the front. */
static bool open_walks(struct log_pair *pair)
{
    int i;

    for (i = 0; i < 2; i++) {
        struct log_pair_side *side = &pair->sides[i];

        if (!side->is_there) {
            continue;
        }
        side->walk.at = side->at;
        if (part_walk_open(&side->walk) != 0 || side->walk.at != side->at) {
            return false;
        }
    }
    return true;
}

/* True at the first difference, or the end of one. */
static bool compare_entries(struct log_pair *pair, part_walk_cb cb, void *data)
{
    struct log_pair_side *sides = pair->sides;

    for (;;) {
        enum part_walk_found found[2];
        struct read_entry entries[2];
        int i;

        for (i = 0; i < 2; i++) {
            found[i] = part_walk_next(&sides[i].walk, &entries[i], cb, data);
            if (found[i] == PART_WALK_WAIT) {
                return false;
            }
            sides[i].has_more = found[i] == PART_WALK_ENTRY;
        }
        if (!sides[0].has_more || !sides[1].has_more ||
            !is_equal(&entries[0], &entries[1])) {
            return true;
        }
        pair->common = entries[0].position;
        for (i = 0; i < 2; i++) {
            sides[i].at = pair->common + 1;
            sides[i].common.entries++;
            sides[i].common.bytes += entries[i].key.len + entries[i].value.len;
        }
    }
}

static bool is_equal(const struct read_entry *a, const struct read_entry *b)
{
    return a->position == b->position && a->time_ms == b->time_ms &&
           a->key.len == b->key.len && a->value.len == b->value.len &&
           (a->key.data == NULL) == (b->key.data == NULL) &&
           (a->key.len == 0 ||
            memcmp(a->key.data, b->key.data, a->key.len) == 0) &&
           (a->value.len == 0 ||
            memcmp(a->value.data, b->value.data, a->value.len) == 0);
}

/* ---- Examples ------------------------------------------------------------ */

/* What differs behind the common part is shown; else what was trimmed on the
 * other side only. */
static void begin_examples(struct log_pair *pair)
{
    int i;

    for (i = 0; i < 2; i++) {
        struct log_pair_side *side = &pair->sides[i];

        if (!side->has_more && side->has_front) {
            side->at = side->stat.head;
            side->walk.to = pair->sides[1 - i].stat.head;
        }
    }
}

/* Half of them of each side. True: done. */
static bool take_examples(struct log_pair *pair, part_walk_cb cb, void *data)
{
    while (pair->side < 2) {
        struct log_pair_side *side = &pair->sides[pair->side];
        enum part_walk_found found = PART_WALK_END;
        struct read_entry entry;

        if (pair->taken < pair->examples_max / 2 &&
            (side->has_more || side->has_front)) {
            found = part_walk_next(&side->walk, &entry, cb, data);
        }
        if (found == PART_WALK_WAIT) {
            return false;
        }
        if (found == PART_WALK_ENTRY) {
            add_example(pair, &entry);
            side->at = entry.position + 1;
        } else {
            pair->side++;
            pair->taken = 0;
        }
    }
    return true;
}

static void add_example(struct log_pair *pair, const struct read_entry *entry)
{
    struct diff_example *example = &pair->examples[pair->examples_count++];
    struct bytes value = entry->value;

    value.len = value.len < DIFF_VALUE_MAX ? value.len : DIFF_VALUE_MAX;
    example->live = pair->side == LOG_PAIR_LIVE;
    example->position = entry->position;
    example->time_ms = entry->time_ms;
    example->has_key = entry->key.data != NULL;
    example->key = keepsakes_add(pair->texts, entry->key);
    example->value = keepsakes_add(pair->texts, value);
    pair->taken++;
}
