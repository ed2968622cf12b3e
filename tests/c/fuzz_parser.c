/*
 * libFuzzer on the parser: the first byte chooses the role, the rest are
 * tokens. A byte below 224 is one of a table of tokens that matter, any other
 * takes four more bytes, for any int32. The vocabulary's path is in
 * HARMONY_VOCABULARY.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guarantees.h"
#include "support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TABLE 224

static const char *const texts[] = {
    "assistant", "user", "tool", "system", "developer", "analysis",
    "commentary", "final", " to=", "to=", "functions.f", "functions", ".f",
    " json", "json", "{\"a\":1}", "{", " ", "\n", "  ", "Hello", " there", ".",
    "é", "😀", "\xC2\xA0", "<", ">", "|>", "<|", "channel", ":", "bob", "python",
    " code", "_", "-", "!", "?", "all", "=", "to", " assistant", "name", "42",
};
#define TEXTS (sizeof texts / sizeof *texts)

static harmony_encoding *encoding;
static int32_t table[TABLE];

static void make_table(void)
{
    static const int32_t special[] = {
        HARMONY_TOKEN_START, HARMONY_TOKEN_CHANNEL, HARMONY_TOKEN_MESSAGE,
        HARMONY_TOKEN_END, HARMONY_TOKEN_CALL, HARMONY_TOKEN_RETURN,
        HARMONY_TOKEN_CONSTRAIN, HARMONY_TOKEN_ENDOFTEXT,
        HARMONY_TOKEN_STARTOFTEXT, 200013, -1, INT32_MAX, 9552, 3251,
    };
    size_t i, n = 0, count;
    int32_t token;

    for (i = 0; i < sizeof special / sizeof *special; i++)
        table[n++] = special[i];
    for (i = 0; i < TEXTS && n < TABLE; i++) {
        harmony_encode(encoding, NULL, texts[i], strlen(texts[i]), NULL, 0,
                       table + n, TABLE - n, &count, NULL);
        n += count < TABLE - n ? count : TABLE - n;
    }
    for (token = 128; n < TABLE; token++)
        table[n++] = token;
}

static void load(void)
{
    const char *path = getenv("HARMONY_VOCABULARY");
    size_t size;
    char *file = read_file(path != NULL ? path : "o200k_base.vocabulary", &size);

    if (harmony_encoding_new(file, size, &encoding, NULL) != HARMONY_OK)
        abort();
    free(file);
    make_table();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int32_t *tokens;
    size_t i, count = 0;
    const char *broken;

    if (encoding == NULL)
        load();
    if (size == 0)
        return 0;
    tokens = room(size * sizeof *tokens);
    for (i = 1; i < size; i++) {
        if (data[i] < TABLE) {
            tokens[count++] = table[data[i]];
        } else if (size - i > 4) {
            memcpy(tokens + count++, data + i + 1, 4);
            i += 4;
        }
    }
    broken = broken_guarantee(encoding, data[0] % 6 - 1, tokens, count,
                              size + data[0]);
    free(tokens);
    if (broken != NULL) {
        fprintf(stderr, "%s\n", broken);
        abort();
    }
    return 0;
}
