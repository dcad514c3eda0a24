/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The commands writer.acquire and writer.release. An epoch is a fencing token:
 * each acquire makes the next one, and no epoch is ever good twice. */
#include "machine/apply.h"
#include "machine/must.h"
#include "wire/args_writer.h"

void apply_writer_acquire(struct machine *machine, struct bytes params,
                          struct outcome *ret)
{
    struct writer_args args;
    struct log *log;

    ret->code =
        must_have_memory(writer_acquire_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    log = apply_find_log(machine, args.log, ret);
    if (log == NULL) {
        return;
    }
    log_set_writer(log, log->writer_epoch + 1, args.name);
    apply_answer_stat(ret, log);
    machine_changed(machine, log);
}

void apply_writer_release(struct machine *machine, struct bytes params,
                          struct outcome *ret)
{
    struct writer_args args;
    struct log *log;

    ret->code =
        must_have_memory(writer_release_args_decode(&args, params, NULL));
    if (ret->code != 0) {
        return;
    }
    log = apply_find_log(machine, args.log, ret);
    if (log == NULL) {
        return;
    }
    if (args.epoch != log->writer_epoch) {
        ret->code = args.epoch < log->writer_epoch ? QL_FENCED : QL_INVALID;
        ret->position = log->writer_epoch;
        return;
    }
    if (log->writer_name.len > 0) {
        log_set_writer(log, log->writer_epoch, (struct bytes){NULL, 0});
        machine_changed(machine, log);
    }
    apply_answer_stat(ret, log);
}
