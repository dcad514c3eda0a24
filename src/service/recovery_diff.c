/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/recovery_diff.h"

#include <stdlib.h>

#include "machine/must.h"
#include "service/envelope.h"
#include "service/glob.h"
#include "service/log_pairs.h"
#include "service/service_parts.h"
#include "util/mem.h"

struct recovery_diff {
    struct call *call;
    struct bytes glob; /* in call->params */
    uint32_t limit;
    struct recovery_diff_result result;
    struct log_pairs pairs;
};

static void diff_stop(struct call *call);
static bool diff_wants(void *data, struct bytes name);
static bool diff_take(void *data, struct bytes name,
                      const struct log_pair *pair);
static void diff_end(void *data, int code, const struct err *err);
static struct diff_side side_of(const struct log_pair_side *side);

static const struct log_pairs_ops diff_ops = {
    .wants = diff_wants,
    .take = diff_take,
    .end = diff_end,
};

int recovery_diff_answer(struct call *call, struct bytes params,
                         struct buf *message, struct err *err)
{
    struct recovery_diff_args args;
    struct recovery_diff *diff;
    struct staged_mark mark;
    int rv = recovery_diff_args_decode(&args, params, err);

    (void)message;
    if (rv != 0) {
        return rv;
    }
    rv = staged_mark_take(call->service, &mark, err);
    if (rv != 0) {
        return rv;
    }
    diff = mem_must_zalloc(sizeof(*diff));
    rv = recovery_call_begin(call, diff, diff_stop, err);
    if (rv != 0) {
        free(diff);
        return rv;
    }
    diff->call = call;
    diff->glob = args.logs;
    diff->limit = args.limit;
    diff->result.logs = mem_must_array(args.limit, sizeof(*diff->result.logs));
    diff->pairs.service = call->service;
    diff->pairs.ops = &diff_ops;
    diff->pairs.data = diff;
    diff->pairs.mark = mark;
    diff->pairs.examples_max = DIFF_EXAMPLES_MAX;
    log_pairs_begin(&diff->pairs, args.after);
    return CALL_LEFT;
}

static void diff_stop(struct call *call)
{
    struct recovery_diff *diff = call->work;

    log_pairs_stop(&diff->pairs);
    free(diff->result.logs);
    free(diff);
    recovery_call_end(call);
}

static bool diff_wants(void *data, struct bytes name)
{
    const struct recovery_diff *diff = data;

    return diff->glob.len == 0 || glob_match(diff->glob, name);
}

static bool diff_take(void *data, struct bytes name,
                      const struct log_pair *pair)
{
    struct recovery_diff *diff = data;
    struct diff_log *log = &diff->result.logs[diff->result.count++];
    size_t i;

    log->name = keepsakes_add(&diff->pairs.texts, name);
    log->kind = log_pair_kind(pair);
    log->common = pair->common;
    log->staged = side_of(&pair->sides[LOG_PAIR_STAGED]);
    log->live = side_of(&pair->sides[LOG_PAIR_LIVE]);
    log->examples_count = pair->examples_count;
    for (i = 0; i < pair->examples_count; i++) {
        log->examples[i] = pair->examples[i];
    }
    return diff->result.count < diff->limit;
}

static void diff_end(void *data, int code, const struct err *err)
{
    struct recovery_diff *diff = data;
    struct recovery_diff_result *result = &diff->result;
    struct call *call = diff->call;
    struct buf message = BUF_INIT;

    if (code != 0) {
        call_fail(call, code, err);
        return;
    }
    result->stage = diff->pairs.mark.stage;
    result->revision = diff->pairs.mark.revision;
    result->state_index = diff->pairs.mark.state_index;
    result->more = !diff->pairs.is_all;
    if (result->more) {
        result->after = diff->pairs.at;
    }
    envelope_open_result(&message, call->id);
    must_have_memory(recovery_diff_result_encode(result, &message));
    call_finish(call, &message);
}

static struct diff_side side_of(const struct log_pair_side *side)
{
    struct diff_side ret = {0, 0, 0};

    if (side->is_there) {
        ret.head = side->stat.head;
        ret.tail = side->stat.tail;
        ret.entries = side->stat.entries;
    }
    return ret;
}
