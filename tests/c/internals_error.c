/*
 * Error messages: always NUL-terminated, never cut inside a character.
 */
#include "error.h"

#include "check.h"
#include "internals.h"
#include "unicode.h"

static void test_plain(void)
{
    harmony_error error;

    memset(&error, 'x', sizeof error);
    CHECK_EQUAL(hm_fail(&error, HARMONY_TOO_LARGE, 7, "there are "),
                HARMONY_TOO_LARGE);
    hm_say_number(&error, 0);
    hm_say(&error, ", ");
    hm_say_number(&error, -12);
    hm_say(&error, ", ");
    hm_say_number(&error, INT64_MIN);
    hm_say(&error, ", ");
    hm_say_number(&error, INT64_MAX);
    hm_say_bytes(&error, "!?", 1);
    hm_say_bytes(&error, "", 0);
    CHECK_EQUAL(error.status, HARMONY_TOO_LARGE);
    CHECK_EQUAL(error.position, 7);
    CHECK_STRING(error.message, "there are 0, -12, -9223372036854775808, "
                                "9223372036854775807!");
}

static void test_nobody_listens(void)
{
    CHECK_EQUAL(hm_fail(NULL, HARMONY_NO_MEMORY, 0, "no"), HARMONY_NO_MEMORY);
    hm_say(NULL, "no");
    hm_say_bytes(NULL, "no", 2);
    hm_say_number(NULL, 2);
}

/* `before` bytes of 'a', then ten times `character`. */
static void check_cut(size_t before, const char *character)
{
    harmony_error error;
    size_t i, length, error_length, width = strlen(character);

    hm_fail(&error, HARMONY_BAD_ARGUMENT, -1, "");
    for (i = 0; i < before; i++)
        hm_say(&error, "a");
    for (i = 0; i < 10; i++)
        hm_say(&error, character);
    length = strlen(error.message);
    CHECK(length < sizeof error.message);
    CHECK_EQUAL(
        hm_utf8_valid((const uint8_t *)error.message, length, &error_length),
        length);
    if (before + 10 * width <= 252) {
        CHECK_EQUAL(length, before + 10 * width);
        return;
    }
    CHECK_EQUAL(length, 255);
    CHECK_STRING(error.message + 252, "...");
    hm_say(&error, "more");
    hm_say_number(&error, 1);
    CHECK_EQUAL(strlen(error.message), 255);
}

static void test_cut(void)
{
    size_t before;

    for (before = 205; before < 300; before++) {
        check_cut(before, "b");
        check_cut(before, "\xC3\xA9");
        check_cut(before, "\xE2\x82\xAC");
        check_cut(before, "\xF0\x9F\x98\x80");
    }
}

/* Everything in one call, longer than there is room for. */
static void test_cut_at_once(void)
{
    char text[400];
    harmony_error error;
    size_t i, error_length;

    for (i = 0; i + 4 <= sizeof text; i += 4)
        memcpy(text + i, "\xF0\x9F\x98\x80", 4);
    for (i = 0; i < 4; i++) {
        hm_fail(&error, HARMONY_BAD_ARGUMENT, -1, &"abc"[i]);
        hm_say_bytes(&error, text, sizeof text);
        CHECK_EQUAL(strlen(error.message), 255);
        CHECK_EQUAL(
            hm_utf8_valid((const uint8_t *)error.message, 255, &error_length),
            255);
        CHECK_STRING(error.message + 252, "...");
    }
}

void test_error(void)
{
    test_plain();
    test_nobody_listens();
    test_cut();
    test_cut_at_once();
}
