/*
 * One piece to tokens, by byte-pair merging.
 */
#ifndef HM_BPE_H
#define HM_BPE_H

#include "vocabulary.h"

/* Where tokens go: up to `capacity` of them are kept, all are counted. */
typedef struct hm_tokens {
    int32_t *tokens;
    size_t capacity;
    size_t count;
} hm_tokens;

static inline void hm_push(hm_tokens *tokens, int32_t token)
{
    if (tokens->count < tokens->capacity)
        tokens->tokens[tokens->count] = token;
    tokens->count++;
}

/* Add the tokens of a piece that is no token itself. 0 if there is no memory
 * for it: only a piece of more than some hundred bytes needs any. */
int hm_bpe(const hm_vocabulary *vocabulary, const uint8_t *piece, size_t length,
           hm_tokens *tokens);

/* A piece of up to HM_FEW bytes, room for a token a byte, and, once merged, how
 * many there are. */
#define HM_FEW 60

typedef struct hm_piece {
    const uint8_t *bytes;
    size_t length;
    int32_t *tokens;
    size_t count;
} hm_piece;

/* Merge some pieces side by side: while one waits for memory, others go on. */
void hm_bpe_together(const hm_vocabulary *vocabulary, hm_piece *const *pieces,
                     size_t count);

/* Find the merges of a vocabulary that was read without them.
 * Errors: HARMONY_BAD_VOCABULARY, HARMONY_NO_MEMORY. */
harmony_status hm_find_merges(hm_vocabulary *vocabulary, harmony_error *error);

#endif
