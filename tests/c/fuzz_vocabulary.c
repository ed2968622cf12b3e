/*
 * libFuzzer on vocabulary files. The first byte chooses what the rest is: 0 a
 * whole file, as it is; 1 entries of a compact file, behind those of all single
 * bytes, and under a header that fits them; 2 lines of a .tiktoken file, behind
 * those of all single bytes. A file is refused, or is a vocabulary: each token
 * encodes to itself, and what encodes decodes to the same bytes.
 */
#include "fuzz.h"

#define HEADER 48
#define ENTRY 6
#define LONGEST 4096 /* bytes of the tokens that are encoded */

static uint8_t *compact_file(const uint8_t *entries, size_t size,
                             size_t *length)
{
    uint32_t count = 256 + (uint32_t)(size / ENTRY), byte;
    uint8_t *file;

    *length = HEADER + (size_t)ENTRY * count;
    file = room(*length);
    memset(file, 0xFF, *length);
    for (byte = 0; byte < 256; byte++) {
        file[HEADER + ENTRY * byte] = (uint8_t)byte;
        file[HEADER + ENTRY * byte + 1] = file[HEADER + ENTRY * byte + 2] = 0;
    }
    memcpy(file + HEADER + ENTRY * 256, entries, size / ENTRY * ENTRY);
    seal_compact(file, count);
    return file;
}

static char single_bytes[256 * LINE_ROOM(1)];

/* The lines of all single bytes; written once, for it takes long. */
static size_t write_single_bytes(void)
{
    static size_t length;
    char *to = single_bytes;
    int32_t byte;

    for (byte = 0; byte < 256 && length == 0; byte++) {
        char c = (char)byte;

        to = write_line(to, &c, 1, byte, "\n");
    }
    if (length == 0)
        length = (size_t)(to - single_bytes);
    return length;
}

static uint8_t *tiktoken_file(const uint8_t *lines, size_t size, size_t *length)
{
    size_t before = write_single_bytes();
    uint8_t *file = room(before + size);

    memcpy(file, single_bytes, before);
    memcpy(file + before, lines, size);
    *length = before + size;
    return file;
}

/* Encode one piece; the tokens joined are its bytes again. Their number. */
static size_t check_piece(const harmony_vocabulary *vocabulary,
                          const char *piece, size_t length, int32_t *tokens)
{
    const int32_t end = (int32_t)length;
    size_t count, i, at = 0;

    fuzz_require(harmony_vocabulary_encode(vocabulary, piece, length, &end, 1,
                                           tokens, length, &count, NULL)
                     == HARMONY_OK,
                 "any bytes are encoded");
    for (i = 0; i < count; i++) {
        size_t size;
        const char *token
            = harmony_vocabulary_token(vocabulary, tokens[i], &size);

        fuzz_require(token != NULL && size <= length - at
                         && memcmp(token, piece + at, size) == 0,
                     "the bytes come back");
        at += size;
    }
    fuzz_require(at == length, "all bytes come back");
    return count;
}

static void check_vocabulary(const harmony_vocabulary *vocabulary,
                             const uint8_t *data, size_t size)
{
    int32_t tokens[LONGEST], rank;
    size_t length;

    for (rank = 0; rank < harmony_vocabulary_size(vocabulary) && rank < LONGEST;
         rank++) {
        const char *token = harmony_vocabulary_token(vocabulary, rank, &length);

        fuzz_require((token != NULL) == (length > 0), "a token has bytes");
        if (token == NULL || length > LONGEST)
            continue;
        fuzz_require(check_piece(vocabulary, token, length, tokens) == 1
                         && *tokens == rank,
                     "a token encodes to itself");
    }
    if (size > 0 && size <= LONGEST)
        check_piece(vocabulary, (const char *)data, size, tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    int kind = fuzz_byte(&input) % 3;
    size_t left = (size_t)(input.end - input.at), length = left;
    uint8_t *file = kind == 0   ? exact_copy(input.at, left)
                    : kind == 1 ? compact_file(input.at, left, &length)
                                : tiktoken_file(input.at, left, &length);
    harmony_vocabulary *vocabulary;
    harmony_encoding *encoding;
    harmony_error error;
    harmony_status status
        = harmony_vocabulary_new(file, length, &vocabulary, &error);

    fuzz_require((vocabulary != NULL) == (status == HARMONY_OK),
                 "there is one, or NULL");
    fuzz_require(status == HARMONY_OK || error.status == status,
                 "the error is filled");
    if (status == HARMONY_OK)
        check_vocabulary(vocabulary, input.at, left);
    harmony_vocabulary_free(vocabulary);
    fuzz_require(harmony_encoding_new(file, length, &encoding, NULL)
                         != HARMONY_OK
                     && encoding == NULL,
                 "another vocabulary makes no encoding");
    free(file);
    return 0;
}
