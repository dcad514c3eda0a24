/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "backup/backup_plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup_file.h"
#include "util/mem.h"

#define STEP_ROWS 8192u

static void room_for(struct backup_plan *plan, uint32_t count);
static void put(struct backup_plan *plan, const struct chunk_facts *facts);
static int join(struct backup_plan *plan, struct backup_rows *rows,
                struct bytes locations, const uint64_t *bad, size_t bad_count,
                struct err *err);
static int compare_places(const struct chunk_name *a,
                          const struct chunk_name *b);

/* ---- Making -------------------------------------------------------------- */

void backup_plan_of_set(struct backup_plan *ret, const struct chunk_set *set)
{
    size_t count = 0;

    for (size_t i = 0; set != NULL && i < set->count; i++) {
        count += chunk_list_count(set->items[i].list);
    }
    room_for(ret, (uint32_t)count);
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        const struct chunk_list *list = set->items[i].list;

        for (size_t j = 0; j < chunk_list_count(list); j++) {
            struct chunk_facts facts = chunk_facts(chunk_list_at(list, j));

            put(ret, &facts);
        }
    }
}

void backup_plan_of_front(struct backup_plan *ret, struct bytes front,
                          const struct backup_front *header)
{
    room_for(ret, header->chunks);
    for (uint32_t i = 0; i < header->chunks; i++) {
        struct pack_row row = {.frame_len = 0};
        int rv = backup_front_row(front, i, &row, NULL);

        assert(rv == 0);
        put(ret, &row.facts);
        pack_row_encode(&row, ret->rows + (size_t)i * PACK_ROW_LEN);
    }
}

void backup_plan_close(struct backup_plan *plan)
{
    free(plan->rows);
    free(plan->at);
    memset(plan, 0, sizeof(*plan));
}

static void room_for(struct backup_plan *plan, uint32_t count)
{
    memset(plan, 0, sizeof(*plan));
    plan->rows = mem_must_array((size_t)count + 1, PACK_ROW_LEN);
    plan->at = mem_must_array((size_t)count + 1, sizeof(*plan->at));
}

static void put(struct backup_plan *plan, const struct chunk_facts *facts)
{
    struct pack_row row = {.facts = *facts, .frame_len = 1};

    pack_row_encode(&row, plan->rows + (size_t)plan->count * PACK_ROW_LEN);
    plan->raw_bytes += facts->len;
    plan->count++;
    plan->lacking++;
}

struct chunk_facts backup_plan_facts(const struct backup_plan *plan,
                                     uint32_t number)
{
    struct pack_row row = {.frame_len = 0};
    int rv =
        pack_row_decode(plan->rows + (size_t)number * PACK_ROW_LEN, &row, NULL);

    assert(rv == 0); /* it is ours */
    return row.facts;
}

/* ---- What is there already ----------------------------------------------- */

int backup_plan_join(struct backup_plan *plan, struct disk *disk,
                     const struct backup_owner *owner, const char *base,
                     const uint64_t *bad, size_t bad_count, struct err *err)
{
    struct backup_manifest manifest = {.len = 0};
    struct buf locations = BUF_INIT;
    struct backup_rows rows;
    struct disk_file *file;
    int rv = backup_manifest_open(disk, base, owner, &manifest, &file, err);

    if (rv == 0) {
        rv = backup_manifest_read_locations(disk, file, &manifest, &locations,
                                            err);
        if (rv == 0) {
            backup_rows_init(&rows, disk, file, manifest.front.chunks);
            rv =
                join(plan, &rows, (struct bytes){locations.data, locations.len},
                     bad, bad_count, err);
            backup_rows_close(&rows);
        }
        disk->ops->close(file);
    }
    buf_close(&locations);
    return rv == QL_IO || rv == QL_NO_MEMORY ? rv : 0;
}

/* Both are in the order of logs and positions. */
static int join(struct backup_plan *plan, struct backup_rows *rows,
                struct bytes locations, const uint64_t *bad, size_t bad_count,
                struct err *err)
{
    struct pack_row row = {.frame_len = 0};
    int rv = backup_rows_next(rows, &row, err);
    uint32_t i = 0;

    while (rv == 0 && i < plan->count) {
        struct chunk_facts facts = backup_plan_facts(plan, i);
        int order = compare_places(&facts.name, &row.facts.name);

        if (order == 0 && chunk_name_equal(&facts.name, &row.facts.name) &&
            plan->at[i].pack == 0) {
            struct backup_location at =
                backup_locations_item(locations, rows->next - 1);

            if (!backup_numbers_have(bad, bad_count, at.pack)) {
                plan->at[i] = at;
                plan->lacking--;
                pack_row_encode(&row, plan->rows + (size_t)i * PACK_ROW_LEN);
            }
        }
        if (order <= 0) {
            i++;
        }
        if (order >= 0) {
            rv = backup_rows_next(rows, &row, err);
        }
    }
    return rv == QL_NOT_FOUND ? 0 : rv;
}

static int compare_places(const struct chunk_name *a,
                          const struct chunk_name *b)
{
    if (a->uid != b->uid) {
        return a->uid < b->uid ? -1 : 1;
    }
    if (a->first != b->first) {
        return a->first < b->first ? -1 : 1;
    }
    return 0;
}

bool backup_numbers_have(const uint64_t *numbers, size_t count, uint64_t number)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (numbers[middle] < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && numbers[low] == number;
}

/* ---- Rows ---------------------------------------------------------------- */

void backup_rows_init(struct backup_rows *rows, struct disk *disk,
                      struct disk_file *file, uint32_t count)
{
    memset(rows, 0, sizeof(*rows));
    rows->disk = disk;
    rows->file = file;
    rows->count = count;
}

void backup_rows_close(struct backup_rows *rows)
{
    buf_close(&rows->step);
}

int backup_rows_next(struct backup_rows *rows, struct pack_row *ret,
                     struct err *err)
{
    uint32_t at = rows->next - rows->step_first;
    int rv;

    if (rows->next == rows->count) {
        return QL_NOT_FOUND;
    }
    if (at >= rows->step_count) {
        uint32_t left = rows->count - rows->next;

        rows->step_first = rows->next;
        rows->step_count = left < STEP_ROWS ? left : STEP_ROWS;
        rows->step.len = 0;
        at = 0;
        rv = backup_file_read(
            rows->disk, rows->file, backup_front_row_at(rows->next),
            (size_t)rows->step_count * PACK_ROW_LEN, &rows->step, err);
        if (rv != 0) {
            return rv;
        }
    }
    rv = pack_row_decode(rows->step.data + (size_t)at * PACK_ROW_LEN, ret, err);
    if (rv == 0) {
        rows->next++;
    }
    return rv;
}
