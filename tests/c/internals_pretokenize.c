/*
 * Splitting many pieces at once against splitting one at a time, which
 * tests/test_encoding.py compares with tiktoken.
 */
#include "check.h"
#include "internals.h"
#include "support.h"

/* A second copy, for the part of it that takes one piece. */
#define hm_split split_again
#include "../../csrc/pretokenize.c"
#undef hm_split

size_t hm_split(const uint8_t *text, size_t length, size_t start,
                uint32_t *ends, size_t room);

#define LONGEST 400

static const char *const words[] = {
    "a",
    "b",
    "x",
    "Z",
    "HTTP",
    "foo",
    "Bar",
    "\xC3\xA9",
    "\xC3\x89",
    "\xD1\x8F",
    "\xD0\xAF",
    "\xE1\xBA\xA1",
    "\xC7\x85",
    "\xCA\xB0",
    "\xE4\xB8\xAD",
    "\xE0\xB8\x81",
    "\xE0\xB8\xB1",
    "\xCC\x81",
    "1",
    "22",
    "999",
    "1234567",
    "\xD9\xA3",
    " ",
    "  ",
    "\t",
    "\v",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "'",
    "'s",
    "'t",
    "'m",
    "'d",
    "'D",
    "'ll",
    "'re",
    "'ve",
    "'S",
    "'\xC5\xBF",
    "n't",
    "/",
    ".",
    "..",
    "!",
    "{",
    "\"",
    "-",
    "_",
    "<|",
    "\xE3\x80\x80",
    "\xC2\xA0",
    "\xF0\x9F\x98\x80",
    "\xEF\xB8\x8F",
    "\xE2\x80\x8D",
    "\xFF",
    "\x80",
    "\xE2\x82",
    "",
    "\x01",
    "\x7F",
    /* on both sides of the ranges of ASCII */
    "\x08",
    "\x0E",
    "\x1F",
    "0",
    ":",
    "@",
    "A",
    "[",
    "`",
    "z",
    /* behind "'", nearly a contraction */
    "re",
    "rl",
    "le",
    "ll",
    "ve",
    "xe",
};

#define WORDS (sizeof words / sizeof *words)

/* A text of a few of the words, again and again. */
static size_t make_text(uint64_t *seed, char *text)
{
    const char *some[8];
    size_t length = 0, wanted = random_below(seed, LONGEST - 16), size;
    uint32_t kinds = 1 + random_below(seed, 8), i;

    for (i = 0; i < kinds; i++)
        some[i] = words[random_below(seed, WORDS)];
    while (length < wanted) {
        const char *word = some[random_below(seed, kinds)];

        size = strlen(word);
        memcpy(text + length, word, size);
        length += size;
        if (size == 0)
            text[length++] = '\0';
    }
    return length;
}

static long wrong_texts;

static void try_text(const char *text, size_t length, size_t room_for)
{
    const uint8_t *exact = exact_copy(text, length);
    uint32_t ends[LONGEST];
    size_t at = 0, i;

    while (at < length) {
        size_t count = length % 2
                           ? hm_split(exact, length, at, ends, room_for)
                           : split_again(exact, length, at, ends, room_for);

        if (count == 0 || count > room_for) {
            wrong_texts++;
            break;
        }
        for (i = 0; i < count; at = ends[i++])
            if (exact + ends[i] != piece_end(exact + at, exact + length)) {
                wrong_texts++;
                break;
            }
        at = ends[count - 1];
    }
    free((void *)exact);
}

void test_pretokenize(void)
{
    char text[LONGEST];
    uint64_t seed = 64;
    int i;

    for (i = 0; i < 60000; i++)
        try_text(text, make_text(&seed, text), i % 2 ? LONGEST : HM_SPLIT_ROOM);
    CHECK_EQUAL(wrong_texts, 0);
}
