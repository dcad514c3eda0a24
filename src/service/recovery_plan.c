/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/recovery_plan.h"

#include <stdlib.h>
#include <string.h>

#include "machine/must.h"
#include "service/envelope.h"
#include "service/log_pairs.h"
#include "service/service_parts.h"
#include "util/mem.h"

struct recovery_plan {
    struct call *call;
    struct recovery_plan_result result;
    struct log_pairs pairs;
};

static int plan_check(const struct recovery_commit_args *args,
                      const struct staged_mark *mark,
                      const struct service *service, struct err *err);
static void plan_stop(struct call *call);
static bool plan_wants(void *data, struct bytes name);
static bool plan_take(void *data, struct bytes name,
                      const struct log_pair *pair);
static void plan_end(void *data, int code, const struct err *err);
static uint64_t estimate_ms(const struct recovery_plan_result *result);
static uint64_t beyond(uint64_t all, uint64_t common);
static bool has_same_retention(const struct log_pair *pair);

static const struct log_pairs_ops plan_ops = {
    .wants = plan_wants,
    .take = plan_take,
    .end = plan_end,
};

int recovery_plan_answer(struct call *call, struct bytes params,
                         struct buf *message, struct err *err)
{
    struct recovery_commit_args args;
    struct recovery_plan *plan;
    struct staged_mark mark;
    int rv = recovery_commit_args_decode(&args, params, err);

    (void)message;
    if (rv == 0) {
        rv = staged_mark_take(call->service, &mark, err);
    }
    if (rv == 0) {
        rv = plan_check(&args, &mark, call->service, err);
    }
    if (rv != 0) {
        return rv;
    }
    plan = mem_must_zalloc(sizeof(*plan));
    rv = recovery_call_begin(call, plan, plan_stop, err);
    if (rv != 0) {
        free(plan);
        return rv;
    }
    plan->call = call;
    plan->pairs.service = call->service;
    plan->pairs.ops = &plan_ops;
    plan->pairs.data = plan;
    plan->pairs.mark = mark;
    log_pairs_begin(&plan->pairs, (struct bytes){NULL, 0});
    return CALL_LEFT;
}

/* What the commit itself would be refused for. */
static int plan_check(const struct recovery_commit_args *args,
                      const struct staged_mark *mark,
                      const struct service *service, struct err *err)
{
    const struct staged_mark asked = {args->stage, args->revision, 0};
    int rv = staged_mark_check(service, &asked, err);

    if (rv != 0) {
        return rv;
    }
    if (args->has_expect_state && !args->discard_newer &&
        args->expect_state != mark->state_index) {
        err_set(err, QL_CONDITION_FAILED,
                "logs have changed since state %llu: they are at state %llu "
                "now. Look at what is staged again, or say that what is newer "
                "is to be discarded",
                (unsigned long long)args->expect_state,
                (unsigned long long)mark->state_index);
        err->position = mark->state_index;
        return QL_CONDITION_FAILED;
    }
    return 0;
}

static void plan_stop(struct call *call)
{
    struct recovery_plan *plan = call->work;

    log_pairs_stop(&plan->pairs);
    free(plan);
    recovery_call_end(call);
}

static bool plan_wants(void *data, struct bytes name)
{
    (void)data;
    (void)name;
    return true;
}

static bool plan_take(void *data, struct bytes name,
                      const struct log_pair *pair)
{
    struct recovery_plan *plan = data;
    struct recovery_plan_result *result = &plan->result;
    const struct log_pair_side *staged = &pair->sides[LOG_PAIR_STAGED];
    const struct log_pair_side *live = &pair->sides[LOG_PAIR_LIVE];
    enum diff_kind kind = log_pair_kind(pair);

    (void)name;
    if (kind == DIFF_STAGED_ONLY) {
        result->logs_created++;
    } else if (kind == DIFF_LIVE_ONLY) {
        result->logs_removed++;
    } else if (kind == DIFF_SAME && has_same_retention(pair)) {
        result->logs_same++;
    } else {
        result->logs_changed++;
    }
    if (live->is_there) {
        result->entries_lost +=
            beyond(live->stat.entries, live->common.entries);
        result->bytes_lost += beyond(live->stat.bytes, live->common.bytes);
    }
    if (staged->is_there) {
        result->entries_back +=
            beyond(staged->stat.entries, staged->common.entries);
        result->bytes_back += beyond(staged->stat.bytes, staged->common.bytes);
    }
    return true;
}

static void plan_end(void *data, int code, const struct err *err)
{
    struct recovery_plan *plan = data;
    struct recovery_plan_result *result = &plan->result;
    struct call *call = plan->call;
    struct buf message = BUF_INIT;

    if (code != 0) {
        call_fail(call, code, err);
        return;
    }
    result->stage = plan->pairs.mark.stage;
    result->revision = plan->pairs.mark.revision;
    result->state_index = plan->pairs.mark.state_index;
    result->estimate_ms = estimate_ms(result);
    envelope_open_result(&message, call->id);
    must_have_memory(recovery_plan_result_encode(result, &message));
    call_finish(call, &message);
}

/* Until appends are taken again: the command itself takes as long as there are
 * logs on both sides, and then leadership is handed over. */
static uint64_t estimate_ms(const struct recovery_plan_result *result)
{
    uint64_t logs = result->logs_created + result->logs_removed +
                    2 * (result->logs_changed + result->logs_same);

    return COMMIT_HANDOVER_MS + logs / COMMIT_LOGS_PER_MS;
}

/* The machine counts entries before a head by position, which with holes is too
 * many. */
static uint64_t beyond(uint64_t all, uint64_t common)
{
    return all > common ? all - common : 0;
}

static bool has_same_retention(const struct log_pair *pair)
{
    const struct retention *staged =
        &pair->sides[LOG_PAIR_STAGED].stat.retention;
    const struct retention *live = &pair->sides[LOG_PAIR_LIVE].stat.retention;

    return staged->entries == live->entries && staged->bytes == live->bytes &&
           staged->age_ms == live->age_ms;
}
