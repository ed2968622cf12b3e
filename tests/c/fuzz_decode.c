/*
 * libFuzzer on tokens to text: the first byte says how much room there is, the
 * rest are tokens, any int32 among them. Unknown ids are refused, with their
 * place; all others give the bytes of each, joined; and text that is encoded
 * from these bytes gives them back.
 */
#include "fuzz.h"

/* The bytes of all tokens, one by one, in new memory; NULL if one is unknown,
 * whose place is then *length. */
static char *slowly(const int32_t *tokens, size_t count, size_t *length)
{
    char *bytes = room(count * 128 + 1); /* no token is longer */
    size_t i, size, at = 0;

    for (i = 0; i < count; i++) {
        const char *token
            = harmony_token_bytes(fuzz_encoding(), tokens[i], &size);

        fuzz_require((token != NULL) == (size > 0), "a token has bytes");
        if (token == NULL) {
            free(bytes);
            *length = i;
            return NULL;
        }
        memcpy(bytes + at, token, size);
        at += size;
    }
    *length = at;
    return bytes;
}

static void check_room(const int32_t *tokens, size_t count, const char *bytes,
                       size_t length, size_t capacity)
{
    char *found = room(capacity);
    size_t size;
    harmony_status status = harmony_decode(fuzz_encoding(), tokens, count,
                                           found, capacity, &size, NULL);

    fuzz_require(size == length, "the number of bytes");
    fuzz_require(status
                     == (length > capacity ? HARMONY_SHORT_BUFFER : HARMONY_OK),
                 "short, or not");
    fuzz_require(status != HARMONY_OK || memcmp(found, bytes, length) == 0,
                 "the bytes of each token, joined");
    free(found);
}

static void check_encode(const char *bytes, size_t length)
{
    int32_t *tokens = room(length * sizeof *tokens);
    char *back = room(length);
    size_t count, size;

    fuzz_require(harmony_encode(fuzz_encoding(), fuzz_cache(), bytes, length,
                                NULL, 0, tokens, length, &count, NULL)
                         == HARMONY_OK
                     && harmony_decode(fuzz_encoding(), tokens, count, back,
                                       length, &size, NULL)
                            == HARMONY_OK
                     && size == length && memcmp(back, bytes, length) == 0,
                 "any bytes come back");
    free(back);
    free(tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int32_t *tokens;
    size_t count, length;
    harmony_error error;
    char *bytes;

    if (size == 0)
        return 0;
    tokens = room(size * sizeof *tokens);
    count = fuzz_tokens(data + 1, size - 1, tokens);
    bytes = slowly(tokens, count, &length);
    if (bytes == NULL) {
        fuzz_require(harmony_decode(fuzz_encoding(), tokens, count, NULL, 0,
                                    &size, &error)
                             == HARMONY_UNKNOWN_TOKEN
                         && size == 0 && error.position == (int64_t)length,
                     "an unknown id is refused, with its place");
    } else {
        check_room(tokens, count, bytes, length, data[0]);
        check_room(tokens, count, bytes, length, length);
        check_encode(bytes, length);
    }
    free(bytes);
    free(tokens);
    return 0;
}
