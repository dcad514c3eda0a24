/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Looking into the staged state, and taking entries out. */
#include <string.h>

#include "support/client_rig.h"
#include "support/script.h"
#include "support/wire_check.h"
#include "wire/args_scan.h"

#define ENTRY(log, position)                                                   \
    "{'log': '" log "', 'position': " position                                 \
    ", 'time_ms': 5, 'key': b'k', 'value': b'v'}"
#define HEAD "'stage': 1, 'revision': 2, 'scanned_entries': 10"

/* What the callback was given. */
struct seen {
    size_t pages;
    size_t stop_at; /* this page says: no more */
    size_t entries;
    size_t logs;
    char last_log[QL_LOG_NAME_MAX + 1];
    uint64_t last_position;
};

static int see_page(void *data, const struct ql_scan_page *page)
{
    struct seen *seen = data;
    const struct ql_scan_entry *last;

    seen->pages++;
    seen->logs += page->log_count;
    seen->entries += page->entry_count;
    if (page->entry_count > 0) {
        last = &page->entries[page->entry_count - 1];
        strcpy(seen->last_log, last->log);
        seen->last_position = last->entry.position;
        assert_int_equal(last->entry.time_ms, 5);
        assert_int_equal(last->entry.key_len, 1);
        assert_memory_equal(last->entry.value, "v", 1);
    }
    return seen->pages == seen->stop_at;
}

static int see_diff(void *data, const struct ql_diff_page *page)
{
    struct seen *seen = data;

    seen->pages++;
    seen->logs += page->count;
    if (page->count > 0) {
        strcpy(seen->last_log, page->logs[page->count - 1].name);
        seen->entries += page->logs[page->count - 1].example_count;
    }
    return seen->pages == seen->stop_at;
}

static struct recovery_print_args asked(const struct script *script,
                                        size_t step)
{
    struct recovery_print_args args;

    assert_int_equal(
        recovery_print_args_decode(&args, script_params(script, step), NULL),
        0);
    return args;
}

static void all_pages_are_given(void **state)
{
    struct client_rig *rig = *state;
    struct ql_scan_options options = QL_SCAN_OPTIONS_INIT;
    struct ql_scan_totals totals;
    struct seen seen = {.pages = 0};
    struct recovery_print_args args;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "recovery.print");
    script_note(
        &script,
        "{" HEAD ", 'matched_entries': 2, 'state_index': 3, 'logs': "
        "[{'name': 'a'}, {'name': 'b', 'entries': 7}], 'entries': [" ENTRY(
            "a",
            "4") ", " ENTRY("b",
                            "1") "], 'cursor': {'log': 'b', 'position': 8}}");
    script_note(&script, "{" HEAD ", 'logs': [{'name': 'b'}], 'entries': [], "
                         "'cursor': {'log': 'c'}}");
    script_note(&script, "{" HEAD ", 'matched_entries': 1, 'logs': [{'name': "
                         "'c'}], 'entries': [" ENTRY("c", "9") "]}");
    script_start(&script);
    options.entries = true;
    assert_int_equal(ql_recovery_print(rig->client, NULL, &options, see_page,
                                       &seen, &totals, &error),
                     QL_OK);
    script_stop(&script);
    assert_int_equal(seen.pages, 3);
    assert_int_equal(seen.logs, 4);
    assert_int_equal(seen.entries, 3);
    assert_string_equal(seen.last_log, "c");
    assert_int_equal(seen.last_position, 9);
    assert_int_equal(totals.stage, 1);
    assert_int_equal(totals.revision, 2);
    assert_int_equal(totals.scanned_entries, 30);
    assert_int_equal(totals.matched_entries, 3);

    args = asked(&script, 0);
    assert_true(args.entries);
    assert_int_equal(args.limit, PRINT_ENTRIES_MAX);
    assert_int_equal(args.cursor.log.len, 0);
    assert_true(scan_filter_is_empty(&args.filter));
    args = asked(&script, 1);
    assert_bytes(args.cursor.log, "b");
    assert_int_equal(args.cursor.position, 8);
    args = asked(&script, 2);
    assert_bytes(args.cursor.log, "c");
    script_close(&script);
}

static void no_more_entries_are_asked_for_than_wanted(void **state)
{
    struct client_rig *rig = *state;
    struct ql_scan_options options = QL_SCAN_OPTIONS_INIT;
    struct seen seen = {.pages = 0};
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "recovery.print");
    script_note(
        &script,
        "{" HEAD
        ", 'logs': [{'name': 'a'}], 'entries': [" ENTRY("a", "1") ", " ENTRY(
            "a", "2") "], 'cursor': {'log': 'a', 'position': 3}}");
    script_note(&script,
                "{" HEAD ", 'logs': [{'name': 'a'}], 'entries': [" ENTRY(
                    "a", "3") "], 'cursor': {'log': 'a', 'position': 4}}");
    script_start(&script);
    options.entries = true;
    options.entries_max = 3;
    assert_int_equal(ql_recovery_print(rig->client, NULL, &options, see_page,
                                       &seen, NULL, &error),
                     QL_OK);
    script_stop(&script);
    assert_int_equal(seen.entries, 3);
    assert_int_equal(asked(&script, 0).limit, 3);
    assert_int_equal(asked(&script, 1).limit, 1);
    script_close(&script);
}

static int print_ends(struct client_rig *rig, const char *second,
                      size_t stop_at)
{
    struct seen seen = {.stop_at = stop_at};
    struct ql_error error;
    struct script script;
    int rv;

    script_open(&script, &rig->servers[0], "recovery.print");
    script_note(&script, "{" HEAD ", 'logs': [{'name': 'b'}], 'entries': [], "
                         "'cursor': {'log': 'b', 'position': 5}}");
    script_note(&script, second);
    script_start(&script);
    rv = ql_recovery_print(rig->client, NULL, NULL, see_page, &seen, NULL,
                           &error);
    script_stop(&script);
    script_close(&script);
    return rv;
}

static void pages_that_do_not_fit_together_are_refused(void **state)
{
    struct client_rig *rig = *state;

    assert_int_equal(
        print_ends(rig, "{" HEAD ", 'logs': [], 'entries': []}", 0), QL_OK);
    assert_int_equal(
        print_ends(rig,
                   "{'stage': 1, 'revision': 3, 'logs': [], 'entries': []}", 0),
        QL_CONDITION_FAILED);
    assert_int_equal(
        print_ends(rig,
                   "{'stage': 2, 'revision': 2, 'logs': [], 'entries': []}", 0),
        QL_CONDITION_FAILED);
    assert_int_equal(
        print_ends(rig,
                   "{" HEAD ", 'logs': [], 'entries': [], 'cursor': {'log': "
                   "'b', 'position': 5}}",
                   0),
        QL_PROTOCOL);
    assert_int_equal(
        print_ends(rig,
                   "{" HEAD ", 'logs': [], 'entries': [], 'cursor': {'log': "
                   "'a', 'position': 9}}",
                   0),
        QL_PROTOCOL);
    assert_int_equal(print_ends(rig,
                                "{" HEAD ", 'logs': [{'name': 'b'}], "
                                "'entries': [" ENTRY("c", "1") "]}",
                                0),
                     QL_PROTOCOL);
    assert_int_equal(
        print_ends(rig, "{" HEAD ", 'logs': [], 'entries': []}", 2),
        QL_CANCELED);
}

static void a_filter_goes_to_the_server_whole(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;
    struct ql_filter filter = QL_FILTER_INIT;
    struct ql_scan_options options = QL_SCAN_OPTIONS_INIT;
    struct recovery_print_args args;

    filter.logs = "orders/*";
    filter.key = "";
    filter.key_prefix = "p";
    filter.key_prefix_len = 1;
    filter.key_glob = "p?";
    filter.from = 1;
    filter.to = 2;
    filter.since_ms = 3;
    filter.until_ms = 4;
    filter.contains = "\0";
    filter.contains_len = 1;
    options.log = "orders/7";
    options.position = 6;
    options.entries_max = 5000;
    assert_int_equal(ql_recovery_print_async(rig->client, &filter, &options,
                                             NULL, outcome, NULL),
                     QL_OK);
    assert_int_equal(
        recovery_print_args_decode(
            &args, fake_params(rig_expect(rig, 0, "recovery.print")), NULL),
        0);
    assert_bytes(args.filter.logs, "orders/*");
    assert_true(args.filter.has_key);
    assert_int_equal(args.filter.key.len, 0);
    assert_bytes(args.filter.key_prefix, "p");
    assert_bytes(args.filter.key_glob, "p?");
    assert_int_equal(args.filter.from, 1);
    assert_int_equal(args.filter.to, 2);
    assert_int_equal(args.filter.since_ms, 3);
    assert_int_equal(args.filter.until_ms, 4);
    assert_int_equal(args.filter.contains.len, 1);
    assert_bytes(args.cursor.log, "orders/7");
    assert_int_equal(args.cursor.position, 6);
    assert_int_equal(args.limit, PRINT_ENTRIES_MAX);
    assert_false(args.entries);
}

static void a_filter_that_no_server_takes_goes_nowhere(void **state)
{
    static const char bytes[ENTRY_KEY_MAX + 1];
    struct client_rig *rig = *state;
    struct ql_filter filter = QL_FILTER_INIT;

    assert_int_equal(
        ql_recovery_delete_async(rig->client, 1, 1, &filter, NULL, NULL, NULL),
        QL_INVALID);
    assert_int_equal(
        ql_recovery_delete_async(rig->client, 1, 1, NULL, NULL, NULL, NULL),
        QL_INVALID);
    filter.logs = "";
    assert_int_equal(
        ql_recovery_delete_async(rig->client, 1, 1, &filter, NULL, NULL, NULL),
        QL_INVALID);
    filter.logs = NULL;
    filter.key = bytes;
    filter.key_len = sizeof(bytes);
    assert_int_equal(
        ql_recovery_print_async(rig->client, &filter, NULL, NULL, NULL, NULL),
        QL_INVALID);
    filter.key = NULL;
    filter.key_len = 0;
    filter.contains = bytes;
    assert_int_equal(
        ql_recovery_print_async(rig->client, &filter, NULL, NULL, NULL, NULL),
        QL_INVALID);
    assert_int_equal(ql_client_pending(rig->client), 0);
}

static void on_done(void *data, const struct ql_error *error)
{
    struct outcome *outcome = data;

    outcome->calls++;
    outcome->code = error == NULL ? QL_OK : error->code;
}

static void a_delete_names_the_revision_and_is_sent_once(void **state)
{
    struct client_rig *rig = *state;
    struct outcome *outcome = rig->outcomes;
    struct ql_filter filter = QL_FILTER_INIT;
    struct recovery_delete_args args;

    filter.from = 1;
    assert_int_equal(ql_recovery_delete_async(rig->client, 5, 6, &filter,
                                              on_done, outcome, NULL),
                     QL_OK);
    assert_int_equal(
        recovery_delete_args_decode(
            &args, fake_params(rig_expect(rig, 0, "recovery.delete")), NULL),
        0);
    assert_int_equal(args.stage, 5);
    assert_int_equal(args.revision, 6);
    assert_int_equal(args.filter.from, 1);
    fake_drop(&rig->servers[0]);
    rig_finish(rig, outcome);
    assert_int_equal(outcome->code, QL_OUTCOME_UNKNOWN);
    assert_int_equal(fake_count(&rig->servers[0], "recovery.delete"), 0);
}

#define DIFF_HEAD "'stage': 1, 'revision': 2, 'state_index': 3"

static void a_diff_goes_on_over_pages_without_logs(void **state)
{
    struct client_rig *rig = *state;
    struct ql_diff_options options = QL_DIFF_OPTIONS_INIT;
    struct seen seen = {.pages = 0};
    struct recovery_diff_args args;
    struct ql_error error;
    struct script script;

    script_open(&script, &rig->servers[0], "recovery.diff");
    script_note(&script, "{" DIFF_HEAD ", 'more': true, 'logs': [{'name': 'a', "
                         "'kind': 'same'}]}");
    script_note(&script,
                "{" DIFF_HEAD ", 'more': true, 'after': 'm', 'logs': []}");
    script_note(&script,
                "{" DIFF_HEAD ", 'more': false, 'logs': [{'name': 'x', "
                "'kind': 'differs', 'examples': [{'where': 'live', 'position': "
                "1, 'time_ms': 5, 'value': b'v'}]}]}");
    script_start(&script);
    options.logs = "*";
    assert_int_equal(
        ql_recovery_diff(rig->client, &options, see_diff, &seen, &error),
        QL_OK);
    script_stop(&script);
    assert_int_equal(seen.pages, 3);
    assert_int_equal(seen.logs, 2);
    assert_int_equal(seen.entries, 1);
    assert_string_equal(seen.last_log, "x");
    assert_int_equal(
        recovery_diff_args_decode(&args, script_params(&script, 1), NULL), 0);
    assert_bytes(args.logs, "*");
    assert_bytes(args.after, "a");
    assert_int_equal(
        recovery_diff_args_decode(&args, script_params(&script, 2), NULL), 0);
    assert_bytes(args.after, "m");
    script_close(&script);
}

static int diff_ends(struct client_rig *rig, const char *second, size_t stop_at)
{
    struct seen seen = {.stop_at = stop_at};
    struct ql_error error;
    struct script script;
    int rv;

    script_open(&script, &rig->servers[0], "recovery.diff");
    script_note(&script,
                "{" DIFF_HEAD ", 'more': true, 'after': 'm', 'logs': []}");
    script_note(&script, second);
    script_start(&script);
    rv = ql_recovery_diff(rig->client, NULL, see_diff, &seen, &error);
    script_stop(&script);
    script_close(&script);
    return rv;
}

static void diffs_that_do_not_fit_together_are_refused(void **state)
{
    struct client_rig *rig = *state;

    assert_int_equal(
        diff_ends(rig, "{" DIFF_HEAD ", 'more': false, 'logs': []}", 0), QL_OK);
    assert_int_equal(
        diff_ends(rig, "{" DIFF_HEAD ", 'more': true, 'logs': []}", 0),
        QL_PROTOCOL);
    assert_int_equal(
        diff_ends(rig,
                  "{" DIFF_HEAD ", 'more': true, 'after': 'm', 'logs': []}", 0),
        QL_PROTOCOL);
    assert_int_equal(
        diff_ends(rig, "{'stage': 2, 'more': false, 'logs': []}", 0),
        QL_CONDITION_FAILED);
    assert_int_equal(
        diff_ends(rig, "{" DIFF_HEAD ", 'more': false, 'logs': []}", 2),
        QL_CANCELED);
}

#define RIG_TEST(function)                                                     \
    cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(all_pages_are_given),
        RIG_TEST(no_more_entries_are_asked_for_than_wanted),
        RIG_TEST(pages_that_do_not_fit_together_are_refused),
        RIG_TEST(a_filter_goes_to_the_server_whole),
        RIG_TEST(a_filter_that_no_server_takes_goes_nowhere),
        RIG_TEST(a_delete_names_the_revision_and_is_sent_once),
        RIG_TEST(a_diff_goes_on_over_pages_without_logs),
        RIG_TEST(diffs_that_do_not_fit_together_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
