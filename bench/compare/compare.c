/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * quorlog and other products side by side: in turns, so that what else goes on
 * in the machine hits all alike, with the same payloads, the same numbers of
 * appends under way, the same load and the same disk. See README.md.
 */
#include "compare/fetch.h"
#include "compare/report.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "scale_process.h"

static volatile sig_atomic_t is_interrupted;

static void on_signal(int number)
{
    (void)number;
    is_interrupted = 1;
    turn_interrupt();
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static void say_turn(const struct options *options, const struct turn *turn,
                     unsigned number, const struct peer_kind *kind)
{
    (void)fprintf(stderr, "turn %u of %u: %s", number + 1, options->turns,
                  kind->name);
    if (!turn->is_done) {
        (void)fprintf(stderr, " failed\n");
        return;
    }
    for (size_t i = 0; i < options->points; i++) {
        (void)fprintf(stderr, "%s %.0f/s", i > 0 ? "," : "",
                      turn->points[i].rate);
    }
    (void)fprintf(stderr, "%s (%.0f s)\n",
                  turn_is_true(turn) ? "" : " NOT WHAT IT STORED",
                  turn->seconds);
}

static void say_failover(const struct options *options, const struct turn *turn,
                         unsigned number, const struct peer_kind *kind)
{
    (void)fprintf(stderr, "failover %u of %u: %s ", number + 1,
                  options->failovers, kind->name);
    if (turn->is_done) {
        (void)fprintf(stderr, "%.0f ms\n", turn->failover_seconds * 1e3);
    } else {
        (void)fprintf(stderr, "failed\n");
    }
}

static void take_turn(struct results *results, const char *dir,
                      const char *program, size_t peer, unsigned number,
                      bool is_failover)
{
    const struct options *options = results->options;
    const struct peer_kind *kind = results->peers[peer];
    struct turn *turn = is_failover ? &results->failovers[peer][number]
                                    : &results->turns[peer][number];
    char own[PATH_LEN_MAX];

    if ((size_t)snprintf(own, sizeof own, "%s/%s-%s%u", dir, kind->name,
                         is_failover ? "failover-" : "",
                         number + 1) >= sizeof own) {
        scale_fail("%s is too long", dir);
    }
    (is_failover ? turn_run_failover : turn_run)(options, kind, program, own,
                                                 turn);
    if (!is_interrupted) {
        (is_failover ? say_failover : say_turn)(options, turn, number, kind);
    }
}

static void take_turns(struct results *results, const char *dir,
                       char programs[][PATH_LEN_MAX])
{
    const struct options *options = results->options;
    double begun = scale_now();

    for (unsigned i = 0; i < options->turns + options->failovers; i++) {
        bool is_failover = i >= options->turns;

        for (size_t peer = 0; peer < results->count && !is_interrupted;
             peer++) {
            take_turn(results, dir, programs[peer], peer,
                      is_failover ? i - options->turns : i, is_failover);
        }
    }
    results->seconds = scale_now() - begun;
}

static bool is_whole(const struct results *results)
{
    for (size_t peer = 0; peer < results->count; peer++) {
        if (results_failed(results, peer) > 0 ||
            results_untrue(results, peer) > 0 ||
            results_failover(results, peer).count <
                results->options->failovers) {
            return false;
        }
    }
    return results->count > 0;
}

int main(int argc, char **argv)
{
    static struct options options;
    static struct results results;
    static char programs[OPTIONS_PEERS_MAX][PATH_LEN_MAX];
    char dir[PATH_LEN_MAX];

    if (!options_take(&options, argc, argv)) {
        return 2;
    }
    results.options = &options;
    for (size_t i = 0; i < options.peers_count; i++) {
        if (fetch_server(&options, options.peers[i], programs[results.count])) {
            results.peers[results.count++] = options.peers[i];
        }
    }
    if ((size_t)snprintf(dir, sizeof dir, "%s/compare.XXXXXX", options.dir) >=
            sizeof dir ||
        mkdtemp(dir) == NULL) {
        scale_fail("no directory can be made in %s", options.dir);
    }
    catch_signals();
    take_turns(&results, dir, programs);
    if (options.keeps) {
        (void)fprintf(stderr, "left behind: %s\n", dir);
    } else {
        scale_dir_remove(dir);
    }
    if (is_interrupted) {
        return 130;
    }
    (options.is_json ? report_print_json : report_print)(&results);
    return is_whole(&results) ? 0 : 1;
}
