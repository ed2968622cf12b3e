/*
 * UTF-8 against a table of every beginning of every character, made by the
 * definition: encode all code points.
 */
#include "unicode.h"

#include "check.h"
#include "internals.h"
#include "support.h"

/* One bit for each string of one, two or three bytes: whether it begins a
 * character of more bytes, and whether it is one. Characters of four bytes are
 * those beginnings of three with any byte from 80 to BF behind them. */
static uint8_t begins[3][(1 << 24) / 8];
static uint8_t is_whole[3][(1 << 24) / 8];

static void set_bit(uint8_t *bits, uint32_t at)
{
    bits[at / 8] |= (uint8_t)(1u << at % 8);
}

static int bit(const uint8_t *bits, uint32_t at)
{
    return bits[at / 8] >> at % 8 & 1;
}

/* A code point by the definition; its length. */
static size_t encode_point(uint32_t point, uint8_t *to)
{
    if (point < 0x80) {
        to[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (uint8_t)(0xC0 | point >> 6);
        to[1] = (uint8_t)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (uint8_t)(0xE0 | point >> 12);
        to[1] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
        to[2] = (uint8_t)(0x80 | (point & 0x3F));
        return 3;
    }
    to[0] = (uint8_t)(0xF0 | point >> 18);
    to[1] = (uint8_t)(0x80 | (point >> 12 & 0x3F));
    to[2] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
    to[3] = (uint8_t)(0x80 | (point & 0x3F));
    return 4;
}

static void fill_tables(void)
{
    uint32_t point, key;
    uint8_t bytes[4];
    size_t length, i;

    for (point = 0; point < 0x110000; point++) {
        if (point >= 0xD800 && point < 0xE000)
            continue;
        length = encode_point(point, bytes);
        for (key = 0, i = 0; i < length && i < 3; i++) {
            key = key << 8 | bytes[i];
            set_bit(i + 1 == length ? is_whole[i] : begins[i], key);
        }
    }
}

/* What hm_utf8_valid should say, of at most four bytes. */
static size_t slow_valid(const uint8_t *bytes, size_t length,
                         size_t *error_length)
{
    size_t at = 0, i;

    *error_length = 0;
    while (at < length) {
        uint32_t key = 0;

        for (i = 0; at + i < length && i < 3; i++) {
            key = key << 8 | bytes[at + i];
            if (bit(is_whole[i], key) || !bit(begins[i], key))
                break;
        }
        if (at + i == length)
            return at;
        if (i == 3 ? (bytes[at + 3] & 0xC0) == 0x80 : bit(is_whole[i], key)) {
            at += i + 1;
            continue;
        }
        *error_length = i > 0 ? i : 1;
        return at;
    }
    return at;
}

/* The length of the first character; 1 if there is no valid one. */
static size_t slow_size(const uint8_t *bytes, size_t length)
{
    size_t size, error_length;

    for (size = 1; size <= length; size++)
        if (slow_valid(bytes, size, &error_length) == size)
            return size;
    return 1;
}

static uint8_t *ends_here[5]; /* by length: memory that ends where it does */
static long wrong_strings;

static void try_string(const uint8_t *string, size_t length)
{
    uint8_t *bytes = ends_here[length];
    size_t error, slow_error, valid, size;

    memcpy(bytes, string, length);
    valid = hm_utf8_valid(bytes, length, &error);
    if (valid != slow_valid(string, length, &slow_error) || error != slow_error)
        wrong_strings++;
    if (length == 0)
        return;
    hm_class_at(bytes, bytes + length, &size);
    if (size != slow_size(string, length))
        wrong_strings++;
}

static void test_utf8_valid(void)
{
    static const uint8_t edges[]
        = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0,
           0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xFF};
    const size_t count = sizeof edges;
    uint8_t s[4] = {0};
    size_t i, j, k;
    unsigned a, b;

    fill_tables();
    for (i = 0; i < 5; i++)
        ends_here[i] = room(i);
    try_string(s, 0);
    for (a = 0; a < 256; a++) {
        s[0] = (uint8_t)a;
        try_string(s, 1);
        for (b = 0; b < 256; b++) {
            s[1] = (uint8_t)b;
            try_string(s, 2);
            for (i = 0; i < count; i++) {
                s[2] = edges[i];
                try_string(s, 3);
            }
        }
        for (k = 0; k < count * count * count; k++) {
            for (j = k, i = 1; i < 4; i++, j /= count)
                s[i] = edges[j % count];
            try_string(s, 4);
        }
    }
    for (i = 0; i < 5; i++)
        free(ends_here[i]);
    CHECK_EQUAL(wrong_strings, 0);
}

static void check_class(const char *text, size_t length, enum hm_class class,
                        size_t size)
{
    uint8_t *bytes = exact_copy(text, length);
    size_t found = 0;

    CHECK_EQUAL(hm_class_at(bytes, bytes + length, &found), class);
    CHECK_EQUAL(found, size);
    free(bytes);
}

static void test_class_at(void)
{
    check_class("A", 1, HM_UPPER, 1);
    check_class("a", 1, HM_LOWER, 1);
    check_class("\xC7\x85", 2, HM_UPPER, 2);      /* U+01C5, a title case */
    check_class("\xCA\xB0", 2, HM_LETTER, 2);     /* U+02B0, a modifier */
    check_class("\xE4\xB8\x96", 3, HM_LETTER, 3); /* U+4E16 */
    check_class("\xCC\x81", 2, HM_MARK, 2);       /* U+0301 */
    check_class("\xC2\xBD", 2, HM_NUMBER, 2);     /* U+00BD */
    check_class("\xE3\x80\x80", 3, HM_SPACE, 3);  /* U+3000 */
    check_class("\n", 1, HM_NEWLINE, 1);
    check_class("\xF0\x9F\x98\x80", 4, HM_OTHER, 4); /* U+1F600 */
    check_class("\xF0\x9D\x94\xB8", 4, HM_UPPER, 4); /* U+1D538 */
    check_class("\xF4\x8F\xBF\xBF", 4, HM_OTHER, 4); /* U+10FFFF */

    check_class("\x80", 1, HM_OTHER, 1);
    check_class("\xFF"
                "a",
                2, HM_OTHER, 1);
    check_class("\xC0\x80", 2, HM_OTHER, 1); /* too long a zero */
    check_class("\xE4", 1, HM_OTHER, 1);
    check_class("\xE4\xB8", 2, HM_OTHER, 1);
    check_class("\xE4\xB8"
                "a",
                3, HM_OTHER, 1);
    check_class("\xED\xA0\x80", 3, HM_OTHER, 1); /* a surrogate */
    check_class("\xF0\x9F\x98", 3, HM_OTHER, 1);
    check_class("\xF4\x90\x80\x80", 4, HM_OTHER, 1); /* U+110000 */
    check_class("\xF5\x80\x80\x80", 4, HM_OTHER, 1);
}

void test_unicode(void)
{
    test_utf8_valid();
    test_class_at();
}
