/*
 * UTF-8 by the table of well-formed sequences in the Unicode standard (section
 * 3.9): the first byte tells the length and the range of the second byte; all
 * further bytes are 80..BF. An ill-formed sequence is as long as its longest
 * well-formed beginning, at least one byte: that is what becomes one U+FFFD.
 */
#include "unicode.h"

#include "unicode_tables.inc"

/* Of a byte beyond ASCII: the length of the sequence that it leads, 0 if it
 * leads none, and the range that its second byte must be in. */
static size_t lead(uint8_t byte, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (byte < 0xC2)
        return 0;
    if (byte < 0xE0)
        return 2;
    if (byte < 0xF0) {
        if (byte == 0xE0)
            *low = 0xA0;
        else if (byte == 0xED)
            *high = 0x9F;
        return 3;
    }
    if (byte > 0xF4)
        return 0;
    if (byte == 0xF0)
        *low = 0x90;
    else if (byte == 0xF4)
        *high = 0x8F;
    return 4;
}

/* The length of the well-formed sequence at `bytes`, or 0; then *seen is the
 * length of its longest well-formed beginning, and *open tells whether only
 * the end of the bytes stopped it. */
static size_t sequence(const uint8_t *bytes, const uint8_t *end, size_t *seen,
                       int *open)
{
    uint8_t low, high;
    size_t length = lead(bytes[0], &low, &high);
    size_t i;

    *open = 0;
    for (i = 1; i < length; i++) {
        if (bytes + i == end) {
            *open = 1;
            break;
        }
        if (bytes[i] < low || bytes[i] > high)
            break;
        low = 0x80;
        high = 0xBF;
    }
    *seen = i;
    return i == length ? length : 0;
}

enum hm_class hm_class_of_sequence(const uint8_t *bytes, const uint8_t *end,
                                   size_t *size)
{
    size_t seen;
    int open;

    switch (*size = sequence(bytes, end, &seen, &open)) {
    case 3:
        return hm_class_of((bytes[0] & 0x0Fu) << 12 | (bytes[1] & 0x3Fu) << 6
                           | (bytes[2] & 0x3Fu));
    case 4:
        return hm_class_of((bytes[0] & 0x07u) << 18 | (bytes[1] & 0x3Fu) << 12
                           | (bytes[2] & 0x3Fu) << 6 | (bytes[3] & 0x3Fu));
    default:
        *size = 1;
        return HM_OTHER;
    }
}

size_t hm_utf8_valid(const uint8_t *bytes, size_t length, size_t *error_length)
{
    const uint8_t *at = bytes, *end = bytes + length;
    size_t seen, size;
    int open;

    *error_length = 0;
    while (at < end) {
        if (*at < 0x80) {
            at++;
            continue;
        }
        size = sequence(at, end, &seen, &open);
        if (size == 0) {
            *error_length = open ? 0 : seen;
            break;
        }
        at += size;
    }
    return (size_t)(at - bytes);
}
