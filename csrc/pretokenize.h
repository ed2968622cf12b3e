/*
 * Text to pieces, by the o200k pattern.
 */
#ifndef HM_PRETOKENIZE_H
#define HM_PRETOKENIZE_H

#include <stddef.h>
#include <stdint.h>

/* The least room for hm_split. */
#define HM_SPLIT_ROOM 64

/* Split text from `start` on, which is less than `length`: ends[i] is where
 * piece i ends, and the next begins there. Returns the number of pieces, at
 * least one; it stops where there may be no room for more. */
size_t hm_split(const uint8_t *text, size_t length, size_t start,
                uint32_t *ends, size_t room);

#endif
