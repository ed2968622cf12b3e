/*
 * What Python does most often, with as few arguments and results as can be.
 */
#include "python.h"

int64_t harmony_scratch_encode(harmony_scratch *scratch, const char *text,
                               size_t length)
{
    size_t count;

    if (harmony_encode(scratch->encoding, scratch->cache, text, length, NULL, 0,
                       scratch->tokens, scratch->capacity, &count,
                       &scratch->error)
        != HARMONY_OK)
        return -1;
    return (int64_t)count;
}
