/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "service/recovery_edit.h"

#include <stdio.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/recovery_rig.h"

/* "alpha" has 10 entries in chunks of 4 (the last 2 were open), "beta" 6, "empty"
 * none; the backup "b1" of them is staged. */
static int setup(void **state)
{
    struct recovery_rig *rig;

    recovery_rig_setup(state);
    rig = *state;
    recovery_rig_create(rig, "alpha");
    recovery_rig_create(rig, "beta");
    recovery_rig_create(rig, "empty");
    recovery_rig_append(rig, "alpha", 10);
    recovery_rig_append(rig, "beta", 6);
    recovery_rig_backup(rig, "b1");
    recovery_rig_stage(rig, "b1");
    return 0;
}

static struct log_stat stat_of(const struct recovery_rig *rig,
                               enum machine_part part, const char *log)
{
    struct log_stat stat;

    assert_int_equal(
        machine_part_stat(node_machine(rig->rig.node), part,
                          (struct bytes){(const uint8_t *)log, strlen(log)},
                          &stat),
        0);
    return stat;
}

/* The positions that a staged log has, as a text "1 2 3". */
static void positions_of(struct recovery_rig *rig, const char *log,
                         char ret[200])
{
    struct log_stat stat = stat_of(rig, MACHINE_STAGED, log);
    struct machine_reader reader;
    struct read_entry entry;
    size_t len = 0;

    assert_int_equal(
        machine_reader_open_part(&reader, node_machine(rig->rig.node),
                                 MACHINE_STAGED, stat.uid, 0, 0, NULL),
        0);
    ret[0] = '\0';
    while (machine_reader_next(&reader, &entry) == MACHINE_READ_ENTRY) {
        len += (size_t)snprintf(ret + len, 200 - len, "%s%u",
                                len == 0 ? "" : " ", (unsigned)entry.position);
    }
    assert_int_equal(reader.at, stat.tail);
}

static const char *params_of(const struct recovery_rig *rig, const char *filter)
{
    static char params[300];
    struct machine_part_info info = recovery_rig_part(rig, MACHINE_STAGED);

    snprintf(params, sizeof(params),
             "{'stage': %u, 'revision': %u, 'filter': %s}", (unsigned)info.id,
             (unsigned)info.revision, filter);
    return params;
}

static void delete_entries(struct recovery_rig *rig, const char *filter)
{
    recovery_rig_call(rig, "recovery.delete", params_of(rig, filter));
    assert_int_equal(recovery_rig_status(rig).phase, RECOVERY_PHASE_STAGED);
    assert_int_equal(recovery_rig_status(rig).job_code, 0);
}

static void entries_that_match_go_and_leave_holes(void **state)
{
    struct recovery_rig *rig = *state;
    struct machine_part_info before = recovery_rig_part(rig, MACHINE_STAGED);
    struct log_stat beta = stat_of(rig, MACHINE_STAGED, "beta");
    struct machine_part_info after;
    struct log_stat stat;
    char positions[200];

    delete_entries(rig, "{'logs': 'alpha', 'key': b'k0'}");
    after = recovery_rig_part(rig, MACHINE_STAGED);
    assert_int_equal(after.id, before.id);
    assert_int_equal(after.revision, before.revision + 1);
    assert_int_equal(after.deleted, 3);
    assert_int_equal(after.entries, 13);
    positions_of(rig, "alpha", positions);
    assert_string_equal(positions, "1 2 4 5 7 8 10");
    stat = stat_of(rig, MACHINE_STAGED, "alpha");
    assert_int_equal(stat.tail, 11);
    assert_int_equal(stat.entries, 7);
    stat = stat_of(rig, MACHINE_STAGED, "beta");
    assert_memory_equal(stat.digest, beta.digest, sizeof(stat.digest));
    assert_int_equal(recovery_rig_status(rig).deleted, 3);
}

static void chunks_in_front_of_the_first_that_goes_stay(void **state)
{
    struct recovery_rig *rig = *state;
    const struct machine *machine = node_machine(rig->rig.node);
    uint64_t uid = stat_of(rig, MACHINE_STAGED, "alpha").uid;
    struct chunk *first;
    struct chunk *second;
    struct chunk *const *chunks;
    char positions[200];
    size_t count;

    chunks = machine_part_chunks(machine, MACHINE_STAGED, uid, &count);
    assert_int_equal(count, 3);
    first = chunks[0];
    second = chunks[1];
    delete_entries(rig, "{'logs': 'alpha', 'from': 6, 'to': 7}");
    chunks = machine_part_chunks(machine, MACHINE_STAGED, uid, &count);
    assert_int_equal(count, 2);
    assert_ptr_equal(chunks[0], first);
    assert_ptr_not_equal(chunks[1], second);
    positions_of(rig, "alpha", positions);
    assert_string_equal(positions, "1 2 3 4 5 7 8 9 10");
}

static void edits_add_up(void **state)
{
    struct recovery_rig *rig = *state;
    char positions[200];

    delete_entries(rig, "{'key': b'k0'}");
    delete_entries(rig, "{'key_prefix': b'k', 'logs': '*a', 'from': 8}");
    positions_of(rig, "alpha", positions);
    assert_string_equal(positions, "1 2 4 5 7");
    positions_of(rig, "beta", positions);
    assert_string_equal(positions, "1 2 4 5");
    assert_int_equal(recovery_rig_part(rig, MACHINE_STAGED).deleted, 5 + 2);
    assert_int_equal(recovery_rig_part(rig, MACHINE_STAGED).revision, 3);
}

static void log_that_loses_all_stays_with_its_tail(void **state)
{
    struct recovery_rig *rig = *state;
    struct log_stat stat;
    char positions[200];

    delete_entries(rig, "{'logs': 'beta'}");
    stat = stat_of(rig, MACHINE_STAGED, "beta");
    assert_int_equal(stat.entries, 0);
    assert_int_equal(stat.tail, 7);
    positions_of(rig, "beta", positions);
    assert_string_equal(positions, "");
    assert_int_equal(recovery_rig_part(rig, MACHINE_STAGED).logs, 3);
}

static void trimmed_entries_are_not_written_anew(void **state)
{
    struct recovery_rig *rig = *state;
    char positions[200];

    recovery_rig_trim(rig, "alpha", 3);
    recovery_rig_backup(rig, "b2");
    recovery_rig_call(rig, "recovery.unload", "{}");
    recovery_rig_stage(rig, "b2");
    delete_entries(rig, "{'logs': 'alpha', 'from': 1, 'to': 5}");
    positions_of(rig, "alpha", positions);
    assert_string_equal(positions, "5 6 7 8 9 10");
    assert_int_equal(recovery_rig_part(rig, MACHINE_STAGED).deleted, 2);
    assert_int_equal(stat_of(rig, MACHINE_STAGED, "alpha").head, 3);
}

static void nothing_that_matches_is_an_edit_of_nothing(void **state)
{
    struct recovery_rig *rig = *state;
    struct log_stat before = stat_of(rig, MACHINE_STAGED, "alpha");
    struct log_stat after;

    delete_entries(rig, "{'contains': b'nowhere'}");
    after = stat_of(rig, MACHINE_STAGED, "alpha");
    assert_memory_equal(before.digest, after.digest, sizeof(after.digest));
    assert_int_equal(recovery_rig_part(rig, MACHINE_STAGED).revision, 2);
    assert_int_equal(recovery_rig_part(rig, MACHINE_STAGED).deleted, 0);
}

static void edited_state_can_be_committed_and_read(void **state)
{
    struct recovery_rig *rig = *state;
    char params[200];
    struct log_stat stat;
    struct machine_part_info info;

    delete_entries(rig, "{'logs': 'alpha', 'key': b'k0'}");
    info = recovery_rig_part(rig, MACHINE_STAGED);
    snprintf(params, sizeof(params),
             "{'stage': %u, 'revision': %u, 'operation': 5}", (unsigned)info.id,
             (unsigned)info.revision);
    recovery_rig_call(rig, "recovery.commit", params);
    stat = stat_of(rig, MACHINE_LIVE, "alpha");
    assert_int_equal(stat.entries, 7);
    assert_int_equal(stat.tail, 11);
    recovery_rig_append(rig, "alpha", 1);
    assert_int_equal(stat_of(rig, MACHINE_LIVE, "alpha").entries, 8);
}

static void bytes_on_disk_are_loaded_for_an_edit(void **state)
{
    struct recovery_rig *rig = *state;

    fake_chunks_put_away(rig->chunks);
    rig->holds_loads = true;
    assert_int_equal(recorder_send(&rig->client, 1, "recovery.delete",
                                   params_of(rig, "{'key': b'k0'}")),
                     0);
    recovery_rig_settle(rig);
    recorder_result(&rig->client, 1);
    assert_int_equal(fake_chunks_waiting(rig->chunks), 1);
    assert_int_equal(recovery_rig_status(rig).phase, RECOVERY_PHASE_EDITING);
    recovery_rig_refused(rig, QL_BUSY, "recovery.delete",
                         params_of(rig, "{'key': b'k0'}"));
    rig->holds_loads = false;
    recovery_rig_settle(rig);
    assert_int_equal(recovery_rig_part(rig, MACHINE_STAGED).deleted, 5);
    assert_int_equal(fake_chunks_held(rig->chunks), 0);
}

static void entries_that_are_not_to_be_had_leave_the_staged_state(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_status_result status;

    fake_chunks_put_away(rig->chunks);
    rig->holds_loads = true;
    recovery_rig_call(rig, "recovery.delete", params_of(rig, "{'key': b'k0'}"));
    fake_chunks_finish(rig->chunks, 0, QL_NOT_FOUND);
    recovery_rig_settle(rig);
    status = recovery_rig_status(rig);
    assert_int_equal(status.phase, RECOVERY_PHASE_STAGED);
    assert_int_equal(status.revision, 1);
    assert_int_equal(status.job_code, QL_CORRUPT);
    assert_int_equal(status.entries, 16);
}

static void lost_leadership_leaves_the_staged_state(void **state)
{
    struct recovery_rig *rig = *state;
    struct recovery_status_result status;

    fake_chunks_put_away(rig->chunks);
    rig->holds_loads = true;
    recovery_rig_call(rig, "recovery.delete", params_of(rig, "{'key': b'k0'}"));
    fake_node_elect(rig->rig.node, 2);
    assert_int_equal(fake_chunks_waiting(rig->chunks), 0);
    fake_node_elect(rig->rig.node, 1);
    rig->holds_loads = false;
    status = recovery_rig_status(rig);
    assert_int_equal(status.phase, RECOVERY_PHASE_STAGED);
    assert_int_equal(status.job_code, QL_NOT_LEADER);
    delete_entries(rig, "{'key': b'k0'}");
    assert_int_equal(recovery_rig_part(rig, MACHINE_STAGED).deleted, 5);
}

static void unload_ends_an_edit(void **state)
{
    struct recovery_rig *rig = *state;

    fake_chunks_put_away(rig->chunks);
    rig->holds_loads = true;
    recovery_rig_call(rig, "recovery.delete", params_of(rig, "{'key': b'k0'}"));
    recovery_rig_call(rig, "recovery.unload", "{}");
    assert_int_equal(fake_chunks_waiting(rig->chunks), 0);
    assert_int_equal(recovery_rig_status(rig).phase, RECOVERY_PHASE_NONE);
    assert_int_equal(recovery_rig_status(rig).job_code, 0);
}

static void edit_of_another_revision_is_refused(void **state)
{
    struct recovery_rig *rig = *state;
    char params[300];

    snprintf(params, sizeof(params), "%s", params_of(rig, "{'logs': 'alpha'}"));
    delete_entries(rig, "{'key': b'k0'}");
    recovery_rig_refused(rig, QL_CONDITION_FAILED, "recovery.delete", params);
}

static void edit_without_a_filter_is_refused(void **state)
{
    struct recovery_rig *rig = *state;

    recovery_rig_refused(rig, QL_INVALID, "recovery.delete",
                         params_of(rig, "{}"));
}

int main(void)
{
#define EDIT_TEST(test)                                                        \
    cmocka_unit_test_setup_teardown(test, setup, recovery_rig_teardown)
    const struct CMUnitTest tests[] = {
        EDIT_TEST(entries_that_match_go_and_leave_holes),
        EDIT_TEST(chunks_in_front_of_the_first_that_goes_stay),
        EDIT_TEST(edits_add_up),
        EDIT_TEST(log_that_loses_all_stays_with_its_tail),
        EDIT_TEST(trimmed_entries_are_not_written_anew),
        EDIT_TEST(nothing_that_matches_is_an_edit_of_nothing),
        EDIT_TEST(edited_state_can_be_committed_and_read),
        EDIT_TEST(bytes_on_disk_are_loaded_for_an_edit),
        EDIT_TEST(entries_that_are_not_to_be_had_leave_the_staged_state),
        EDIT_TEST(lost_leadership_leaves_the_staged_state),
        EDIT_TEST(unload_ends_an_edit),
        EDIT_TEST(edit_of_another_revision_is_refused),
        EDIT_TEST(edit_without_a_filter_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
