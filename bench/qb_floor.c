/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_floor.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "qb_floor_net.h"

#include "util/histogram.h"
#include "util/mem.h"
#include "util/text.h"

#define TURNS 4u
#define TURN_MS_MIN 2u
#define WRITES_MIN 3u /* of each turn */
#define PORT_DEFAULT 7420u
/* Parts of the budget, in percent; making the files takes the rest. */
#define ALONE_PART 40u
#define WRITE_PART 10u
#define TOGETHER_PART 20u
#define TRIPS_PART 20u

/* One of the directories that are written to at once. */
struct side {
    struct qb_disk *disk;
    uint64_t until_ns;
    struct histogram histogram;
    struct err err;
    int rv;
    pthread_t thread;
    bool runs;
};

static int measure_dir(struct qb_floor_dir *dir, const struct qb_floor *floor,
                       unsigned budget_ms, struct err *err);
static int measure_together(struct qb_floor *floor, unsigned ms,
                            struct err *err);
static int measure_trips(const struct qb_floor_options *options,
                         struct qb_floor *floor, unsigned ms, struct err *err);
static void compute(struct qb_floor *floor);

int qb_floor_measure(const struct qb_floor_options *options,
                     struct qb_floor *ret_floor, struct err *err)
{
    unsigned budget =
        options->budget_ms != 0 ? options->budget_ms : QB_FLOOR_BUDGET_MS;
    uint64_t begun = qb_floor_now_ns();
    struct qb_floor *floor = mem_must_zalloc(sizeof *floor);
    size_t blocks = (options->write_len + QB_DISK_BLOCK - 1) / QB_DISK_BLOCK;
    int rv = 0;

    assert(options->nodes > 0);
    assert(options->nodes <= MEMBERS_MAX);
    assert(options->dir_count <= MEMBERS_MAX);
    floor->nodes = options->nodes;
    floor->write_len = (blocks > 0 ? blocks : 1) * QB_DISK_BLOCK;
    floor->message_len = options->message_len > 0 ? options->message_len : 1;
    floor->dir_count = options->dir_count;
    floor->disks_known = options->dir_count > 0;
    for (size_t i = 0; rv == 0 && i < floor->dir_count; i++) {
        (void)snprintf(floor->dirs[i].path, sizeof floor->dirs[i].path, "%s",
                       options->dirs[i]);
        rv = measure_dir(&floor->dirs[i], floor,
                         budget / (unsigned)floor->dir_count, err);
    }
    if (rv == 0 && floor->disks_known) {
        rv = measure_together(floor, budget * TOGETHER_PART / 100, err);
    }
    if (rv == 0) {
        rv = measure_trips(options, floor, budget * TRIPS_PART / 100, err);
    }
    if (rv == 0) {
        compute(floor);
        floor->seconds = (double)(qb_floor_now_ns() - begun) / 1e9;
        *ret_floor = *floor;
    } else {
        (void)err_wrap(err, "measure the floor");
    }
    free(floor);
    return rv;
}

double qb_floor_quorum(const double *disk_us, size_t nodes, double trip_us)
{
    size_t needed = nodes / 2; /* followers beside the leader */
    double followers[MEMBERS_MAX];
    double slowest;

    assert(nodes > 0);
    assert(nodes <= MEMBERS_MAX);
    for (size_t i = 1; i < nodes; i++) {
        size_t at = i - 1;

        while (at > 0 && followers[at - 1] > disk_us[i]) {
            followers[at] = followers[at - 1];
            at--;
        }
        followers[at] = disk_us[i];
    }
    if (needed == 0) {
        return disk_us[0];
    }
    slowest = trip_us + followers[needed - 1];
    return slowest > disk_us[0] ? slowest : disk_us[0];
}

double qb_floor_times(const struct qb_floor *floor, double us)
{
    return floor->p50_us > 0 ? us / floor->p50_us : 0;
}

static void cost_from(struct qb_floor_cost *ret,
                      const struct histogram *histogram)
{
    ret->count = histogram->count;
    ret->p50_us = (double)histogram_percentile(histogram, 50) / 1000;
    ret->p99_us = (double)histogram_percentile(histogram, 99) / 1000;
}

/* The first write finds the device at rest, and does not count. A few always do,
 * however slow they are. */
static int commit_for(struct qb_disk *disk, struct histogram *histogram,
                      uint64_t until_ns, struct err *err)
{
    uint64_t before = qb_floor_now_ns();
    unsigned done = 0;
    int rv = 0;

    while (rv == 0 && (before < until_ns || done <= WRITES_MIN) &&
           qb_disk_has_room(disk)) {
        uint64_t after;

        rv = qb_disk_commit(disk, err);
        after = qb_floor_now_ns();
        if (rv == 0 && done > 0) {
            histogram_record(histogram, after - before);
        }
        done++;
        before = after;
    }
    return rv;
}

/* All ways in turns, so that what disturbs hits them alike. A way that this
 * directory does not have is left out. */
static int measure_ways(struct qb_floor_dir *dir, struct qb_disk **disks,
                        struct histogram *histograms, unsigned ms,
                        struct err *err)
{
    unsigned turn_ms = ms / (TURNS * QB_DISK_WAYS);
    int rv = 0;

    turn_ms = turn_ms > TURN_MS_MIN ? turn_ms : TURN_MS_MIN;
    for (size_t i = 0; rv == 0 && i < QB_DISK_WAYS; i++) {
        histogram_init(&histograms[i]);
        rv = qb_disk_open(&disks[i], dir->path, (enum qb_disk_way)i,
                          QB_DISK_BLOCK, err);
        rv = rv == QL_UNKNOWN_METHOD ? 0 : rv;
    }
    for (size_t i = 0; rv == 0 && i < TURNS * QB_DISK_WAYS; i++) {
        size_t way = i % QB_DISK_WAYS;

        if (disks[way] != NULL) {
            rv = commit_for(disks[way], &histograms[way],
                            qb_floor_now_ns() + turn_ms * 1000000ull, err);
        }
        if (rv == QL_UNKNOWN_METHOD) {
            qb_disk_close(disks[way]);
            disks[way] = NULL;
            rv = 0;
        }
    }
    for (size_t i = 0; i < QB_DISK_WAYS; i++) {
        qb_disk_close(disks[i]);
    }
    return rv;
}

static void choose_best(struct qb_floor_dir *dir)
{
    dir->best = QB_DISK_SYNC;
    for (size_t i = 0; i < QB_DISK_WAYS; i++) {
        if (dir->ways[i].count > 0 &&
            dir->ways[i].p50_us < dir->ways[dir->best].p50_us) {
            dir->best = (enum qb_disk_way)i;
        }
    }
}

static int measure_dir(struct qb_floor_dir *dir, const struct qb_floor *floor,
                       unsigned budget_ms, struct err *err)
{
    struct histogram *histograms =
        mem_must_array(QB_DISK_WAYS, sizeof *histograms);
    struct qb_disk *disks[QB_DISK_WAYS] = {NULL};
    struct qb_disk *disk = NULL;
    int rv;

    (void)snprintf(dir->kind, sizeof dir->kind, "%s", qb_disk_kind(dir->path));
    rv =
        measure_ways(dir, disks, histograms, budget_ms * ALONE_PART / 100, err);
    for (size_t i = 0; rv == 0 && i < QB_DISK_WAYS; i++) {
        cost_from(&dir->ways[i], &histograms[i]);
    }
    choose_best(dir);
    dir->write = dir->ways[dir->best];
    if (rv == 0 && floor->write_len > QB_DISK_BLOCK) {
        histogram_init(&histograms[0]);
        rv = qb_disk_open(&disk, dir->path, dir->best, floor->write_len, err);
        if (rv == 0) {
            rv = commit_for(
                disk, &histograms[0],
                qb_floor_now_ns() + budget_ms * WRITE_PART * 10000ull, err);
        }
        cost_from(&dir->write, &histograms[0]);
        qb_disk_close(disk);
    }
    free(histograms);
    return rv;
}

static void *run_side(void *data)
{
    struct side *side = data;

    side->rv =
        commit_for(side->disk, &side->histogram, side->until_ns, &side->err);
    return NULL;
}

static int measure_together(struct qb_floor *floor, unsigned ms,
                            struct err *err)
{
    struct side *sides = mem_must_array(floor->dir_count, sizeof *sides);
    uint64_t until;
    int rv = 0;

    for (size_t i = 0; rv == 0 && i < floor->dir_count; i++) {
        histogram_init(&sides[i].histogram);
        rv = qb_disk_open(&sides[i].disk, floor->dirs[i].path,
                          floor->dirs[i].best, floor->write_len, err);
    }
    until = qb_floor_now_ns() + ms * 1000000ull;
    for (size_t i = 0; rv == 0 && i < floor->dir_count; i++) {
        sides[i].until_ns = until;
        if (pthread_create(&sides[i].thread, NULL, run_side, &sides[i]) != 0) {
            rv = err_set(err, QL_NO_MEMORY, "no thread for each directory");
        } else {
            sides[i].runs = true;
        }
    }
    for (size_t i = 0; i < floor->dir_count; i++) {
        if (sides[i].runs) {
            (void)pthread_join(sides[i].thread, NULL);
        }
        if (rv == 0 && sides[i].rv != 0) {
            rv = err_set(err, sides[i].rv, "%s", sides[i].err.text);
        }
        cost_from(&floor->dirs[i].together, &sides[i].histogram);
        qb_disk_close(sides[i].disk);
    }
    free(sides);
    return rv;
}

static bool all_are_here(const struct qb_floor_options *options)
{
    struct address address;

    for (size_t i = 0; i < options->endpoint_count; i++) {
        if (address_parse(options->endpoints[i], PORT_DEFAULT, &address,
                          NULL) != 0 ||
            !address_is_loopback(&address)) {
            return false;
        }
    }
    return true;
}

/* The node that answers fastest gives the client's round trip: the others can
 * only cost more, and one that does not answer costs nothing. */
static int measure_pings(const struct qb_floor_options *options,
                         struct qb_floor *floor, struct histogram *histogram,
                         unsigned ms, struct err *err)
{
    bool found = false;
    int rv = 0;

    for (size_t i = 0; i < options->endpoint_count; i++) {
        struct qb_floor_cost cost;
        int failed;

        histogram_init(histogram);
        failed = qb_floor_net_ping(histogram, options->endpoints[i],
                                   ms / (unsigned)options->endpoint_count, err);
        cost_from(&cost, histogram);
        if (failed == 0 &&
            (!found || cost.p50_us < floor->client_trip.p50_us)) {
            floor->client_trip = cost;
        }
        found = found || failed == 0;
        rv = failed != 0 ? failed : rv;
    }
    return found ? 0 : rv;
}

static int measure_trips(const struct qb_floor_options *options,
                         struct qb_floor *floor, unsigned ms, struct err *err)
{
    struct histogram *histogram = mem_must_alloc(sizeof *histogram);
    int rv = 0;

    floor->trips_real = options->endpoint_count > 0;
    floor->peers_known = all_are_here(options);
    for (size_t i = 0; rv == 0 && floor->peers_known && i < 2; i++) {
        histogram_init(histogram);
        rv = qb_floor_net_loopback(histogram, floor->message_len, i == 0,
                                   ms / 4, err);
        cost_from(&floor->loopback[i], histogram);
    }
    floor->peer_trip =
        floor->loopback[floor->loopback[1].p50_us < floor->loopback[0].p50_us];
    floor->client_trip = floor->peer_trip;
    if (rv == 0 && floor->trips_real) {
        rv = measure_pings(options, floor, histogram, ms / 2, err);
    }
    if (!floor->peers_known) {
        floor->peer_trip = floor->client_trip;
    }
    free(histogram);
    return rv;
}

static void compute(struct qb_floor *floor)
{
    double p50[MEMBERS_MAX] = {0};
    double p99[MEMBERS_MAX] = {0};

    for (size_t i = 0; floor->disks_known && i < floor->nodes; i++) {
        const struct qb_floor_dir *dir = &floor->dirs[i % floor->dir_count];

        p50[i] = dir->together.p50_us;
        p99[i] = dir->together.p99_us;
    }
    floor->p50_us = floor->client_trip.p50_us +
                    qb_floor_quorum(p50, floor->nodes, floor->peer_trip.p50_us);
    floor->p99_us = floor->client_trip.p99_us +
                    qb_floor_quorum(p99, floor->nodes, floor->peer_trip.p99_us);
}
