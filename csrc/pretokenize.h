/*
 * Text to pieces, by the o200k pattern.
 */
#ifndef HM_PRETOKENIZE_H
#define HM_PRETOKENIZE_H

#include <stddef.h>
#include <stdint.h>

size_t hm_split(const uint8_t *text, size_t length, size_t start,
                uint32_t *ends, size_t room);

#endif
