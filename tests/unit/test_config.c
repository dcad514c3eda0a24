/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The options of `quorlogd run`: sources, precedence, refusals. */
#include "daemon/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGUMENTS_MAX 16

struct fixture {
    char dir[64];
    char file[96];
    struct config config;
    struct err err;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    strcpy(fixture->dir, "/tmp/quorlog-test-config.XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    snprintf(fixture->file, sizeof(fixture->file), "%s/quorlogd.conf",
             fixture->dir);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    unsetenv("QUORLOGD_HEARTBEAT");
    unsetenv("QUORLOGD_HEARTBET");
    unsetenv("QUORLOGD_SECRET");
    config_close(&fixture->config);
    unlink(fixture->file);
    rmdir(fixture->dir);
    free(fixture);
    return 0;
}

static void write_file(const struct fixture *fixture, const char *text)
{
    FILE *file = fopen(fixture->file, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Loads with the given arguments, NULL at the end. */
static int load(struct fixture *fixture, const char *const *arguments)
{
    char *argv[ARGUMENTS_MAX];
    int argc = 0;

    while (arguments[argc] != NULL) {
        argv[argc] = (char *)(uintptr_t)arguments[argc];
        argc++;
    }
    return config_load(&fixture->config, argc, argv, &fixture->err);
}

static void assert_error_has(const struct fixture *fixture, const char *part)
{
    if (strstr(fixture->err.text, part) == NULL) {
        fail_msg("'%s' does not mention '%s'", fixture->err.text, part);
    }
}

static void defaults_need_no_source_at_all(void **state)
{
    struct fixture *fixture = *state;
    const char *const none[] = {NULL};

    assert_int_equal(load(fixture, none), 0);
    assert_string_equal(fixture->config.data_dir, CONFIG_DATA_DIR_DEFAULT);
    assert_int_equal(fixture->config.level, DIAG_INFO);
    assert_int_equal(fixture->config.listen_count, 0);
    /* --check-config shows these, so 0 for "whatever it may be" would not do. */
    assert_int_equal(fixture->config.max_connections, CONNECTIONS_MAX);
    assert_int_equal(fixture->config.election_timeout_ms, ELECTION_TIMEOUT_MS);
    assert_int_equal(fixture->config.backup_interval_ms, BACKUP_INTERVAL_MS);
    assert_int_equal(fixture->config.max_saved_backups, BACKUPS_SAVED);
    assert_null(fixture->config.backup_dir);
    assert_false(fixture->config.frozen);
}

static void interval_between_backups_is_none_or_a_second_at_least(void **state)
{
    struct fixture *fixture = *state;
    const char *const none[] = {"--backup-interval", "0s", NULL};
    const char *const much[] = {"--backup-interval", "367d", NULL};
    const char *const little[] = {"--backup-interval", "999ms", NULL};
    const char *const fine[] = {
        "--backup-interval",   "1s",   "--backup-dir", "/b",
        "--max-saved-backups", "1000", "--frozen",     NULL};

    assert_int_equal(load(fixture, much), QL_INVALID);
    config_close(&fixture->config);
    assert_int_equal(load(fixture, little), QL_INVALID);
    assert_error_has(fixture, "backup-interval");
    config_close(&fixture->config);
    assert_int_equal(load(fixture, none), 0);
    assert_int_equal(fixture->config.backup_interval_ms, 0);
    config_close(&fixture->config);
    assert_int_equal(load(fixture, fine), 0);
    assert_int_equal(fixture->config.backup_interval_ms, 1000);
    assert_string_equal(fixture->config.backup_dir, "/b");
    assert_int_equal(fixture->config.max_saved_backups, 1000);
    assert_true(fixture->config.frozen);
}

/* A file stays when the reason to freeze is long gone. */
static void frozen_does_not_stand_in_a_file(void **state)
{
    struct fixture *fixture = *state;
    const char *const arguments[] = {"--config", fixture->file, NULL};
    const char *const twice[] = {"--frozen", "--frozen=false", NULL};

    write_file(fixture, "frozen = true\n");
    assert_int_equal(load(fixture, arguments), QL_INVALID);
    assert_error_has(fixture, "frozen");
    config_close(&fixture->config);
    /* As who starts again by itself has it. */
    assert_int_equal(load(fixture, twice), 0);
    assert_false(fixture->config.frozen);
}

static void a_flag_wins_over_environment_and_file(void **state)
{
    struct fixture *fixture = *state;
    const char *const arguments[] = {"--config", fixture->file, "--heartbeat",
                                     "20ms", NULL};

    write_file(fixture, "heartbeat = 40ms\nelection-timeout = 2s\n");
    setenv("QUORLOGD_HEARTBEAT", "30ms", 1);
    assert_int_equal(load(fixture, arguments), 0);
    assert_int_equal(fixture->config.heartbeat_ms, 20);
    assert_int_equal(fixture->config.election_timeout_ms, 2000);
}

static void the_environment_wins_over_the_file(void **state)
{
    struct fixture *fixture = *state;
    const char *const arguments[] = {"--config", fixture->file, NULL};

    write_file(fixture, "[quorlogd]\nheartbeat = 40ms\n");
    setenv("QUORLOGD_HEARTBEAT", "30ms", 1);
    assert_int_equal(load(fixture, arguments), 0);
    assert_int_equal(fixture->config.heartbeat_ms, 30);
}

static void an_unknown_flag_names_the_nearest(void **state)
{
    struct fixture *fixture = *state;
    const char *const arguments[] = {"--heartbeet", "20ms", NULL};

    assert_int_equal(load(fixture, arguments), QL_INVALID);
    assert_error_has(fixture, "heartbeat");
}

static void an_unknown_key_names_line_and_nearest(void **state)
{
    struct fixture *fixture = *state;
    const char *const arguments[] = {"--config", fixture->file, NULL};

    write_file(fixture, "# a comment\nelection-timout = 1s\n");
    assert_int_equal(load(fixture, arguments), QL_INVALID);
    assert_error_has(fixture, "line 2");
    assert_error_has(fixture, "election-timeout");
}

static void an_unknown_variable_names_the_nearest(void **state)
{
    struct fixture *fixture = *state;
    const char *const none[] = {NULL};

    setenv("QUORLOGD_HEARTBET", "1", 1);
    assert_int_equal(load(fixture, none), QL_INVALID);
    assert_error_has(fixture, "QUORLOGD_HEARTBEAT");
}

static void the_variables_of_init_are_no_mistake(void **state)
{
    struct fixture *fixture = *state;
    const char *const none[] = {NULL};

    setenv("QUORLOGD_SECRET", "00", 1);
    assert_int_equal(load(fixture, none), 0);
}

static void an_unknown_section_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const char *const arguments[] = {"--config", fixture->file, NULL};

    write_file(fixture, "[client]\nheartbeat = 1s\n");
    assert_int_equal(load(fixture, arguments), QL_INVALID);
    assert_error_has(fixture, "[client]");
}

static void a_line_without_a_value_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const char *const arguments[] = {"--config", fixture->file, NULL};

    write_file(fixture, "heartbeat\n");
    assert_int_equal(load(fixture, arguments), QL_INVALID);
    assert_error_has(fixture, "line 1");
}

static void a_file_cannot_name_another_file(void **state)
{
    struct fixture *fixture = *state;
    const char *const arguments[] = {"--config", fixture->file, NULL};

    write_file(fixture, "config = other.conf\n");
    assert_int_equal(load(fixture, arguments), QL_INVALID);
    assert_error_has(fixture, "cannot stand in a file");
}

static void a_missing_file_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    const char *const arguments[] = {"--config", fixture->file, NULL};

    assert_int_not_equal(load(fixture, arguments), 0);
    assert_error_has(fixture, fixture->file);
}

static void a_binary_file_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const char *const arguments[] = {"--config", fixture->file, NULL};
    FILE *file = fopen(fixture->file, "w");

    assert_non_null(file);
    assert_int_equal(fwrite("a\0b", 1, 3, file), 3);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(load(fixture, arguments), QL_INVALID);
    assert_error_has(fixture, "not a text file");
}

static void numbers_out_of_range_are_refused(void **state)
{
    static const char *const cases[][2] = {
        {"--quorum-size", "10"},
        {"--election-timeout", "1ms"},
        {"--max-request-bytes", "8MiB"},
        {"--snapshot-entries", "1"},
        {"--heartbeat", "x"},
        {"--max-connections", "-1"},
        {"--max-connections", "0"},
        {"--idle-timeout", "0"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const arguments[] = {cases[i][0], cases[i][1], NULL};

        assert_int_equal(load(fixture, arguments), QL_INVALID);
        assert_error_has(fixture, cases[i][0] + 2);
        config_close(&fixture->config);
    }
}

static void a_heartbeat_too_slow_for_the_election_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const char *const arguments[] = {"--heartbeat", "400ms", NULL};

    assert_int_equal(load(fixture, arguments), QL_INVALID);
    assert_error_has(fixture, "a third");
}

static void several_listen_addresses_are_parsed(void **state)
{
    struct fixture *fixture = *state;
    const char *const arguments[] = {"--listen", "127.0.0.1:1,[::1]:2,host",
                                     NULL};

    assert_int_equal(load(fixture, arguments), 0);
    assert_int_equal(fixture->config.listen_count, 3);
    assert_string_equal(fixture->config.listen_addresses[1].host, "::1");
    assert_int_equal(fixture->config.listen_addresses[2].port, 7420);
}

static void a_word_that_is_no_option_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const char *const arguments[] = {"start", NULL};

    assert_int_equal(load(fixture, arguments), QL_INVALID);
    assert_error_has(fixture, "'start'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(defaults_need_no_source_at_all),
        TEST(interval_between_backups_is_none_or_a_second_at_least),
        TEST(frozen_does_not_stand_in_a_file),
        TEST(a_flag_wins_over_environment_and_file),
        TEST(the_environment_wins_over_the_file),
        TEST(an_unknown_flag_names_the_nearest),
        TEST(an_unknown_key_names_line_and_nearest),
        TEST(an_unknown_variable_names_the_nearest),
        TEST(the_variables_of_init_are_no_mistake),
        TEST(an_unknown_section_is_refused),
        TEST(a_line_without_a_value_is_refused),
        TEST(a_file_cannot_name_another_file),
        TEST(a_missing_file_is_an_error),
        TEST(a_binary_file_is_refused),
        TEST(numbers_out_of_range_are_refused),
        TEST(a_heartbeat_too_slow_for_the_election_is_refused),
        TEST(several_listen_addresses_are_parsed),
        TEST(a_word_that_is_no_option_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
