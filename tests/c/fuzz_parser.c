/*
 * libFuzzer on the parser: the first byte chooses the role, the rest are
 * tokens. A byte below 224 is one of a table of tokens that matter, any other
 * takes four more bytes, for any int32.
 */
#include "fuzz.h"
#include "guarantees.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int32_t *tokens;
    size_t i, count = 0;
    const char *broken;

    if (table[0] == 0)
        make_table();
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
    broken = broken_guarantee(fuzz_encoding(), data[0] % 6 - 1, tokens, count,
                              size + data[0]);
    free(tokens);
    fuzz_require(broken == NULL, broken);
    return 0;
}
