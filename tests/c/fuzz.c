#include "fuzz.h"

#include <stdio.h>

static harmony_encoding *encoding;
static harmony_cache *cache;

const harmony_encoding *fuzz_encoding(void)
{
    const char *path;
    size_t size;
    char *file;

    if (encoding != NULL)
        return encoding;
    path = getenv("HARMONY_VOCABULARY");
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

/* ---- Tokens -------------------------------------------------------------- */

#define TABLE 224

static const char *const texts[] = {
    "assistant",  "user",     "tool",  "system",    "developer",   "analysis",
    "commentary", "final",    " to=",  "to=",       "functions.f", "functions",
    ".f",         " json",    "json",  "{\"a\":1}", "{",           " ",
    "\n",         "  ",       "Hello", " there",    ".",           "é",
    "😀",         "\xC2\xA0", "<",     ">",         "|>",          "<|",
    "channel",    ":",        "bob",   "python",    " code",       "_",
    "-",          "!",        "?",     "all",       "=",           "to",
    " assistant", "name",     "42",
};
#define TEXTS (sizeof texts / sizeof *texts)

static int32_t table[TABLE];

static void make_table(void)
{
    static const int32_t special[] = {
        HARMONY_TOKEN_START,
        HARMONY_TOKEN_CHANNEL,
        HARMONY_TOKEN_MESSAGE,
        HARMONY_TOKEN_END,
        HARMONY_TOKEN_CALL,
        HARMONY_TOKEN_RETURN,
        HARMONY_TOKEN_CONSTRAIN,
        HARMONY_TOKEN_ENDOFTEXT,
        HARMONY_TOKEN_STARTOFTEXT,
        200013,
        -1,
        INT32_MAX,
        9552,
        3251,
    };
    size_t i, n = 0, count;
    int32_t token;

    for (i = 0; i < sizeof special / sizeof *special; i++)
        table[n++] = special[i];
    for (i = 0; i < TEXTS && n < TABLE; i++) {
        harmony_encode(fuzz_encoding(), NULL, texts[i], strlen(texts[i]), NULL,
                       0, table + n, TABLE - n, &count, NULL);
        n += count < TABLE - n ? count : TABLE - n;
    }
    for (token = 128; n < TABLE; token++)
        table[n++] = token;
}

size_t fuzz_tokens(const uint8_t *data, size_t size, int32_t *tokens)
{
    size_t i, count = 0;

    if (table[0] == 0)
        make_table();
    for (i = 0; i < size; i++) {
        if (data[i] < TABLE) {
            tokens[count++] = table[data[i]];
        } else if (size - i > 4) {
            memcpy(tokens + count++, data + i + 1, 4);
            i += 4;
        }
    }
    return count;
}
