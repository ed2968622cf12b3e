/*
 * Pieces to tokens: a piece is one token, or is merged from bytes; a cache
 * remembers those of before.
 */
#ifndef HM_PIECES_H
#define HM_PIECES_H

#include "bpe.h"

/* Pieces that are encoded in one go. */
#define HM_PIECES 2048

/* The encoding that a cache belongs to. */
const harmony_encoding *hm_cache_owner(const harmony_cache *cache);

/* Add the tokens of one piece. 0 if there is no memory. */
int hm_encode_piece(const hm_vocabulary *vocabulary, const uint8_t *piece,
                    size_t length, hm_tokens *out);

/* Add the tokens of up to HM_PIECES pieces of a text of `length` bytes: piece i
 * goes from bounds[i] to bounds[i + 1]. `cache` may be NULL. 0 if there is no
 * memory. */
int hm_encode_pieces(const hm_vocabulary *vocabulary, harmony_cache *cache,
                     const uint8_t *text, size_t length, const uint32_t *bounds,
                     size_t count, hm_tokens *out);

/* The status if one of these two returned 0. */
harmony_status hm_no_memory_to_merge(harmony_error *error);

/* Tell how many tokens there are, once all have been added.
 * Errors: HARMONY_SHORT_BUFFER. */
harmony_status hm_counted(const hm_tokens *tokens, size_t *count,
                          harmony_error *error);

#endif
