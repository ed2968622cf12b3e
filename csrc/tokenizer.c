/*
 * Other vocabularies: merging alone, without the pattern that splits a text and
 * without special tokens.
 */
#include "harmony.h"

#include <stdlib.h>

#include "error.h"
#include "pieces.h"

struct harmony_vocabulary {
    hm_vocabulary own;
};

harmony_status harmony_vocabulary_new(const void *file, size_t size,
                                      harmony_vocabulary **out,
                                      harmony_error *error)
{
    harmony_vocabulary *vocabulary = calloc(1, sizeof *vocabulary);
    harmony_status status;

    *out = NULL;
    if (vocabulary == NULL)
        return hm_fail(error, HARMONY_NO_MEMORY, -1,
                       "no memory for the vocabulary");
    status = hm_vocabulary_load(&vocabulary->own, file, size, error);
    if (status == HARMONY_OK && vocabulary->own.merges == NULL)
        status = hm_find_merges(&vocabulary->own, error);
    if (status != HARMONY_OK) {
        harmony_vocabulary_free(vocabulary);
        return status;
    }
    *out = vocabulary;
    return HARMONY_OK;
}

void harmony_vocabulary_free(harmony_vocabulary *vocabulary)
{
    if (vocabulary == NULL)
        return;
    hm_vocabulary_free(&vocabulary->own);
    free(vocabulary);
}

int32_t harmony_vocabulary_size(const harmony_vocabulary *vocabulary)
{
    return vocabulary->own.size;
}

const char *harmony_vocabulary_token(const harmony_vocabulary *vocabulary,
                                     int32_t rank, size_t *length)
{
    const uint8_t *bytes;

    *length = 0;
    if (rank < 0 || rank >= vocabulary->own.size)
        return NULL;
    bytes = hm_token(&vocabulary->own, rank, length);
    return *length > 0 ? (const char *)bytes : NULL;
}

harmony_status harmony_vocabulary_encode(const harmony_vocabulary *vocabulary,
                                         const char *text, size_t length,
                                         const int32_t *ends,
                                         size_t piece_count, int32_t *tokens,
                                         size_t capacity, size_t *count,
                                         harmony_error *error)
{
    hm_tokens out = {tokens, capacity, 0};
    int32_t start = 0;
    size_t i;

    *count = 0;
    for (i = 0; i < piece_count; start = ends[i++]) {
        if (ends[i] < start || (size_t)ends[i] > length)
            return hm_fail(error, HARMONY_BAD_ARGUMENT, (int64_t)i,
                           "a piece ends before it begins, or behind the text");
        if (ends[i] > start
            && !hm_encode_piece(&vocabulary->own, (const uint8_t *)text + start,
                                (size_t)(ends[i] - start), &out))
            return hm_no_memory_to_merge(error);
    }
    return hm_counted(&out, count, error);
}
