#include "fuzz.h"

#include <stdio.h>

static harmony_encoding *encoding;
static harmony_cache *cache;

const harmony_encoding *fuzz_encoding(void)
{
    const char *path = getenv("HARMONY_VOCABULARY");
    size_t size;
    char *file;

    if (encoding != NULL)
        return encoding;
    file = read_file(path != NULL ? path : "o200k_base.vocabulary", &size);
    if (harmony_encoding_new(file, size, &encoding, NULL) != HARMONY_OK
        || harmony_cache_new(encoding, &cache, NULL) != HARMONY_OK)
        abort();
    free(file);
    return encoding;
}

harmony_cache *fuzz_cache(void)
{
    fuzz_encoding();
    return cache;
}

void fuzz_require(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

uint8_t fuzz_byte(fuzz_input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}
