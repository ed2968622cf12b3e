/*
 * The shortest way into the library for Python, beside harmony.h. It is part of
 * the extension module and not of libharmony; cffi reads this text too.
 */
#ifndef HARMONY_PYTHON_H
#define HARMONY_PYTHON_H

#include "harmony.h"

/* Each argument and each result of a call costs time, so all that is needed
 * besides the text is in one struct. Fill it, and use it in one thread at a
 * time. */
typedef struct harmony_scratch {
    const harmony_encoding *encoding;
    harmony_cache *cache;
    int32_t *tokens;
    size_t capacity;
    harmony_error error;
} harmony_scratch;

/* Encode text that allows no special token into the scratch. The number of
 * tokens, or -1 and an error in the scratch. */
int64_t harmony_scratch_encode(harmony_scratch *scratch, const char *text,
                               size_t length);

#endif
