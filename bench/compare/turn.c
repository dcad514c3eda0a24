/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/turn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compare/failover.h"
#include "compare/servers.h"
#include "scale_process.h"

#define LEARN_OUTSTANDING 64u
#define FAILOVER_LOAD_SECONDS 1.0

static volatile sig_atomic_t child;

typedef void measure_fn(const struct options *options, struct peer *peer,
                        struct load *load, struct turn *turn);

static void measure(const struct options *options, struct peer *peer,
                    struct load *load, struct turn *turn)
{
    struct load_plan learn = {.outstanding = LEARN_OUTSTANDING,
                              .size = options->size,
                              .warm_seconds = peer->kind->learn_seconds};

    if (learn.warm_seconds > 0) {
        load_warm(load, peer, &learn);
    }
    for (size_t i = 0; i < options->points; i++) {
        struct load_plan plan = {.outstanding = options->outstanding[i],
                                 .size = options->size,
                                 .warm_seconds = options->warm_seconds,
                                 .seconds = options->seconds};

        load_run(load, peer, &plan, &turn->points[i]);
    }
    turn->acknowledged = load_acknowledged(load);
    turn->refused = load_refused(load);
    turn->stored = peer->kind->count(peer->self);
    turn->is_done = true;
}

/* There is some load before, so that what is killed was at work. */
static void measure_failover(const struct options *options, struct peer *peer,
                             struct load *load, struct turn *turn)
{
    struct load_plan plan = {.outstanding = 1,
                             .size = options->size,
                             .warm_seconds = FAILOVER_LOAD_SECONDS};

    load_warm(load, peer, &plan);
    turn->failover_seconds = failover_run(options, peer, load);
    turn->is_done = true;
}

static void run(const struct options *options, const struct peer_kind *kind,
                const char *program, const char *dir, measure_fn *what,
                int answer)
{
    struct load *load = load_new();
    struct peer_setup setup = {.dir = dir,
                               .program = program,
                               .connections =
                                   options_connections(options, kind),
                               .load = load};
    struct peer peer = {.kind = kind};
    struct turn turn = {0};
    double begun = scale_now();

    kind->start(&peer, &setup);
    (void)snprintf(turn.version, sizeof turn.version, "%s", peer.version);
    what(options, &peer, load, &turn);
    servers_kill(peer.pids, PEER_SERVERS);
    turn.seconds = scale_now() - begun;
    load_free(load);
    if (write(answer, &turn, sizeof turn) != (ssize_t)sizeof turn) {
        scale_fail("the result cannot be told");
    }
}

static void run_and_end(const struct options *options,
                        const struct peer_kind *kind, const char *program,
                        const char *dir, measure_fn *what, int answer)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (mkdir(dir, 0700) != 0) {
        scale_fail("%s cannot be made", dir);
    }
    run(options, kind, program, dir, what, answer);
    /* What the client and its servers had goes with the process. */
    _exit(0);
}

static void run_apart(const struct options *options,
                      const struct peer_kind *kind, const char *program,
                      const char *dir, measure_fn *what, struct turn *ret_turn)
{
    int ends[2];
    pid_t pid;

    *ret_turn = (struct turn){0};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        scale_fail("no pipe");
    }
    (void)fflush(NULL);
    pid = fork();
    if (pid < 0) {
        scale_fail("no process");
    }
    if (pid == 0) {
        run_and_end(options, kind, program, dir, what, ends[1]);
    }
    child = pid;
    (void)close(ends[1]);
    if (read(ends[0], ret_turn, sizeof *ret_turn) !=
        (ssize_t)sizeof *ret_turn) {
        ret_turn->is_done = false;
    }
    (void)close(ends[0]);
    while (waitpid(pid, NULL, 0) != pid) {
    }
    child = 0;
    if (!options->keeps) {
        scale_dir_remove(dir);
    }
}

void turn_run(const struct options *options, const struct peer_kind *kind,
              const char *program, const char *dir, struct turn *ret_turn)
{
    run_apart(options, kind, program, dir, measure, ret_turn);
}

void turn_run_failover(const struct options *options,
                       const struct peer_kind *kind, const char *program,
                       const char *dir, struct turn *ret_turn)
{
    run_apart(options, kind, program, dir, measure_failover, ret_turn);
}

void turn_interrupt(void)
{
    if (child > 0) {
        (void)kill((pid_t)child, SIGKILL);
    }
}

bool turn_is_true(const struct turn *turn)
{
    return turn->is_done && turn->stored >= turn->acknowledged &&
           turn->stored <= turn->acknowledged + turn->refused;
}
