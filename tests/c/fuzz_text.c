/*
 * libFuzzer on text: the first byte chooses what spells a special token, the
 * second how much room there is, the rest is the text. Whatever the bytes, they
 * come back; a cache, and what it has seen before, makes no difference; and
 * nothing is written beyond the room.
 */
#include "fuzz.h"

static const int32_t specials[] = {
    HARMONY_TOKEN_START,
    HARMONY_TOKEN_END,
    HARMONY_TOKEN_MESSAGE,
    HARMONY_TOKEN_CHANNEL,
    HARMONY_TOKEN_CALL,
    200013,
    200000,
    -1,
};

struct text {
    char *bytes;
    size_t length;
    size_t allowed; /* of the specials, from the first */
};

static harmony_status encode(const struct text *text, harmony_cache *cache,
                             int32_t *tokens, size_t capacity, size_t *count)
{
    return harmony_encode(fuzz_encoding(), cache, text->bytes, text->length,
                          specials, text->allowed, tokens, capacity, count,
                          NULL);
}

/* With the cache, the same tokens, also when it has seen them all; with less
 * room, the same number, with the cache or without. */
static void check_encode(const struct text *text, const int32_t *tokens,
                         size_t count, size_t room_for)
{
    harmony_cache *cache = room_for % 2 == 0 ? fuzz_cache() : NULL;
    int32_t *again, turn;
    size_t found;

    for (turn = 0; turn < 2; turn++) {
        again = room(count * sizeof *again);
        fuzz_require(encode(text, fuzz_cache(), again, count, &found)
                             == HARMONY_OK
                         && found == count
                         && memcmp(again, tokens, count * sizeof *tokens) == 0,
                     "the same tokens");
        free(again);
    }
    again = room(room_for * sizeof *again);
    fuzz_require(
        encode(text, cache, again, room_for, &found)
                == (count > room_for ? HARMONY_SHORT_BUFFER : HARMONY_OK)
            && found == count,
        "the same number of tokens");
    free(again);
}

static void check_decode(const struct text *text, const int32_t *tokens,
                         size_t count, size_t room_for)
{
    char *back = room(text->length), *less = room(room_for);
    size_t length;

    fuzz_require(harmony_decode(fuzz_encoding(), tokens, count, back,
                                text->length, &length, NULL)
                         == HARMONY_OK
                     && length == text->length
                     && memcmp(back, text->bytes, length) == 0,
                 "the bytes come back");
    fuzz_require(
        harmony_decode(fuzz_encoding(), tokens, count, less, room_for, &length,
                       NULL)
                == (text->length > room_for ? HARMONY_SHORT_BUFFER : HARMONY_OK)
            && length == text->length,
        "the same number of bytes");
    free(less);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    struct text text;
    size_t room_for, count;
    int32_t *tokens, *exact;

    text.allowed = fuzz_byte(&input) % (sizeof specials / sizeof *specials + 1);
    room_for = fuzz_byte(&input);
    text.length = (size_t)(input.end - input.at);
    text.bytes = exact_copy(input.at, text.length);
    tokens = room(text.length * sizeof *tokens);
    fuzz_require(encode(&text, NULL, tokens, text.length, &count) == HARMONY_OK,
                 "there are never more tokens than bytes");
    exact = exact_copy(tokens, count * sizeof *tokens);
    free(tokens);
    check_encode(&text, exact, count, room_for);
    check_decode(&text, exact, count, room_for);
    free(exact);
    free(text.bytes);
    return 0;
}
