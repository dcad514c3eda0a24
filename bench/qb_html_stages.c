/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "qb_html.h"

#include <inttypes.h>

#define ROW 26.0
#define LEFT 190.0
#define WIDTH 960.0
#define BARS 470.0 /* the numbers are to the right of them */

static double longest_mean(const struct qb_stages *stages)
{
    double longest = 1;

    for (size_t i = 0; i < stages->count; i++) {
        double mean = histogram_mean(&stages->stages[i].times);

        longest = mean > longest ? mean : longest;
    }
    return longest;
}

static void add_bar(struct qb_page *page, const struct qb_stage *stage,
                    double y, double longest)
{
    double mean = histogram_mean(&stage->times);

    qb_page_add(page, "<text class=\"tick end\" x=\"%.0f\" y=\"%.1f\">",
                LEFT - 8, y + 16);
    qb_page_text(page, stage->name);
    qb_page_add(page,
                "</text><rect class=\"bar\" x=\"%.0f\" y=\"%.1f\" "
                "width=\"%.1f\" height=\"%.0f\" rx=\"2\"/>"
                "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\">",
                LEFT, y + 4, BARS * mean / longest + 1, ROW - 8,
                LEFT + BARS * mean / longest + 9, y + 16);
    qb_page_time(page, mean);
    qb_page_add(page, " &#183; p50 ");
    qb_page_time(page, (double)histogram_percentile(&stage->times, 50));
    qb_page_add(page, " &#183; p99 ");
    qb_page_time(page, (double)histogram_percentile(&stage->times, 99));
    qb_page_add(page, "</text>\n");
}

void qb_html_stages(struct qb_page *page, const struct qb_result *result)
{
    bool begun = false;

    for (size_t i = 0; i < result->point_count; i++) {
        const struct qb_point *point = &result->points[i];
        const struct qb_stages *stages = point->stages;
        char name[80];

        if (stages == NULL || stages->count == 0) {
            continue;
        }
        if (!begun) {
            qb_page_add(page, "<h2>Where the time went</h2>\n"
                              "<p class=\"note\">By the leader, of sampled "
                              "appends; bars are means.</p>\n");
        }
        begun = true;
        qb_point_name(point, name, sizeof name);
        qb_page_add(page, "<figure><figcaption>");
        qb_page_text(page, name);
        qb_page_add(page, ", %" PRIu64 " samples</figcaption>\n",
                    stages->stages[0].times.count);
        qb_page_add(page, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n",
                    WIDTH, ROW * (double)stages->count + 4);
        for (size_t k = 0; k < stages->count; k++) {
            add_bar(page, &stages->stages[k], ROW * (double)k,
                    longest_mean(stages));
        }
        qb_page_add(page, "</svg></figure>\n");
    }
}
