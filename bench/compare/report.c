/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "compare/report.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define NAME_WIDTH 12
#define CELL_WIDTH 28
#define CELL_MAX 64u
/* From this part of a core on the client, not the servers, may be what is
 * measured. */
#define CLIENT_SHARE_FULL 0.9

struct cell {
    char text[CELL_MAX];
    size_t len;
};

static void add(struct cell *cell, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct cell *cell, const char *format, ...)
{
    size_t room = sizeof cell->text - cell->len;
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(cell->text + cell->len, room, format, args);
    va_end(args);
    cell->len += len > 0 && (size_t)len < room ? (size_t)len : 0;
}

/* 1234567 is 1,234,567; below 100 with what matters behind the point. */
static void add_number(struct cell *cell, double value)
{
    char digits[32];
    int len;

    if (value < 100) {
        add(cell, "%.*f", value < 10 ? 2 : 1, value);
        return;
    }
    len = snprintf(digits, sizeof digits, "%.0f", value);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            add(cell, ",");
        }
        add(cell, "%c", digits[i]);
    }
}

static void print_cell(const struct cell *cell)
{
    (void)printf("%-*s", CELL_WIDTH, cell->text);
}

static void print_head(const struct results *results, const char *title)
{
    const struct options *options = results->options;

    (void)printf("\n%s\n%-*s", title, NAME_WIDTH, "outstanding:");
    for (size_t i = 0; i < options->points; i++) {
        (void)printf("%-*zu", CELL_WIDTH, options->outstanding[i]);
    }
}

static double median(const struct results *results, size_t peer, size_t point,
                     size_t field)
{
    return results_spread(results, peer, point, field).median;
}

static struct cell three(const struct results *results, size_t peer,
                         size_t point)
{
    static const size_t fields[] = {offsetof(struct load_result, rate),
                                    offsetof(struct load_result, p50_us),
                                    offsetof(struct load_result, p99_us)};
    struct cell cell = {.len = 0};

    if (results_spread(results, peer, point, fields[0]).count == 0) {
        add(&cell, "-");
        return cell;
    }
    for (size_t i = 0; i < 3; i++) {
        add(&cell, "%s", i > 0 ? " / " : "");
        add_number(&cell, median(results, peer, point, fields[i]));
    }
    return cell;
}

static void print_medians(const struct results *results)
{
    size_t told = options_point_told(results->options);

    print_head(results, "ops/s / p50 us / p99 us, medians");
    (void)printf("CPU s of 3 servers per 1 M, RSS MiB, at %zu\n",
                 results->options->outstanding[told]);
    for (size_t peer = 0; peer < results->count; peer++) {
        struct cell last = {.len = 0};

        (void)printf("%-*s", NAME_WIDTH, results->peers[peer]->name);
        for (size_t i = 0; i < results->options->points; i++) {
            struct cell cell = three(results, peer, i);

            print_cell(&cell);
        }
        add_number(&last, median(results, peer, told,
                                 offsetof(struct load_result, server_us)));
        add(&last, ", ");
        add_number(&last, median(results, peer, told,
                                 offsetof(struct load_result, rss_mib)));
        (void)printf("%s\n", last.text);
    }
}

static struct cell range(struct spread spread)
{
    struct cell cell = {.len = 0};

    if (spread.count == 0) {
        add(&cell, "-");
        return cell;
    }
    add_number(&cell, spread.median);
    add(&cell, " (");
    add_number(&cell, spread.low);
    add(&cell, "-");
    add_number(&cell, spread.high);
    add(&cell, ")");
    return cell;
}

typedef struct spread (*spread_fn)(const struct results *results, size_t peer,
                                   size_t point, size_t field);

static void print_ranges(const struct results *results, const char *title,
                         spread_fn spread, size_t field)
{
    print_head(results, title);
    (void)putchar('\n');
    for (size_t peer = 0; peer < results->count; peer++) {
        if (spread == results_ratio && results->peers[peer] == &peer_quorlog) {
            continue;
        }
        (void)printf("%-*s", NAME_WIDTH, results->peers[peer]->name);
        for (size_t i = 0; i < results->options->points; i++) {
            struct cell cell = range(spread(results, peer, i, field));

            print_cell(&cell);
        }
        (void)putchar('\n');
    }
}

static bool has_ratios(const struct results *results)
{
    bool has_quorlog = false;

    for (size_t i = 0; i < results->count; i++) {
        has_quorlog = has_quorlog || results->peers[i] == &peer_quorlog;
    }
    return has_quorlog && results->count > 1;
}

static void print_ratios(const struct results *results)
{
    if (!has_ratios(results)) {
        return;
    }
    print_ranges(results, "quorlog's ops/s divided by theirs in the same turn",
                 results_ratio, offsetof(struct load_result, rate));
    print_ranges(results, "quorlog's p50 divided by theirs", results_ratio,
                 offsetof(struct load_result, p50_us));
    print_ranges(results, "quorlog's p99 divided by theirs", results_ratio,
                 offsetof(struct load_result, p99_us));
    print_ranges(results, "quorlog's server CPU for one divided by theirs",
                 results_ratio, offsetof(struct load_result, server_us));
}

static void print_client(const struct results *results)
{
    print_head(results, "the client: CPU us for one, part of a core");
    (void)putchar('\n');
    for (size_t peer = 0; peer < results->count; peer++) {
        (void)printf("%-*s", NAME_WIDTH, results->peers[peer]->name);
        for (size_t i = 0; i < results->options->points; i++) {
            struct cell cell = {.len = 0};
            double share = median(results, peer, i,
                                  offsetof(struct load_result, client_share));

            add_number(&cell, median(results, peer, i,
                                     offsetof(struct load_result, client_us)));
            add(&cell, ", %.2f%s", share,
                share >= CLIENT_SHARE_FULL ? " IS THE LIMIT" : "");
            print_cell(&cell);
        }
        (void)putchar('\n');
    }
}

static void print_failovers(const struct results *results)
{
    if (results->options->failovers == 0) {
        return;
    }
    (void)printf("\nms from SIGKILL of the leader to the next "
                 "acknowledgement, %u times\n",
                 results->options->failovers);
    for (size_t peer = 0; peer < results->count; peer++) {
        struct spread spread = results_failover(results, peer);
        struct cell cell;

        spread.low *= 1e3;
        spread.median *= 1e3;
        spread.high *= 1e3;
        cell = range(spread);
        (void)printf("%-*s%s", NAME_WIDTH, results->peers[peer]->name,
                     cell.text);
        if (spread.count < results->options->failovers) {
            (void)printf(", %zu FAILED",
                         results->options->failovers - spread.count);
        }
        (void)putchar('\n');
    }
}

static void print_peer(const struct results *results, size_t peer)
{
    const struct peer_kind *kind = results->peers[peer];
    size_t connections = options_connections(results->options, kind);
    size_t failed = results_failed(results, peer);
    size_t untrue = results_untrue(results, peer);

    (void)printf("%-*s%s; acknowledged means: %s\n", NAME_WIDTH, kind->name,
                 results_version(results, peer), kind->durability);
    (void)printf("%-*s%s", NAME_WIDTH, "", kind->connected);
    if (connections > 0) {
        (void)printf(", %zu connections", connections);
    }
    (void)printf("; a turn took %.0f s", results_turn_seconds(results, peer));
    if (failed > 0) {
        (void)printf("; %zu TURNS FAILED", failed);
    }
    if (untrue > 0) {
        (void)printf("; IN %zu TURNS IT STORED NOT WHAT IT ACKNOWLEDGED",
                     untrue);
    } else if (failed < results->options->turns) {
        (void)printf("; stored what it acknowledged");
    }
    (void)putchar('\n');
}

void report_print(const struct results *results)
{
    const struct options *options = results->options;

    (void)printf("%zu-byte payloads of random bytes; %u turns of %g s at each "
                 "number outstanding,\nafter %g s to get warm; three servers "
                 "each, their defaults, all on loopback and one disk\n",
                 options->size, options->turns, options->seconds,
                 options->warm_seconds);
    print_medians(results);
    print_ranges(results, "ops/s: median (lowest to highest turn)",
                 results_spread, offsetof(struct load_result, rate));
    print_ratios(results);
    print_client(results);
    print_failovers(results);
    (void)putchar('\n');
    for (size_t peer = 0; peer < results->count; peer++) {
        print_peer(results, peer);
    }
    (void)printf("all took %.0f s\n", results->seconds);
}
