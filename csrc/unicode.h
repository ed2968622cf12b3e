/*
 * Characters: their class, and what of a run of bytes is valid UTF-8.
 */
#ifndef HM_UNICODE_H
#define HM_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* What the o200k pattern asks of a character. In the order that
 * make_unicode_tables.py writes. */
enum hm_class {
    HM_OTHER,  /* none of those below */
    HM_UPPER,  /* \p{Lu} \p{Lt} */
    HM_LOWER,  /* \p{Ll} */
    HM_LETTER, /* \p{Lm} \p{Lo}: letters without case */
    HM_MARK,   /* \p{M} */
    HM_NUMBER, /* \p{N} */
    HM_SPACE,  /* \s but for the next two */
    HM_NEWLINE /* \r \n */
};

/* The class of a code point is hm_class_in_block[block * HM_BLOCK_SIZE + low],
 * with the block that hm_block_of has for its high bits; the first
 * HM_BLOCK_SIZE entries are those of ASCII. */
#define HM_BLOCK_SIZE 128
extern const uint8_t hm_block_of[];
extern const uint8_t hm_class_in_block[];

static inline enum hm_class hm_class_of(uint32_t code_point)
{
    return (
        enum hm_class)hm_class_in_block[hm_block_of[code_point / HM_BLOCK_SIZE]
                                            * HM_BLOCK_SIZE
                                        + code_point % HM_BLOCK_SIZE];
}

/* hm_class_at for all bytes that the function below does not know at once:
 * neither ASCII nor a valid sequence of two. */
enum hm_class hm_class_of_sequence(const uint8_t *bytes, const uint8_t *end,
                                   size_t *size);

/* The class of the character at `bytes`, of which there is at least one byte
 * before `end`; *size is set to its length in bytes. A byte that begins no
 * valid UTF-8 sequence is a character of its own, of class HM_OTHER. */
static inline enum hm_class hm_class_at(const uint8_t *bytes,
                                        const uint8_t *end, size_t *size)
{
    uint8_t first = bytes[0];

    if (first < 0x80) {
        *size = 1;
        return (enum hm_class)hm_class_in_block[first];
    }
    if (first >= 0xC2 && first < 0xE0 && end - bytes >= 2
        && (bytes[1] & 0xC0) == 0x80) {
        *size = 2;
        return hm_class_of((first & 0x1Fu) << 6 | (bytes[1] & 0x3Fu));
    }
    if (first > 0xE0 && first < 0xED && end - bytes >= 3
        && (bytes[1] & 0xC0) == 0x80 && (bytes[2] & 0xC0) == 0x80) {
        *size = 3;
        return hm_class_of((first & 0x0Fu) << 12 | (bytes[1] & 0x3Fu) << 6
                           | (bytes[2] & 0x3Fu));
    }
    return hm_class_of_sequence(bytes, end, size);
}

/* Whether the character at `bytes`, as above, is white space of any kind. */
static inline int hm_space_at(const uint8_t *bytes, const uint8_t *end,
                              size_t *size)
{
    enum hm_class class = hm_class_at(bytes, end, size);

    return class == HM_SPACE || class == HM_NEWLINE;
}

/* How many of the bytes, from the first, are whole valid characters. If what
 * follows them can't become one, *error_length is set to the length of the
 * longest part of it that could have begun one (1 to 3), and otherwise to 0:
 * all is valid, or what follows may still be completed. */
size_t hm_utf8_valid(const uint8_t *bytes, size_t length, size_t *error_length);

/* U+FFFD, the replacement character, as UTF-8. */
#define HM_REPLACEMENT "\xEF\xBF\xBD"
#define HM_REPLACEMENT_LENGTH 3

#endif
