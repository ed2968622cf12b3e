/*
 * Text to pieces, by the o200k pattern.
 */
#ifndef HM_PRETOKENIZE_H
#define HM_PRETOKENIZE_H

#include <stddef.h>
#include <stdint.h>

/* Where the piece ends that starts at `start`, which is less than `length`.
 * Pieces follow one another without gaps: the end of one is the start of the
 * next. */
size_t hm_piece_end(const uint8_t *text, size_t length, size_t start);

#endif
