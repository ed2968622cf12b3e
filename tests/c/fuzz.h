/*
 * What the fuzz targets share. The vocabulary's path is in HARMONY_VOCABULARY.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "harmony.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

/* What a fuzzer, or replay.c, calls for each input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One encoding for all inputs, and a cache of it that all of them fill. */
const harmony_encoding *fuzz_encoding(void);
harmony_cache *fuzz_cache(void);

/* End the program, and say why, unless it holds. */
void fuzz_require(int holds, const char *what);

/* The next number of the input, 0 where it has ended. */
typedef struct fuzz_input {
    const uint8_t *at;
    const uint8_t *end;
} fuzz_input;

uint8_t fuzz_byte(fuzz_input *input);

/* Bytes as tokens; their number, which is at most `size`. A byte below 224 is
 * one of a table of tokens that matter, any other takes four more bytes, for
 * any int32. */
size_t fuzz_tokens(const uint8_t *data, size_t size, int32_t *tokens);

#endif
