/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "support/driver.h"

#include <stdlib.h>
#include <string.h>

#include "support/cmocka.h"
#include "support/set_source.h"
#include "wire/args_cluster.h"
#include "wire/args_writer.h"

/* Applies what was encoded and frees it. */
static int apply_encoded(struct driver *driver, enum command_kind kind,
                         struct buf *params)
{
    struct bytes encoded = {params->data, params->len};
    int rv = driver_apply(driver, kind, encoded);

    buf_close(params);
    return rv;
}

void driver_init(struct driver *driver)
{
    driver_init_limited(driver, NULL);
}

void driver_init_limited(struct driver *driver,
                         const struct machine_limits *limits)
{
    memset(driver, 0, sizeof(*driver));
    driver->machine = machine_new(limits);
    driver->limits = limits;
    driver->time_ms = 1000000;
}

void driver_close(struct driver *driver)
{
    machine_free(driver->machine);
    driver->machine = NULL;
}

struct bytes text(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

int driver_apply(struct driver *driver, enum command_kind kind,
                 struct bytes params)
{
    struct command command = {kind, params};

    driver->index++;
    machine_begin(driver->machine, driver->index, driver->time_ms);
    machine_apply(driver->machine, &command, &driver->outcome);
    assert_int_equal(driver->outcome.kind, kind);
    return driver->outcome.code;
}

int driver_create(struct driver *driver, const char *log)
{
    return driver_create_with(driver, log, (struct retention){0, 0, 0}, 0);
}

int driver_create_with(struct driver *driver, const char *log,
                       struct retention retention, uint64_t token)
{
    struct log_config_args args = {text(log), retention, token};
    struct buf params = BUF_INIT;

    assert_int_equal(log_config_args_encode(&args, &params), 0);
    return apply_encoded(driver, COMMAND_LOG_CREATE, &params);
}

int driver_configure(struct driver *driver, const char *log,
                     struct retention retention)
{
    struct log_config_args args = {text(log), retention, 0};
    struct buf params = BUF_INIT;

    assert_int_equal(log_config_args_encode(&args, &params), 0);
    return apply_encoded(driver, COMMAND_LOG_CONFIGURE, &params);
}

int driver_delete(struct driver *driver, const char *log)
{
    struct log_args args = {text(log), false};
    struct buf params = BUF_INIT;

    assert_int_equal(log_args_encode(&args, &params), 0);
    return apply_encoded(driver, COMMAND_LOG_DELETE, &params);
}

int driver_trim(struct driver *driver, const char *log, uint64_t before)
{
    struct log_trim_args args = {text(log), before};
    struct buf params = BUF_INIT;

    assert_int_equal(log_trim_args_encode(&args, &params), 0);
    return apply_encoded(driver, COMMAND_LOG_TRIM, &params);
}

int driver_append(struct driver *driver, const char *log, const char *value)
{
    struct append_entry entry = {{NULL, 0}, text(value)};
    struct append_part_args part = {text(log), 0, 0, &entry, 1};
    struct append_args args = {.parts = &part, .parts_count = 1};

    return driver_append_args(driver, &args);
}

int driver_append_many(struct driver *driver, const char *log, size_t count,
                       size_t len)
{
    struct append_entry *entries = calloc(count, sizeof(*entries));
    uint8_t *value = calloc(1, len + 1);
    struct append_part_args part = {text(log), 0, 0, entries, count};
    struct append_args args = {.parts = &part, .parts_count = 1};
    int rv;

    assert_non_null(entries);
    assert_non_null(value);
    memset(value, 'v', len);
    for (size_t i = 0; i < count; i++) {
        entries[i].value = (struct bytes){value, len};
    }
    rv = driver_append_args(driver, &args);
    free(value);
    free(entries);
    return rv;
}

int driver_append_args(struct driver *driver, const struct append_args *args)
{
    struct buf params = BUF_INIT;

    assert_int_equal(append_args_encode(args, &params), 0);
    return apply_encoded(driver, COMMAND_LOG_APPEND, &params);
}

int driver_append_numbered(struct driver *driver, const char *log,
                           uint64_t producer, uint64_t sequence)
{
    struct append_entry entry = {{NULL, 0}, text("numbered")};
    struct append_part_args part = {text(log), 0, 0, &entry, 1};
    struct append_args args = {.parts = &part,
                               .parts_count = 1,
                               .producer = producer,
                               .sequence = sequence};

    return driver_append_args(driver, &args);
}

int driver_append_as(struct driver *driver, const char *log, uint64_t epoch)
{
    struct append_entry entry = {{NULL, 0}, text("written")};
    struct append_part_args part = {text(log), 0, epoch, &entry, 1};
    struct append_args args = {.parts = &part, .parts_count = 1};

    return driver_append_args(driver, &args);
}

uint64_t driver_open_producer(struct driver *driver)
{
    struct bytes nothing = {NULL, 0};

    assert_int_equal(driver_apply(driver, COMMAND_PRODUCER_OPEN, nothing), 0);
    return driver->outcome.producer;
}

int driver_close_producer(struct driver *driver, uint64_t producer)
{
    struct producer_args args = {.producer = producer};
    struct buf params = BUF_INIT;

    assert_int_equal(producer_args_encode(&args, &params), 0);
    return apply_encoded(driver, COMMAND_PRODUCER_CLOSE, &params);
}

int driver_acquire(struct driver *driver, const char *log, const char *name)
{
    struct writer_args args = {text(log), text(name), 0};
    struct buf params = BUF_INIT;

    assert_int_equal(writer_acquire_args_encode(&args, &params), 0);
    return apply_encoded(driver, COMMAND_WRITER_ACQUIRE, &params);
}

int driver_release(struct driver *driver, const char *log, uint64_t epoch)
{
    struct writer_args args = {text(log), {NULL, 0}, epoch};
    struct buf params = BUF_INIT;

    assert_int_equal(writer_release_args_encode(&args, &params), 0);
    return apply_encoded(driver, COMMAND_WRITER_RELEASE, &params);
}

int driver_tick(struct driver *driver)
{
    return driver_apply(driver, COMMAND_TICK, (struct bytes){NULL, 0});
}

int driver_confirm_clock(struct driver *driver)
{
    return driver_apply(driver, COMMAND_CONFIRM_CLOCK, (struct bytes){NULL, 0});
}

int driver_space(struct driver *driver, bool low)
{
    const struct space_args args = {low};
    struct buf params = BUF_INIT;
    int rv;

    assert_int_equal(space_args_encode(&args, &params), 0);
    rv = driver_apply(driver, COMMAND_SPACE,
                      (struct bytes){params.data, params.len});
    buf_close(&params);
    return rv;
}

struct log_stat driver_stat(const struct driver *driver, const char *log)
{
    struct log_stat stat;

    assert_int_equal(machine_log_stat(driver->machine, text(log), &stat), 0);
    return stat;
}

struct machine_counts driver_counts(const struct driver *driver)
{
    struct machine_counts counts;

    machine_counts(driver->machine, &counts);
    return counts;
}

void machine_image(const struct machine *machine, struct buf *ret)
{
    struct view *view = machine_freeze(machine);

    view_image(view, ret);
    view_free(view);
}

void view_image(const struct view *view, struct buf *ret)
{
    size_t len = ret->len;
    struct view_cursor cursor;
    struct bytes run;

    view_cursor_init(&cursor);
    while (view_next(view, &cursor, &run)) {
        assert_int_equal(buf_add(ret, run.data, run.len), 0);
    }
    assert_int_equal(ret->len - len, view_len(view));
}

void driver_reborn(struct driver *driver)
{
    struct machine *machine = machine_new(driver->limits);
    struct chunk_set *chunks = machine_chunks(driver->machine);
    struct chunk_source source = set_source(chunks);
    struct buf image = BUF_INIT;
    struct err err;

    machine_image(driver->machine, &image);
    machine_free(driver->machine);
    assert_int_equal(
        machine_restore(machine, image.data, image.len, &source, &err), 0);
    buf_close(&image);
    chunk_set_drop(chunks);
    driver->machine = machine;
}
