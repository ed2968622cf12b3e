/*
 * Options of another version than the library's, in exactly as many bytes as
 * they say they have.
 */
#include "options.h"

#include "check.h"
#include "internals.h"
#include "support.h"

/* What a third version of the library knows. */
struct options {
    size_t size;
    size_t first;
    size_t second;
    size_t third;
};

#define FIELD sizeof(size_t)
#define FIRST_SIZE (2 * FIELD)
#define KNOWN_SIZE sizeof(struct options)

/* Options of `size` bytes: 10, 11, 12, then zeros. `say` is the size they say
 * they have, `at` the place of a byte that is 1 instead, if it is behind 0. */
static int read(struct options *known, size_t size, size_t say, size_t at)
{
    static const struct options defaults = {KNOWN_SIZE, 1, 2, 3};
    static const size_t fields[] = {10, 11, 12};
    unsigned char *bytes = room(size);
    size_t i;
    int fine;

    memset(bytes, 0, size);
    memcpy(bytes, &say, FIELD);
    for (i = 0; i < 3 && (i + 2) * FIELD <= size; i++)
        memcpy(bytes + (i + 1) * FIELD, fields + i, FIELD);
    if (at > 0)
        bytes[at] = 1;
    *known = defaults;
    fine = hm_read_options(known, KNOWN_SIZE, FIRST_SIZE, bytes);
    free(bytes);
    return fine;
}

static void check_read(size_t size, size_t first, size_t second, size_t third)
{
    struct options known;

    CHECK_EQUAL(read(&known, size, size, 0), 1);
    CHECK_EQUAL(known.size, KNOWN_SIZE);
    CHECK_EQUAL(known.first, first);
    CHECK_EQUAL(known.second, second);
    CHECK_EQUAL(known.third, third);
}

static void check_refused(size_t size, size_t say, size_t at)
{
    struct options known;

    CHECK_EQUAL(read(&known, size, say, at), 0);
    CHECK_EQUAL(known.size, KNOWN_SIZE);
    CHECK_EQUAL(known.first, 1);
    CHECK_EQUAL(known.second, 2);
    CHECK_EQUAL(known.third, 3);
}

void test_options(void)
{
    size_t i;

    check_read(FIRST_SIZE, 10, 2, 3);
    check_read(3 * FIELD, 10, 11, 3);
    check_read(KNOWN_SIZE, 10, 11, 12);
    check_read(KNOWN_SIZE + 1, 10, 11, 12);
    check_read(KNOWN_SIZE + 100, 10, 11, 12);
    for (i = 0; i < FIRST_SIZE; i++)
        check_refused(KNOWN_SIZE, i, 0);
    for (i = KNOWN_SIZE; i < KNOWN_SIZE + 20; i++)
        check_refused(KNOWN_SIZE + 20, KNOWN_SIZE + 20, i);
}
