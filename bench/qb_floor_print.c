/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_floor.h"

#define NAME_WIDTH 48

static void print_disks(const struct qb_floor *floor, FILE *out);
static void print_trips(const struct qb_floor *floor, FILE *out);
static void print_formula(const struct qb_floor *floor, FILE *out);

void qb_floor_print(const struct qb_floor *floor, FILE *out)
{
    (void)fprintf(out,
                  "The floor of a quorum write here, measured in %.1f s before "
                  "the load; p50 / p99 in us:\n",
                  floor->seconds);
    if (floor->disks_known) {
        print_disks(floor, out);
    }
    print_trips(floor, out);
    print_formula(floor, out);
}

static void print_costs(const struct qb_floor *floor, FILE *out,
                        const struct qb_floor_cost *first)
{
    const char *at = (const char *)first;

    for (size_t i = 0; i < floor->dir_count; i++) {
        const struct qb_floor_cost *cost =
            (const void *)(at + i * sizeof floor->dirs[0]);
        char text[32] = "not here";

        if (cost->count > 0) {
            (void)snprintf(text, sizeof text, "%.1f / %.1f", cost->p50_us,
                           cost->p99_us);
        }
        (void)fprintf(out, "  %16s", text);
    }
    (void)fputc('\n', out);
}

static void print_disks(const struct qb_floor *floor, FILE *out)
{
    const struct qb_floor_dir *first = &floor->dirs[0];

    for (size_t i = 0; i < floor->dir_count; i++) {
        (void)fprintf(out, "  disk %zu: %s (%s)%s\n", i + 1,
                      floor->dirs[i].path, floor->dirs[i].kind,
                      i == 0 ? ", of the node that leads" : "");
    }
    (void)fprintf(out, "  %-*s", NAME_WIDTH, "one durable write of 4 KiB");
    for (size_t i = 0; i < floor->dir_count; i++) {
        (void)fprintf(out, "  %14s %zu", "disk", i + 1);
    }
    (void)fputc('\n', out);
    for (size_t i = 0; i < QB_DISK_WAYS; i++) {
        (void)fprintf(out, "    %-*s", NAME_WIDTH - 2,
                      qb_disk_way_name((enum qb_disk_way)i));
        print_costs(floor, out, &first->ways[i]);
    }
    (void)fprintf(out, "  the best way, writes of %3zu KiB%-*s",
                  floor->write_len / 1024, NAME_WIDTH - 32, "");
    print_costs(floor, out, &first->write);
    (void)fprintf(out, "  the same, all directories at once%-*s",
                  NAME_WIDTH - 33, "");
    print_costs(floor, out, &first->together);
}

static void print_trip(FILE *out, const char *what,
                       const struct qb_floor_cost *cost, const char *how)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%.1f / %.1f", cost->p50_us,
                   cost->p99_us);
    (void)fprintf(out, "  %-*s  %16s  (%s)\n", NAME_WIDTH, what, text, how);
}

static void print_trips(const struct qb_floor *floor, FILE *out)
{
    char bytes[64];

    (void)snprintf(bytes, sizeof bytes, "TCP on loopback, %zu bytes",
                   floor->message_len);
    if (floor->peers_known) {
        print_trip(out, "round trip, both ends on one processor",
                   &floor->loopback[0], bytes);
        print_trip(out, "round trip, both ends anywhere", &floor->loopback[1],
                   bytes);
    } else {
        print_trip(out, "round trip between nodes", &floor->peer_trip,
                   "not known from here: the client's stands for it");
    }
    if (floor->trips_real) {
        print_trip(out, "round trip of the client", &floor->client_trip,
                   "server.ping");
    }
}

static void print_formula(const struct qb_floor *floor, FILE *out)
{
    size_t needed = floor->nodes / 2;

    (void)fprintf(out, "  floor: ");
    if (needed > 0) {
        (void)fprintf(out,
                      "max(leader's disk, round trip + disk of follower %zu, "
                      "by speed)",
                      needed);
    } else {
        (void)fprintf(out, "the disk");
    }
    (void)fprintf(out, " + the client's round trip = %.1f / %.1f us\n",
                  floor->p50_us, floor->p99_us);
    if (!floor->disks_known) {
        (void)fprintf(out,
                      "  The disks are not known and count as 0, so that the "
                      "floor is too low: see --floor-dir.\n");
    } else if (floor->dir_count < floor->nodes) {
        (void)fprintf(out,
                      "  The directories given stand for those of all %zu "
                      "nodes.\n",
                      floor->nodes);
    }
}
