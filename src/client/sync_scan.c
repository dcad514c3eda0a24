/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Blocking calls that go through the staged state page by page. */
#include <string.h>

#include "client/client.h"
#include "client/sync.h"

/* Which state the pages are of, and where the next one begins. */
struct place {
    bool begun;
    uint64_t stage;
    uint64_t revision;
    bool more;
    char log[QL_LOG_NAME_MAX + 1];
    uint64_t position;
};

struct sync_print {
    struct sync sync;
    struct place place;
    ql_scan_page_cb cb; /* or NULL */
    void *data;
    struct ql_scan_totals totals;
    uint64_t given; /* entries */
};

struct sync_diff {
    struct sync sync;
    struct place place;
    ql_diff_page_cb cb; /* or NULL */
    void *data;
};

static void on_page(void *data, const struct ql_scan_page *page,
                    const struct ql_error *error);
static void add_totals(struct ql_scan_totals *totals,
                       const struct ql_scan_totals *page);
static void on_diff(void *data, const struct ql_diff_page *page,
                    const struct ql_error *error);
static int place_move(struct place *place, uint64_t stage, uint64_t revision,
                      const char *log, uint64_t position,
                      struct ql_error *error);
static int stopped(struct ql_error *error);

int ql_recovery_print(struct ql_client *client, const struct ql_filter *filter,
                      const struct ql_scan_options *options, ql_scan_page_cb cb,
                      void *data, struct ql_scan_totals *ret_totals,
                      struct ql_error *error)
{
    struct sync_print wait = {.cb = cb};
    struct ql_scan_options given;
    uint64_t most;
    int rv = sync_begin(&wait.sync, client, error);

    rv = rv != 0 ? rv
                 : client_options_copy(&given, sizeof(given), options, error);
    if (rv != 0) {
        return rv;
    }
    given.size = sizeof(given);
    wait.data = data;
    most = given.entries ? given.entries_max : 0;
    do {
        given.entries_max = most == 0 ? 0 : most - wait.given;
        wait.sync.done = false;
        rv = ql_recovery_print_async(client, filter, &given, on_page, &wait,
                                     error);
        rv = sync_end(&wait.sync, rv, error);
        given.log = wait.place.log;
        given.position = wait.place.position;
    } while (rv == 0 && wait.place.more && (most == 0 || wait.given < most));
    if (rv == 0 && ret_totals != NULL) {
        *ret_totals = wait.totals;
    }
    return rv;
}

static void on_page(void *data, const struct ql_scan_page *page,
                    const struct ql_error *error)
{
    struct sync_print *wait = data;
    struct ql_error own;

    if (error == NULL &&
        place_move(&wait->place, page->totals.stage, page->totals.revision,
                   page->more ? page->log : NULL, page->position, &own) != 0) {
        error = &own;
    }
    if (error == NULL) {
        add_totals(&wait->totals, &page->totals);
        wait->given += page->entry_count;
        if (wait->cb != NULL && wait->cb(wait->data, page) != 0) {
            (void)stopped(&own);
            error = &own;
        }
    }
    sync_done(&wait->sync, error);
}

static void add_totals(struct ql_scan_totals *totals,
                       const struct ql_scan_totals *page)
{
    totals->stage = page->stage;
    totals->revision = page->revision;
    totals->state_index = page->state_index;
    totals->scanned_entries += page->scanned_entries;
    totals->scanned_bytes += page->scanned_bytes;
    totals->matched_entries += page->matched_entries;
    totals->matched_bytes += page->matched_bytes;
}

int ql_recovery_diff(struct ql_client *client,
                     const struct ql_diff_options *options, ql_diff_page_cb cb,
                     void *data, struct ql_error *error)
{
    struct sync_diff wait = {.cb = cb};
    struct ql_diff_options given;
    int rv = sync_begin(&wait.sync, client, error);

    rv = rv != 0 ? rv
                 : client_options_copy(&given, sizeof(given), options, error);
    if (rv != 0) {
        return rv;
    }
    given.size = sizeof(given);
    wait.data = data;
    do {
        wait.sync.done = false;
        rv = ql_recovery_diff_async(client, &given, on_diff, &wait, error);
        rv = sync_end(&wait.sync, rv, error);
        given.after = wait.place.log;
    } while (rv == 0 && wait.place.more);
    return rv;
}

static void on_diff(void *data, const struct ql_diff_page *page,
                    const struct ql_error *error)
{
    struct sync_diff *wait = data;
    struct ql_error own;

    if (error == NULL && place_move(&wait->place, page->stage, page->revision,
                                    page->after, 0, &own) != 0) {
        error = &own;
    }
    if (error == NULL && wait->cb != NULL && wait->cb(wait->data, page) != 0) {
        (void)stopped(&own);
        error = &own;
    }
    sync_done(&wait->sync, error);
}

/* A page that says where it ends; @log NULL: there is no other. What does not move
 * on would be asked for ever. */
static int place_move(struct place *place, uint64_t stage, uint64_t revision,
                      const char *log, uint64_t position,
                      struct ql_error *error)
{
    int order;

    if (place->begun &&
        (place->stage != stage || place->revision != revision)) {
        return error_set(error, QL_CONDITION_FAILED,
                         "the staged state was changed meanwhile");
    }
    if (log != NULL && place->begun) {
        order = strcmp(log, place->log);
        if (order < 0 || (order == 0 && position <= place->position)) {
            return error_set(error, QL_PROTOCOL,
                             "the server's pages do not move on");
        }
    }
    place->begun = true;
    place->stage = stage;
    place->revision = revision;
    place->more = log != NULL;
    if (log != NULL) {
        memcpy(place->log, log, strlen(log) + 1);
        place->position = position;
    }
    return 0;
}

static int stopped(struct ql_error *error)
{
    return error_set(error, QL_CANCELED, "stopped by its caller");
}
