/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/edited.h"

#include "support/cmocka.h"
#include "support/saved.h"

struct machine_part_info edited_draft(const struct driver *driver)
{
    struct machine_part_info info;

    assert_true(machine_part_info(driver->machine, MACHINE_DRAFT, &info));
    return info;
}

int edited_load(struct driver *driver, struct buf *record)
{
    struct machine_part_info info = edited_draft(driver);

    return driver_load(driver, info.id, info.next_seq, record);
}

int edited_log(struct driver *driver, const struct load_log *row)
{
    struct buf record = BUF_INIT;

    assert_int_equal(load_log_encode(row, &record), 0);
    return edited_load(driver, &record);
}

int edited_ref(struct driver *driver, const struct chunk *chunk)
{
    struct buf record = BUF_INIT;
    uint8_t row[CHUNK_ROW_LEN];

    chunk_row_encode(chunk, row);
    assert_int_equal(load_refs_encode(row, 1, &record), 0);
    return edited_load(driver, &record);
}

int edited_bytes(struct driver *driver, const struct chunk *chunk, size_t from,
                 size_t less)
{
    struct buf record = BUF_INIT;
    struct buf bytes = BUF_INIT;

    saved_bytes(chunk, &bytes);
    assert_int_equal(load_bytes_encode((struct bytes){bytes.data + from,
                                                      bytes.len - from - less},
                                       &record),
                     0);
    buf_close(&bytes);
    return edited_load(driver, &record);
}

int edited_done(struct driver *driver, const uint8_t *digest)
{
    struct buf record = BUF_INIT;

    assert_int_equal(load_done_encode(digest, &record), 0);
    return edited_load(driver, &record);
}

int edited_drop(struct driver *driver, uint64_t uid)
{
    struct buf record = BUF_INIT;

    assert_int_equal(load_drop_encode(uid, &record), 0);
    return edited_load(driver, &record);
}

int edited_end(struct driver *driver, uint64_t deleted)
{
    struct machine_part_info info = edited_draft(driver);

    return driver_end(driver, info.id, info.next_seq, deleted);
}

void edited_commands(struct driver *driver, struct dice dice)
{
    struct machine_part_info staged = {.id = 1};
    struct buf record = BUF_INIT;
    struct chunk *const *chunks;
    struct load_log row;
    uint64_t draft;
    size_t count;

    (void)machine_part_info(driver->machine, MACHINE_STAGED, &staged);
    if (driver_begin(driver, "edited", staged.id, staged.revision) != 0) {
        return;
    }
    draft = driver->outcome.position;
    for (uint64_t uid = 1; uid < 100; uid++) {
        if (machine_part_log(driver->machine, MACHINE_STAGED, uid, &row) != 0 ||
            !dice_one_in(&dice, 2)) {
            continue;
        }
        if (dice_one_in(&dice, 4)) {
            assert_int_equal(load_drop_encode(uid, &record), 0);
            (void)driver_load(driver, draft, 0, &record);
            (void)driver_end(driver, draft, 1, 3);
            return;
        }
        chunks =
            machine_part_chunks(driver->machine, MACHINE_STAGED, uid, &count);
        row.keep = (uint32_t)dice_roll(&dice, count + 1);
        assert_int_equal(load_log_encode(&row, &record), 0);
        if (driver_load(driver, draft, 0, &record) != 0 ||
            dice_one_in(&dice, 3)) {
            return; /* it is left so */
        }
        assert_int_equal(
            load_done_encode(row.keep == 0 ? row.base
                                           : chunks[row.keep - 1]->name.chain,
                             &record),
            0);
        (void)driver_load(driver, draft, 1, &record);
        (void)driver_end(driver, draft, 2, 3);
        return;
    }
}
