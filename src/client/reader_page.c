/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The pages of a reader, and the order they are kept in. */
#include <stdlib.h>
#include <string.h>

#include "client/reader.h"

static void skip_to(struct ql_reader *reader, uint64_t next);
static struct page *add_news(struct ql_reader *reader, enum page_news news);

struct page *page_new(struct bytes message)
{
    struct page *page = calloc(1, sizeof(*page));

    if (page == NULL) {
        return NULL;
    }
    list_init(&page->link);
    page->bytes = malloc(message.len + 1);
    if (page->bytes == NULL) {
        free(page);
        return NULL;
    }
    if (message.len > 0) {
        memcpy(page->bytes, message.data, message.len);
    }
    page->len = message.len;
    return page;
}

void page_free(struct page *page)
{
    free(page->entries);
    free(page->bytes);
    free(page);
}

int page_check(const struct page *page, uint64_t from, struct err *err)
{
    uint64_t expected = from;
    size_t i;

    for (i = 0; i < page->count; i++) {
        uint64_t position = page->entries[i].position;

        if (position < expected || position == UINT64_MAX) {
            return err_set(err, QL_PROTOCOL,
                           "the positions of entries do not rise");
        }
        expected = position + 1;
    }
    if (page->next < expected) {
        return err_set(err, QL_PROTOCOL,
                       "the next position lies before the entries");
    }
    return 0;
}

void reader_add_page(struct ql_reader *reader, struct page *page)
{
    while (reader->to != 0 && page->count > 0 &&
           page->entries[page->count - 1].position >= reader->to) {
        page->count--;
    }
    if (reader->to != 0 && page->next > reader->to) {
        page->next = reader->to;
    }
    reader->fetch_at = page->next;
    if (page->count == 0) {
        skip_to(reader, page->next);
        page_free(page);
    } else {
        if (page->opened != 0) {
            reader->held_bytes += page->len;
        }
        list_push_back(&reader->pages, &page->link);
        reader->pages_count++;
        reader->ready_due = true;
    }
    if (reader->to != 0 && reader->fetch_at >= reader->to) {
        reader_end(reader, NULL);
    }
}

/* Nothing stands between what is here and @next. */
static void skip_to(struct ql_reader *reader, uint64_t next)
{
    struct page *last = reader->page;

    if (!list_empty(&reader->pages)) {
        last = LIST_ITEM(reader->pages.prev, struct page, link);
    }
    if (last == NULL) {
        reader->position = next;
    } else if (last->news == PAGE_ENTRIES) {
        last->next = next;
    }
}

int reader_add_trimmed(struct ql_reader *reader, uint64_t head)
{
    struct page *page = NULL;

    /* One that was not told yet is overtaken by this: a log that is trimmed
     * often must not fill the memory of a program that does not read. */
    if (!list_empty(&reader->pages)) {
        page = LIST_ITEM(reader->pages.prev, struct page, link);
    }
    if (page == NULL || page->news != PAGE_TRIMMED) {
        page = add_news(reader, PAGE_TRIMMED);
        if (page == NULL) {
            return QL_NO_MEMORY;
        }
    }
    page->next = head;
    reader->fetch_at = head;
    if (reader->to != 0 && head >= reader->to) {
        reader_end(reader, NULL);
    }
    return 0;
}

int reader_add_restored(struct ql_reader *reader, uint64_t from)
{
    struct page *page;

    while (!list_empty(&reader->pages)) {
        page = LIST_ITEM(reader->pages.next, struct page, link);
        list_remove(&page->link);
        reader->pages_count--;
        if (page->opened != 0) {
            reader->held_bytes -= page->len;
        }
        page_free(page);
    }
    if (reader->page != NULL) {
        reader->page->count = reader->page->at;
        reader->page->next = reader->position;
        reader->page->news = PAGE_ENTRIES;
    }
    page = add_news(reader, PAGE_RESTORED);
    if (page == NULL) {
        return QL_NO_MEMORY;
    }
    /* A reader from the head on that was given nothing yet has no position. */
    page->next = reader->position < from ? reader->position : from;
    reader->fetch_at = page->next;
    reader->uid = 0;
    reader->incarnation = 0;
    return 0;
}

static struct page *add_news(struct ql_reader *reader, enum page_news news)
{
    struct page *page = page_new((struct bytes){NULL, 0});

    if (page == NULL) {
        return NULL;
    }
    page->news = news;
    list_push_back(&reader->pages, &page->link);
    reader->pages_count++;
    reader->ready_due = true;
    return page;
}
