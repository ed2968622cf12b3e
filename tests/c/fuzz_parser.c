/*
 * libFuzzer on the parser: the first byte chooses the role, the rest are
 * tokens. Each step is checked; fuzz_stream.c does without, and is quick.
 */
#include "fuzz.h"
#include "guarantees.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int32_t *tokens;
    size_t count;
    const char *broken;

    if (size == 0)
        return 0;
    tokens = room(size * sizeof *tokens);
    count = fuzz_tokens(data + 1, size - 1, tokens);
    broken = broken_guarantee(fuzz_encoding(), data[0] % 6 - 1, tokens, count,
                              size + data[0]);
    free(tokens);
    fuzz_require(broken == NULL, broken);
    return 0;
}
