/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "util/options.h"

struct target {
    bool verbose;
    const char *log_path;
    uint64_t node;
    uint64_t size;
    uint64_t interval;
};

static const struct option_row rows[] = {
    {"verbose", 'v', OPTION_FLAG, offsetof(struct target, verbose), NULL,
     "Say more."},
    {"log-path", 'l', OPTION_TEXT, offsetof(struct target, log_path), "FILE",
     "Where to write."},
    {"node", 0, OPTION_U64, offsetof(struct target, node), "ID", "Which."},
    {"size", 0, OPTION_SIZE, offsetof(struct target, size), "BYTES", "Much."},
    {"backup-interval-of-the-node", 0, OPTION_DURATION,
     offsetof(struct target, interval), "DURATION", "Often."},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL},
};

struct fixture {
    struct target target;
    struct option_set *set;
    struct err err;
    int words;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->set = option_set_new(rows, &f->target, "QLTEST_");
    *state = f;
    return f->set == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    option_set_free(f->set);
    free(f);
    return 0;
}

static void every_form_of_an_argument_is_read(void **state)
{
    struct fixture *f = *state;
    char *argv[] = {
        "one",      "--log-path", "/a",
        "--node=7", "two",        "-v",
        "--size",   "4KiB",       "--backup-interval-of-the-node=2m",
        "-",        "--",         "--node"};

    assert_int_equal(
        option_set_arguments(f->set, 12, argv, false, &f->words, &f->err), 0);
    assert_string_equal(f->target.log_path, "/a");
    assert_int_equal(f->target.node, 7);
    assert_true(f->target.verbose);
    assert_int_equal(f->target.size, 4096);
    assert_int_equal(f->target.interval, 120000);
    assert_int_equal(f->words, 4);
    assert_string_equal(argv[0], "one");
    assert_string_equal(argv[1], "two");
    assert_string_equal(argv[2], "-");
    assert_string_equal(argv[3], "--node");
}

static void letters_take_their_value_apart_or_attached(void **state)
{
    struct fixture *f = *state;
    char *apart[] = {"-l", "/a"};
    char *attached[] = {"-l/b"};

    assert_int_equal(
        option_set_arguments(f->set, 2, apart, false, &f->words, &f->err), 0);
    assert_string_equal(f->target.log_path, "/a");
    assert_int_equal(
        option_set_arguments(f->set, 1, attached, false, &f->words, &f->err),
        0);
    assert_string_equal(f->target.log_path, "/b");
    assert_int_equal(f->words, 0);
}

static void parsing_can_stop_at_the_first_word(void **state)
{
    struct fixture *f = *state;
    char *argv[] = {"-v", "log", "--unknown-here"};

    assert_int_equal(
        option_set_arguments(f->set, 3, argv, true, &f->words, &f->err), 0);
    assert_true(f->target.verbose);
    assert_int_equal(f->words, 2);
    assert_string_equal(argv[0], "log");
    assert_string_equal(argv[1], "--unknown-here");
}

static void unknown_options_name_the_nearest(void **state)
{
    struct fixture *f = *state;
    char *near[] = {"--log-pth=/a"};
    char *far[] = {"--frobnicate"};
    char *shortened[] = {"--log"};
    char *letter[] = {"-x"};
    char *bundle[] = {"-vv"};

    assert_int_equal(
        option_set_arguments(f->set, 1, near, false, &f->words, &f->err),
        QL_INVALID);
    assert_string_equal(f->err.text,
                        "unknown option --log-pth, did you mean --log-path?");
    assert_int_equal(
        option_set_arguments(f->set, 1, far, false, &f->words, &f->err),
        QL_INVALID);
    assert_string_equal(f->err.text, "unknown option --frobnicate");
    assert_int_equal(
        option_set_arguments(f->set, 1, shortened, false, &f->words, &f->err),
        QL_INVALID);
    assert_int_equal(
        option_set_arguments(f->set, 1, letter, false, &f->words, &f->err),
        QL_INVALID);
    assert_string_equal(f->err.text, "unknown option -x");
    assert_int_equal(
        option_set_arguments(f->set, 1, bundle, false, &f->words, &f->err),
        QL_INVALID);
}

static void bad_values_name_their_option(void **state)
{
    struct fixture *f = *state;
    char *number[] = {"--node", "seven"};
    char *missing[] = {"--node"};

    assert_int_equal(
        option_set_arguments(f->set, 2, number, false, &f->words, &f->err),
        QL_INVALID);
    assert_string_equal(f->err.text, "--node: \"seven\" is no number");
    assert_int_equal(
        option_set_arguments(f->set, 1, missing, false, &f->words, &f->err),
        QL_INVALID);
    assert_string_equal(f->err.text, "--node needs an argument: ID");
    assert_int_equal(option_set_source(f->set, "node"), OPTION_UNSET);
}

static void stronger_source_wins_in_any_order(void **state)
{
    struct fixture *f = *state;
    char *argv[] = {"--node=1", "--log-path=/argument", "--verbose=no"};

    assert_int_equal(
        option_set_value(f->set, OPTION_FROM_FILE, "node", "3", &f->err), 0);
    assert_int_equal(f->target.node, 3);
    assert_int_equal(option_set_value(f->set, OPTION_FROM_FILE, "log-path",
                                      "/file", &f->err),
                     0);
    assert_string_equal(f->target.log_path, "/file");
    assert_int_equal(
        option_set_value(f->set, OPTION_FROM_FILE, "verbose", "yes", &f->err),
        0);
    assert_int_equal(
        option_set_arguments(f->set, 3, argv, false, &f->words, &f->err), 0);
    assert_int_equal(f->target.node, 1);
    assert_string_equal(f->target.log_path, "/argument");
    assert_false(f->target.verbose);

    assert_int_equal(setenv("QLTEST_NODE", "2", 1), 0);
    assert_int_equal(setenv("QLTEST_LOG_PATH", "/environment", 1), 0);
    assert_int_equal(option_set_environment(f->set, NULL, &f->err), 0);
    assert_int_equal(f->target.node, 1);
    assert_string_equal(f->target.log_path, "/argument");
    assert_int_equal(option_set_source(f->set, "node"), OPTION_FROM_ARGUMENT);
    assert_int_equal(unsetenv("QLTEST_NODE"), 0);
    assert_int_equal(unsetenv("QLTEST_LOG_PATH"), 0);
}

static void weaker_values_are_checked_all_the_same(void **state)
{
    struct fixture *f = *state;
    char *argv[] = {"--node=1"};

    assert_int_equal(
        option_set_arguments(f->set, 1, argv, false, &f->words, &f->err), 0);
    assert_int_equal(
        option_set_value(f->set, OPTION_FROM_FILE, "node", "x", &f->err),
        QL_INVALID);
}

static void environment_is_read_by_prefix(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(setenv("QLTEST_LOG_PATH", "/a", 1), 0);
    assert_int_equal(setenv("QLTEST_VERBOSE", "on", 1), 0);
    assert_int_equal(option_set_environment(f->set, NULL, &f->err), 0);
    assert_true(f->target.verbose);
    assert_int_equal(unsetenv("QLTEST_LOG_PATH"), 0);
    assert_int_equal(unsetenv("QLTEST_VERBOSE"), 0);
    /* The text is the set's own copy. */
    assert_string_equal(f->target.log_path, "/a");
    assert_int_equal(option_set_source(f->set, "log-path"),
                     OPTION_FROM_ENVIRONMENT);
}

static void unknown_variable_names_the_nearest(void **state)
{
    struct fixture *f = *state;
    static const char *const also[] = {"QLTEST_LOGPATH", NULL};

    assert_int_equal(setenv("QLTEST_LOGPATH", "/a", 1), 0);
    assert_int_equal(option_set_environment(f->set, NULL, &f->err), QL_INVALID);
    assert_string_equal(f->err.text, "unknown variable QLTEST_LOGPATH, did you "
                                     "mean QLTEST_LOG_PATH?");
    assert_int_equal(option_set_environment(f->set, also, &f->err), 0);
    assert_null(f->target.log_path);
    assert_int_equal(unsetenv("QLTEST_LOGPATH"), 0);
}

static void unknown_key_names_the_nearest(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        option_set_value(f->set, OPTION_FROM_FILE, "nod", "1", &f->err),
        QL_INVALID);
    assert_string_equal(f->err.text,
                        "unknown key \"nod\", did you mean \"node\"?");
}

static void help_has_a_line_for_each_row(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);

    assert_non_null(file);
    option_set_print_help(f->set, file);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, "  -v, --verbose               Say more.\n"
                              "  -l, --log-path FILE         Where to write.\n"
                              "      --node ID               Which.\n"
                              "      --size BYTES            Much.\n"
                              "      --backup-interval-of-the-node DURATION\n"
                              "                              Often.\n");
    free(text);
}

#define OPTION_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPTION_TEST(every_form_of_an_argument_is_read),
        OPTION_TEST(letters_take_their_value_apart_or_attached),
        OPTION_TEST(parsing_can_stop_at_the_first_word),
        OPTION_TEST(unknown_options_name_the_nearest),
        OPTION_TEST(bad_values_name_their_option),
        OPTION_TEST(stronger_source_wins_in_any_order),
        OPTION_TEST(weaker_values_are_checked_all_the_same),
        OPTION_TEST(environment_is_read_by_prefix),
        OPTION_TEST(unknown_variable_names_the_nearest),
        OPTION_TEST(unknown_key_names_the_nearest),
        OPTION_TEST(help_has_a_line_for_each_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
