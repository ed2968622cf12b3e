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
    HM_OTHER,   /* none of those below */
    HM_UPPER,   /* \p{Lu} \p{Lt} */
    HM_LOWER,   /* \p{Ll} */
    HM_LETTER,  /* \p{Lm} \p{Lo}: letters without case */
    HM_MARK,    /* \p{M} */
    HM_NUMBER,  /* \p{N} */
    HM_SPACE,   /* \s but for the next two */
    HM_NEWLINE  /* \r \n */
};

/* The class of the character at `bytes`, of which there is at least one byte
 * before `end`; *size is set to its length in bytes. A byte that begins no
 * valid UTF-8 sequence is a character of its own, of class HM_OTHER. */
enum hm_class hm_class_at(const uint8_t *bytes, const uint8_t *end,
                          size_t *size);

/* How many of the bytes, from the first, are whole valid characters. If what
 * follows them can't become one, *error_length is set to the length of the
 * longest part of it that could have begun one (1 to 3), and otherwise to 0:
 * all is valid, or what follows may still be completed. */
size_t hm_utf8_valid(const uint8_t *bytes, size_t length,
                     size_t *error_length);

/* U+FFFD, the replacement character, as UTF-8. */
#define HM_REPLACEMENT "\xEF\xBF\xBD"
#define HM_REPLACEMENT_LENGTH 3

#endif
