/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/log_pairs.h"

#include <assert.h>
#include <string.h>

#include "service/service_parts.h"

/* What looking at a log costs, against walking over bytes. */
#define LOG_COST (PART_WALK_BYTES / RECOVERY_TURN_LOGS)

static void on_loaded(struct part_walk *walk, int status);
static void on_paused(void *data, int status);
static void go_on(struct log_pairs *pairs);
static bool next_name(struct log_pairs *pairs);
static void set_name(struct log_pairs *pairs, struct bytes name);
static struct bytes next_in(const struct log_pairs *pairs,
                            enum machine_part part);
static int compare(struct bytes a, struct bytes b);
static bool begin_pair(struct log_pairs *pairs);
static bool step_pair(struct log_pairs *pairs);
static void rest(struct log_pairs *pairs);
static void end(struct log_pairs *pairs, int code, const struct err *err);

void log_pairs_begin(struct log_pairs *pairs, struct bytes after)
{
    set_name(pairs, after);
    go_on(pairs);
}

void log_pairs_stop(struct log_pairs *pairs)
{
    log_pair_stop(&pairs->pair);
    pause_cancel(pairs->pause);
    pairs->pause = NULL;
    keepsakes_close(&pairs->texts);
}

static void on_loaded(struct part_walk *walk, int status)
{
    struct log_pairs *pairs = walk->data;
    struct err err = {0};

    if (status != 0) {
        status = part_walk_refusal(walk, status, &err);
        err_wrap(&err, "log %.*s", (int)pairs->at.len,
                 (const char *)pairs->at.data);
        end(pairs, status, &err);
        return;
    }
    pairs->work = 0;
    go_on(pairs);
}

static void on_paused(void *data, int status)
{
    struct log_pairs *pairs = data;
    struct err err = {0};

    pairs->pause = NULL;
    if (status != 0) {
        call_node_refusal(status, &err);
        end(pairs, status, &err);
        return;
    }
    pairs->work = 0;
    go_on(pairs);
}

/* As far as it comes in this turn. */
static void go_on(struct log_pairs *pairs)
{
    struct err err = {0};
    int rv = staged_mark_check(pairs->service, &pairs->mark, &err);

    if (rv != 0) {
        end(pairs, rv, &err);
        return;
    }
    for (;;) {
        if (pairs->in_pair) {
            if (!step_pair(pairs)) {
                return;
            }
        } else if (pairs->is_all || !next_name(pairs)) {
            end(pairs, 0, NULL);
            return;
        } else if (pairs->ops->wants(pairs->data, pairs->at)) {
            pairs->in_pair = begin_pair(pairs);
        }
        if (pairs->work >= PART_WALK_BYTES) {
            rest(pairs);
            return;
        }
    }
}

static bool next_name(struct log_pairs *pairs)
{
    struct bytes staged = next_in(pairs, MACHINE_STAGED);
    struct bytes live = next_in(pairs, MACHINE_LIVE);
    struct bytes next = staged;

    if (next.len == 0 || (live.len > 0 && compare(live, next) < 0)) {
        next = live;
    }
    if (next.len == 0) {
        pairs->is_all = true;
        return false;
    }
    set_name(pairs, next);
    pairs->looked++;
    pairs->work += LOG_COST;
    return true;
}

static void set_name(struct log_pairs *pairs, struct bytes name)
{
    assert(name.len <= sizeof(pairs->name));
    if (name.len > 0) {
        memcpy(pairs->name, name.data, name.len);
    }
    pairs->at = (struct bytes){pairs->name, name.len};
}

static struct bytes next_in(const struct log_pairs *pairs,
                            enum machine_part part)
{
    struct log_list_args args = {.after = pairs->at, .max = 1};
    struct bytes name = {NULL, 0};
    struct log_list_result list;

    if (machine_part_list(pairs->service->machine, part, &args, &list) == 0) {
        if (list.count > 0) {
            name = list.stats[0].name;
        }
        log_list_result_close(&list);
    }
    return name;
}

/* The order of machine_log_list(). */
static int compare(struct bytes a, struct bytes b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    if (order != 0) {
        return order;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

/* False: both are gone meanwhile. */
static bool begin_pair(struct log_pairs *pairs)
{
    const struct machine *machine = pairs->service->machine;
    struct log_stat staged;
    struct log_stat live;
    bool is_staged =
        machine_part_stat(machine, MACHINE_STAGED, pairs->at, &staged) == 0;
    bool is_live =
        machine_part_stat(machine, MACHINE_LIVE, pairs->at, &live) == 0;

    log_pair_init(&pairs->pair, pairs->service, is_staged ? &staged : NULL,
                  is_live ? &live : NULL, pairs->examples_max, &pairs->texts);
    return is_staged || is_live;
}

/* False: the turn is over, or all. */
static bool step_pair(struct log_pairs *pairs)
{
    struct log_pair *pair = &pairs->pair;
    enum log_pair_found found = log_pair_step(pair, on_loaded, pairs);

    if (found == LOG_PAIR_WAIT) {
        return false;
    }
    pairs->work += pair->sides[0].walk.walked + pair->sides[1].walk.walked;
    log_pair_stop(pair);
    if (found == LOG_PAIR_AGAIN) {
        pairs->in_pair = begin_pair(pairs);
        return true;
    }
    pairs->in_pair = false;
    if (!pairs->ops->take(pairs->data, pairs->at, pair)) {
        end(pairs, 0, NULL);
        return false;
    }
    return true;
}

static void rest(struct log_pairs *pairs)
{
    struct err err = {0};
    int rv = pause_start(&pairs->pause, pairs->service->node, on_paused, pairs);

    if (rv != 0) {
        call_node_refusal(rv, &err);
        end(pairs, rv, &err);
    }
}

static void end(struct log_pairs *pairs, int code, const struct err *err)
{
    log_pair_stop(&pairs->pair);
    pairs->ops->end(pairs->data, code, err);
}
