/*
 * Room: what is asked for beyond what can be counted is refused, and nothing
 * has changed.
 */
#include "buffer.h"

#include "check.h"
#include "internals.h"
#include "repair.h"

static void test_room(void)
{
    hm_buffer buffer = {NULL, 0, 0};

    CHECK(!hm_reserve(&buffer, SIZE_MAX));
    CHECK(buffer.data == NULL);
    CHECK(hm_reserve(&buffer, 1));
    CHECK_EQUAL(buffer.capacity, 256);
    CHECK(hm_reserve(&buffer, 256));
    CHECK_EQUAL(buffer.capacity, 256);
    hm_append(&buffer, "a", 1);
    CHECK(hm_reserve(&buffer, 255));
    CHECK_EQUAL(buffer.capacity, 256);
    CHECK(hm_reserve(&buffer, 600));
    CHECK_EQUAL(buffer.capacity, 1024);
    CHECK(!hm_reserve(&buffer, SIZE_MAX / 2));
    CHECK_EQUAL(buffer.capacity, 1024);
    CHECK_EQUAL(buffer.length, 1);
    CHECK_EQUAL(buffer.data[0], 'a');
    hm_release(&buffer);
    CHECK_EQUAL(buffer.capacity, 0);
}

static void test_room_for_warnings(void)
{
    hm_warnings warnings = {{NULL, 0, 0}, {NULL, 0, 0}, 0};

    CHECK(!hm_reserve_warnings(&warnings, SIZE_MAX, 0));
    CHECK(!hm_reserve_warnings(&warnings,
                               SIZE_MAX / 2 / sizeof(harmony_warning) + 1, 0));
    CHECK(warnings.list.data == NULL);
    CHECK(!hm_reserve_warnings(&warnings, 1, SIZE_MAX - 1));
    CHECK(hm_reserve_warnings(&warnings, 100, 200));
    CHECK(warnings.list.capacity >= 100 * sizeof(harmony_warning));
    CHECK_EQUAL(warnings.text.capacity, 512);
    hm_release(&warnings.list);
    hm_release(&warnings.text);
}

void test_buffer(void)
{
    test_room();
    test_room_for_warnings();
}
