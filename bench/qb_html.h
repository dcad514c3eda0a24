/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A result as one page that needs nothing beside itself: no script, no font and no
 * picture from elsewhere. */
#pragma once

#include "qb_page.h"
#include "qb_report.h"

#include "util/err.h"

/* Writes it aside, then renames it to @path. */
int qb_html_write(const struct qb_result *result, const char *path,
                  struct err *err);

/* ---- The parts of the page ---- */

void qb_html_style(struct qb_page *page);
void qb_html_results(struct qb_page *page, const struct qb_result *result);
void qb_html_floor(struct qb_page *page, const struct qb_result *result);
void qb_html_phases(struct qb_page *page, const struct qb_result *result);
void qb_html_errors(struct qb_page *page, const struct qb_result *result);
/* All points in one chart. */
void qb_html_percentiles(struct qb_page *page, const struct qb_result *result);
/* A chart for each point. */
void qb_html_times(struct qb_page *page, const struct qb_result *result);
void qb_html_stages(struct qb_page *page, const struct qb_result *result);
