/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/disk_rig.h"

#include "support/cmocka.h"

static void on_fatal(void *data, const char *reason)
{
    struct disk_rig *rig = data;

    (void)reason;
    rig->fatal = true;
}

static void on_healed(void *data)
{
    struct disk_rig *rig = data;

    rig->healed++;
}

static void on_grown(void *data)
{
    struct disk_rig *rig = data;

    rig->grown++;
}

static void on_made(void *data)
{
    struct disk_rig *rig = data;

    rig->told++;
}

void disk_rig_new(struct disk_rig *rig)
{
    const struct raft_disk_options options = {
        .disk = fake_disk_disk(rig->fake),
        .where = "DIR/raft",
        .segment_bytes = DISK_RIG_SEGMENT,
        .reserve_bytes = rig->reserve_bytes,
        .chunks = rig->chunks,
        .first_configuration = {rig->first.base, rig->first.len},
        .others_elect = rig->others_elect,
        .on_fatal = on_fatal,
        .on_healed = on_healed,
        .data = rig};

    rig->disk = raft_disk_new(&options);
    raft_disk_on_grown(rig->disk, on_grown, rig);
}

void disk_rig_free_loaded(struct disk_rig *rig)
{
    struct raft_snapshot *snapshot = rig->loaded.snapshot;

    if (snapshot != NULL) {
        raft_configuration_close(&snapshot->configuration);
        raft_free(snapshot->bufs[0].base);
        raft_free(snapshot->bufs);
        raft_free(snapshot);
    }
    for (size_t i = 0; i < rig->loaded.count; i++) {
        raft_free(rig->loaded.entries[i].batch);
    }
    raft_free(rig->loaded.entries);
    rig->loaded = (struct raft_loaded){0};
}

int disk_rig_load(struct disk_rig *rig, struct err *err)
{
    int rv;

    disk_rig_new(rig);
    rv = raft_disk_load(rig->disk, &rig->loaded, err);
    if (rv != 0) {
        raft_disk_free(rig->disk);
        rig->disk = NULL;
    }
    return rv;
}

void disk_rig_must_load(struct disk_rig *rig)
{
    struct err err = {0};

    if (disk_rig_load(rig, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

/* In order: all that is under way is done. */
void disk_rig_stop(struct disk_rig *rig)
{
    fake_disk_drain(rig->fake);
    assert_false(raft_disk_is_busy(rig->disk));
    raft_disk_free(rig->disk);
    rig->disk = NULL;
    disk_rig_free_loaded(rig);
}

void disk_rig_crash(struct disk_rig *rig)
{
    fake_disk_crash(rig->fake, FAKE_POWER);
    raft_disk_free(rig->disk);
    rig->disk = NULL;
    disk_rig_free_loaded(rig);
}

void disk_rig_open(struct disk_rig *rig, uint64_t seed)
{
    static const char *const addresses[] = {"127.0.0.1:1", "127.0.0.1:2",
                                            "127.0.0.1:3"};
    struct err err;

    *rig = (struct disk_rig){.others_elect = true};
    rig->fake = fake_disk_new(seed);
    raft_configuration_init(&rig->configuration);
    for (raft_id id = 1; id <= 3; id++) {
        assert_int_equal(raft_configuration_add(&rig->configuration, id,
                                                addresses[id - 1], RAFT_VOTER),
                         0);
    }
    assert_int_equal(
        raft_configuration_encode(&rig->configuration, &rig->first), 0);
    disk_rig_new(rig);
    assert_int_equal(raft_disk_make(rig->disk, on_made, rig, &err), 0);
    disk_rig_stop(rig);
    assert_int_equal(rig->told, 1);
}

void disk_rig_close(struct disk_rig *rig)
{
    fake_disk_free(rig->fake);
    raft_configuration_close(&rig->configuration);
    raft_free(rig->first.base);
}

static void on_append(struct raft_io_append *request, int status)
{
    struct disk_rig *rig = request->data;

    assert_int_equal(status, 0);
    rig->told++;
}

/* Each holds its index and term. */
static void append(struct disk_rig *rig, struct raft_io_append *request,
                   raft_index index, raft_term term)
{
    uint64_t content[2] = {index, term};
    struct raft_entry entry = {
        .term = term, .type = RAFT_COMMAND, .buf = {content, sizeof content}};

    request->data = rig;
    assert_int_equal(raft_disk_append(rig->disk, request, &entry, 1, on_append),
                     0);
}

void disk_rig_append_range(struct disk_rig *rig, raft_index from, raft_index to,
                           raft_term term)
{
    static struct raft_io_append requests[256];

    for (raft_index index = from; index <= to; index++) {
        append(rig, &requests[index], index, term);
    }
    fake_disk_drain(rig->fake);
}

static void on_put(struct raft_io_snapshot_put *request, int status)
{
    struct disk_rig *rig = request->data;

    assert_int_equal(status, 0);
    rig->told++;
}

void disk_rig_put(struct disk_rig *rig, struct raft_io_snapshot_put *request,
                  unsigned trailing, const struct raft_snapshot *snapshot)
{
    request->data = rig;
    assert_int_equal(
        raft_disk_put(rig->disk, trailing, request, snapshot, on_put), 0);
}

struct raft_snapshot disk_rig_snapshot_of(struct disk_rig *rig,
                                          raft_index index, raft_term term,
                                          struct raft_buffer *buffer)
{
    static char bytes[] = "the machine";

    buffer->base = bytes;
    buffer->len = sizeof bytes;
    return (struct raft_snapshot){.index = index,
                                  .term = term,
                                  .configuration = rig->configuration,
                                  .configuration_index = 1,
                                  .bufs = buffer,
                                  .n_bufs = 1};
}

void disk_rig_assert_entry(const struct disk_rig *rig, raft_index index,
                           raft_term term)
{
    const struct raft_loaded *loaded = &rig->loaded;
    const uint64_t *content;

    assert_true(index >= loaded->start_index);
    assert_true(index < loaded->start_index + loaded->count);
    content = loaded->entries[index - loaded->start_index].buf.base;
    assert_int_equal(content[0], index);
    assert_int_equal(content[1], term);
}

raft_index disk_rig_last_index(const struct disk_rig *rig)
{
    return rig->loaded.start_index + rig->loaded.count - 1;
}
