/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/script.h"

#include <string.h>

#include "support/cmocka.h"
#include "support/notation.h"

#define TURN_MS 5

static void *serve(void *data);
static void answer(struct script *script, struct fake_request *request);

void script_open(struct script *script, struct fake_server *server,
                 const char *method)
{
    memset(script, 0, sizeof(*script));
    script->server = server;
    script->method = method;
}

void script_turn_to(struct script *script, const char *method)
{
    script->method = method;
}

struct buf *script_answer(struct script *script)
{
    assert_true(script->count < SCRIPT_STEPS);
    script->steps[script->count].method = script->method;
    return &script->steps[script->count++].result;
}

void script_note(struct script *script, const char *text)
{
    notation_pack(script_answer(script), text);
}

void script_refuse(struct script *script, int code)
{
    (void)script_answer(script);
    script->steps[script->count - 1].code = code;
}

void script_start(struct script *script)
{
    assert_int_equal(pthread_create(&script->thread, NULL, serve, script), 0);
}

void script_stop(struct script *script)
{
    script->stop = true;
    assert_int_equal(pthread_join(script->thread, NULL), 0);
}

struct bytes script_params(const struct script *script, size_t step)
{
    assert_true(step < script->asked);
    return (struct bytes){script->steps[step].params.data,
                          script->steps[step].params.len};
}

void script_close(struct script *script)
{
    size_t i;

    for (i = 0; i < script->count; i++) {
        buf_close(&script->steps[i].result);
        buf_close(&script->steps[i].params);
    }
}

static void *serve(void *data)
{
    struct script *script = data;

    while (!script->stop) {
        struct pollfd fds[FAKE_CONNS + 1];
        struct fake_request *request;

        (void)poll(fds, fake_watch(script->server, fds), TURN_MS);
        fake_step(script->server);
        if (script->asked == script->count) {
            continue;
        }
        request =
            fake_find(script->server, script->steps[script->asked].method);
        if (request != NULL) {
            answer(script, request);
        }
    }
    return NULL;
}

static void answer(struct script *script, struct fake_request *request)
{
    struct script_step *step = &script->steps[script->asked++];
    struct bytes params = fake_params(request);

    (void)buf_add(&step->params, params.data, params.len);
    if (step->code != 0) {
        fake_refuse(script->server, request, step->code, 0, NULL);
    } else {
        fake_answer(script->server, request,
                    (struct bytes){step->result.data, step->result.len});
    }
}
