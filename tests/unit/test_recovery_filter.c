/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/recovery_filter.h"

#include <string.h>

#include "service/glob.h"
#include "support/cmocka.h"

static struct bytes text(const char *chars)
{
    return (struct bytes){(const uint8_t *)chars, strlen(chars)};
}

static bool matches(const char *pattern, const char *chars)
{
    return glob_match(text(pattern), text(chars));
}

static struct read_entry entry(const char *key, const char *value)
{
    struct read_entry ret = {.position = 10, .time_ms = 100};

    if (key != NULL) {
        ret.key = text(key);
    }
    ret.value = text(value);
    return ret;
}

static bool takes(const struct scan_filter *rules,
                  const struct read_entry *candidate)
{
    struct recovery_filter filter;
    bool takes;

    recovery_filter_init(&filter, rules);
    takes = recovery_filter_has_entry(&filter, candidate);
    recovery_filter_close(&filter);
    return takes;
}

static void glob_without_signs_matches_itself_only(void **state)
{
    (void)state;
    assert_true(matches("orders", "orders"));
    assert_false(matches("orders", "order"));
    assert_false(matches("order", "orders"));
    assert_true(matches("", ""));
    assert_false(matches("", "a"));
}

static void star_stands_for_any_bytes(void **state)
{
    (void)state;
    assert_true(matches("*", ""));
    assert_true(matches("*", "a/b/c"));
    assert_true(matches("a*c", "ac"));
    assert_true(matches("a*c", "a/b/c"));
    assert_false(matches("a*c", "a/b/cd"));
    assert_true(matches("*b*b*", "abab"));
    assert_false(matches("*b*b*", "aba"));
    assert_true(matches("**a**", "xax"));
    assert_true(matches("*aab", "aaaaab"));
}

static void question_mark_stands_for_one_byte(void **state)
{
    (void)state;
    assert_true(matches("a?c", "abc"));
    assert_true(matches("a?c", "a/c"));
    assert_false(matches("a?c", "ac"));
    assert_true(matches("*?", "a"));
    assert_false(matches("*?", ""));
}

static void brackets_stand_for_one_of_a_set(void **state)
{
    (void)state;
    assert_true(matches("log[0-3x]", "log2"));
    assert_true(matches("log[0-3x]", "logx"));
    assert_false(matches("log[0-3x]", "log4"));
    assert_false(matches("log[0-3x]", "log"));
    assert_true(matches("log[!0-3]", "log4"));
    assert_false(matches("log[!0-3]", "log3"));
    assert_true(matches("*[ab]c", "xxbc"));
    assert_true(matches("[]x]", "]"));
    assert_true(matches("[!]x]", "y"));
    assert_false(matches("[!]x]", "]"));
    assert_true(matches("[a-]", "-"));
}

static void signs_without_their_end_are_ordinary(void **state)
{
    (void)state;
    assert_true(matches("[ab", "[ab"));
    assert_false(matches("[ab", "a"));
    assert_true(matches("[", "["));
    assert_true(matches("[!", "[!"));
    assert_true(matches("a\\", "a\\"));
}

static void backslash_takes_the_meaning_away(void **state)
{
    (void)state;
    assert_true(matches("\\*", "*"));
    assert_false(matches("\\*", "x"));
    assert_true(matches("\\[ab]", "[ab]"));
    assert_true(matches("a\\?*", "a?b"));
}

static void filter_without_rules_takes_all(void **state)
{
    const struct scan_filter rules = {0};
    struct read_entry candidate = entry(NULL, "");

    (void)state;
    assert_true(takes(&rules, &candidate));
}

static void exact_key_may_be_empty_and_is_not_no_key(void **state)
{
    const struct scan_filter empty = {.has_key = true};
    const struct scan_filter rules = {.has_key = true, .key = text("k1")};
    struct read_entry without = entry(NULL, "v");
    struct read_entry with_empty = entry("", "v");
    struct read_entry with = entry("k1", "v");
    struct read_entry longer = entry("k12", "v");

    (void)state;
    assert_false(takes(&empty, &without));
    assert_true(takes(&empty, &with_empty));
    assert_false(takes(&empty, &with));
    assert_true(takes(&rules, &with));
    assert_false(takes(&rules, &longer));
    assert_false(takes(&rules, &without));
}

static void all_rules_for_a_key_must_hold(void **state)
{
    const struct scan_filter rules = {.key_prefix = text("user/"),
                                      .key_glob = text("*/7")};
    struct read_entry good = entry("user/a/7", "v");
    struct read_entry other_prefix = entry("group/a/7", "v");
    struct read_entry other_end = entry("user/a/8", "v");
    struct read_entry without = entry(NULL, "v");

    (void)state;
    assert_true(takes(&rules, &good));
    assert_false(takes(&rules, &other_prefix));
    assert_false(takes(&rules, &other_end));
    assert_false(takes(&rules, &without));
}

static void ranges_begin_with_the_first_and_end_before_the_last(void **state)
{
    struct read_entry candidate = entry(NULL, "v");
    struct scan_filter rules = {.from = 10, .to = 11};

    (void)state;
    assert_true(takes(&rules, &candidate));
    rules = (struct scan_filter){.from = 11};
    assert_false(takes(&rules, &candidate));
    rules = (struct scan_filter){.to = 10};
    assert_false(takes(&rules, &candidate));
    rules = (struct scan_filter){.since_ms = 100, .until_ms = 101};
    assert_true(takes(&rules, &candidate));
    rules = (struct scan_filter){.since_ms = 101};
    assert_false(takes(&rules, &candidate));
    rules = (struct scan_filter){.until_ms = 100};
    assert_false(takes(&rules, &candidate));
}

static void bytes_are_found_anywhere_in_the_value(void **state)
{
    const struct scan_filter rules = {.contains = text("needle")};
    struct read_entry begins = entry("k", "needle in hay");
    struct read_entry ends = entry("k", "hay and needle");
    struct read_entry in_key = entry("needle", "hay");

    (void)state;
    assert_true(takes(&rules, &begins));
    assert_true(takes(&rules, &ends));
    assert_false(takes(&rules, &in_key));
}

static void texts_are_kept_when_the_call_has_gone(void **state)
{
    char key[] = "k1";
    char logs[] = "a*";
    const struct scan_filter rules = {
        .logs = text(logs), .has_key = true, .key = text(key)};
    struct recovery_filter filter;
    struct read_entry candidate = entry("k1", "v");

    (void)state;
    recovery_filter_init(&filter, &rules);
    memset(key, 'x', sizeof(key));
    memset(logs, 'x', sizeof(logs));
    assert_true(recovery_filter_has_entry(&filter, &candidate));
    assert_true(recovery_filter_has_log(&filter, text("abc")));
    assert_false(recovery_filter_has_log(&filter, text("bbc")));
    recovery_filter_close(&filter);
}

static void chunks_before_the_ranges_are_passed_over(void **state)
{
    struct chunk chunks[3] = {
        {.name = {.first = 5, .last = 9}, .last_time_ms = 50},
        {.name = {.first = 10, .last = 19}, .last_time_ms = 60},
        {.name = {.first = 20, .last = 29}, .last_time_ms = 60},
    };
    struct chunk *list[3] = {&chunks[0], &chunks[1], &chunks[2]};
    struct recovery_filter filter;

    (void)state;
    memset(&filter, 0, sizeof(filter));
    assert_int_equal(recovery_filter_first(&filter, 7, list, 3), 7);
    filter.rules.from = 12;
    assert_int_equal(recovery_filter_first(&filter, 7, list, 3), 12);
    filter.rules.since_ms = 51;
    assert_int_equal(recovery_filter_first(&filter, 7, list, 3), 12);
    filter.rules.from = 0;
    assert_int_equal(recovery_filter_first(&filter, 7, list, 3), 10);
    filter.rules.since_ms = 61;
    assert_int_equal(recovery_filter_first(&filter, 7, list, 3), 30);
    assert_int_equal(recovery_filter_first(&filter, 7, NULL, 0), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glob_without_signs_matches_itself_only),
        cmocka_unit_test(star_stands_for_any_bytes),
        cmocka_unit_test(question_mark_stands_for_one_byte),
        cmocka_unit_test(brackets_stand_for_one_of_a_set),
        cmocka_unit_test(signs_without_their_end_are_ordinary),
        cmocka_unit_test(backslash_takes_the_meaning_away),
        cmocka_unit_test(filter_without_rules_takes_all),
        cmocka_unit_test(exact_key_may_be_empty_and_is_not_no_key),
        cmocka_unit_test(all_rules_for_a_key_must_hold),
        cmocka_unit_test(ranges_begin_with_the_first_and_end_before_the_last),
        cmocka_unit_test(bytes_are_found_anywhere_in_the_value),
        cmocka_unit_test(texts_are_kept_when_the_call_has_gone),
        cmocka_unit_test(chunks_before_the_ranges_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
