/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A fake server that answers, in a thread of its own, what it was told before: for
 * tests of blocking calls. The requests are answered in the order of the script
 * and kept; what comes after the last answer waits for ever.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "support/fake_server.h"

#define SCRIPT_STEPS 16

struct script_step {
    const char *method;
    int code;          /* refuse with this; 0: answer with */
    struct buf result; /* a map */
    struct buf params; /* what came */
};

struct script {
    struct fake_server *server;
    const char *method; /* of the next step that is added */
    struct script_step steps[SCRIPT_STEPS];
    size_t count; /* steps */
    size_t asked; /* of them */
    pthread_t thread;
    atomic_bool stop;
};

void script_open(struct script *script, struct fake_server *server,
                 const char *method);
/* The answers from here on are for that method, and wait until those before were
 * given. */
void script_turn_to(struct script *script, const char *method);
/* The place for the next answer's map. */
struct buf *script_answer(struct script *script);
/* The next answer in notation (support/notation.h). */
void script_note(struct script *script, const char *text);
void script_refuse(struct script *script, int code);
void script_start(struct script *script);
/* The requests may be looked at then. */
void script_stop(struct script *script);
struct bytes script_params(const struct script *script, size_t step);
void script_close(struct script *script);
