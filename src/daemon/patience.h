/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The end of a node that takes long, over a disk that answers nothing, say: it is
 * told what is waited for, and in the end that is not waited for any more. What is
 * on disk is then as after any other end of a process, which a start survives.
 */
#pragma once

#include <stdint.h>
#include <uv.h>

struct patience {
    struct uv_timer_s timer;
    const char *awaited; /* for people */
    uint64_t end_ms;     /* after it was told */
    uint64_t waited_ms;  /* until the timer's next turn */
};

/* For how long an end may go on before that is worth a word; 0: the default
 * election timeout. */
uint64_t patience_ms(uint64_t election_timeout_ms);
/* @awaited stays valid. After @say_ms it is told, and @end_ms later the process
 * ends, unless patience_close() comes before. */
void patience_start(struct patience *patience, uv_loop_t *loop,
                    const char *awaited, uint64_t say_ms, uint64_t end_ms);
/* From now on it is this that is waited for. The time goes on. */
void patience_awaits(struct patience *patience, const char *awaited);
/* The handle is closed in a later turn of the loop. */
void patience_close(struct patience *patience);
