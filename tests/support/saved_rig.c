/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/saved_rig.h"

#include <string.h>

#include "support/cmocka.h"

const struct machine_limits saved_rig_limits = {4 * 1024, 64 * 1024};

int saved_rig_setup_changed(void **state)
{
    static struct saved_rig rig;
    struct driver *driver = &rig.driver;

    driver_init_limited(driver, &saved_rig_limits);
    driver_create_with(driver, "a", (struct retention){1000, 0, 0}, 42);
    driver_create(driver, "b");
    driver_create(driver, "c");
    driver_append_many(driver, "a", 2 * RIG_CHUNK_ENTRIES + 2, RIG_ENTRY_BYTES);
    driver_trim(driver, "a", 3);
    driver_acquire(driver, "b", "writer");
    driver_append(driver, "c", "first");
    saved_take(&rig.saved, driver, "before");
    driver_append_many(driver, "a", 3, RIG_ENTRY_BYTES);
    driver_delete(driver, "c");
    driver_create(driver, "c");
    driver_append(driver, "c", "second");
    driver_append(driver, "c", "third");
    driver_create(driver, "d");
    driver_acquire(driver, "b", "other");
    *state = &rig;
    return 0;
}

int saved_rig_setup_same(void **state)
{
    static struct saved_rig rig;
    struct driver *driver = &rig.driver;

    driver_init_limited(driver, &saved_rig_limits);
    driver_create(driver, "a");
    driver_create(driver, "b");
    driver_create(driver, "c");
    driver_append_many(driver, "a", 3 * RIG_CHUNK_ENTRIES, RIG_ENTRY_BYTES);
    driver_append_many(driver, "b", RIG_CHUNK_ENTRIES, RIG_ENTRY_BYTES + 1);
    driver_append(driver, "c", "open");
    saved_take(&rig.saved, driver, "before");
    *state = &rig;
    return 0;
}

int saved_rig_teardown(void **state)
{
    struct saved_rig *rig = *state;

    saved_close(&rig->saved);
    driver_close(&rig->driver);
    return 0;
}

struct machine_part_info rig_part(const struct driver *driver,
                                  enum machine_part part)
{
    struct machine_part_info info = {0};

    (void)machine_part_info(driver->machine, part, &info);
    return info;
}

void rig_expect_texts(const struct machine *machine, enum machine_part part,
                      const char *log, const char *const *texts)
{
    struct machine_reader reader;
    struct read_entry entry;
    struct log_stat stat;

    assert_int_equal(machine_part_stat(machine, part, text(log), &stat), 0);
    assert_int_equal(
        machine_reader_open_part(&reader, machine, part, stat.uid, 0, 0, NULL),
        0);
    for (; *texts != NULL; texts++) {
        assert_int_equal(machine_reader_next(&reader, &entry),
                         MACHINE_READ_ENTRY);
        assert_int_equal(entry.value.len, strlen(*texts));
        assert_memory_equal(entry.value.data, *texts, entry.value.len);
    }
    assert_int_equal(machine_reader_next(&reader, &entry), MACHINE_READ_END);
}

struct load_log rig_log_row(const struct saved_rig *rig, uint64_t uid)
{
    struct load_log row;

    assert_int_equal(
        machine_part_log(rig->saved.machine, MACHINE_LIVE, uid, &row), 0);
    return row;
}

struct chunk *rig_chunk_at(const struct saved_rig *rig, uint64_t uid,
                           size_t index)
{
    size_t count;
    struct chunk *const *chunks =
        machine_part_chunks(rig->saved.machine, MACHINE_LIVE, uid, &count);

    assert_true(index < count);
    return chunks[index];
}

void rig_expect_refused(struct driver *driver, const uint8_t before[16], int rv,
                        int code)
{
    uint8_t after[16];

    assert_int_equal(rv, code);
    machine_digest(driver->machine, after);
    assert_memory_equal(before, after, 16);
    assert_int_not_equal(machine_refusal_text(&driver->outcome)[0], '\0');
}
