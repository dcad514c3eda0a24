/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_html.h"

static void add_cost(struct qb_page *page, const struct qb_floor_cost *cost)
{
    if (cost->count == 0) {
        qb_page_add(page, "<td>not here</td>");
        return;
    }
    qb_page_add(page, "<td>%.1f / %.1f</td>", cost->p50_us, cost->p99_us);
}

static void add_disks(struct qb_page *page, const struct qb_floor *floor)
{
    qb_page_add(page, "<div class=\"wide\"><table><tr><th>one durable write "
                      "of 4 KiB; p50 / p99 in µs</th>");
    for (size_t i = 0; i < floor->dir_count; i++) {
        qb_page_add(page, "<th>");
        qb_page_text(page, floor->dirs[i].path);
        qb_page_add(page, " (%s)</th>", floor->dirs[i].kind);
    }
    for (size_t way = 0; way < QB_DISK_WAYS; way++) {
        qb_page_add(page, "</tr>\n<tr><td>");
        qb_page_text(page, qb_disk_way_name((enum qb_disk_way)way));
        qb_page_add(page, "</td>");
        for (size_t i = 0; i < floor->dir_count; i++) {
            add_cost(page, &floor->dirs[i].ways[way]);
        }
    }
    qb_page_add(page, "</tr>\n<tr><td>the best way, %zu KiB</td>",
                floor->write_len / 1024);
    for (size_t i = 0; i < floor->dir_count; i++) {
        add_cost(page, &floor->dirs[i].write);
    }
    qb_page_add(page, "</tr>\n<tr><td>the same, all at once</td>");
    for (size_t i = 0; i < floor->dir_count; i++) {
        add_cost(page, &floor->dirs[i].together);
    }
    qb_page_add(page, "</tr></table></div>\n");
}

void qb_html_floor(struct qb_page *page, const struct qb_result *result)
{
    const struct qb_floor *floor = &result->floor;

    if (!result->floor_known) {
        return;
    }
    qb_page_add(page, "<h2>The floor</h2>\n");
    if (floor->disks_known) {
        add_disks(page, floor);
    }
    qb_page_add(page,
                "<p>Round trip of the client (%s): %.1f / %.1f µs; between "
                "nodes (%s): %.1f / %.1f µs.</p>\n",
                floor->trips_real ? "server.ping"
                                  : "TCP on loopback, the quicker way",
                floor->client_trip.p50_us, floor->client_trip.p99_us,
                floor->peers_known ? "TCP on loopback, the quicker way"
                                   : "not known from here, so the client's",
                floor->peer_trip.p50_us, floor->peer_trip.p99_us);
    qb_page_add(page,
                "<p>The floor of a quorum write: max(leader's disk, round trip "
                "+ disk of follower %zu, by speed) + the client's round trip = "
                "<strong>%.1f µs</strong>; from the p99 of its parts %.1f "
                "µs.</p>\n",
                floor->nodes / 2, floor->p50_us, floor->p99_us);
    if (!floor->disks_known) {
        qb_page_add(page, "<p>The disks are not known and count as 0, so that "
                          "the floor is too low.</p>\n");
    }
}
