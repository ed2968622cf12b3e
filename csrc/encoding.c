/*
 * An encoding: a vocabulary and the special tokens. Text is cut at the special
 * tokens that are allowed, what lies between into pieces, and a piece is one
 * token or is merged from bytes.
 */
#include "harmony.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "pieces.h"
#include "pretokenize.h"
#include "special.h"

struct harmony_encoding {
    hm_vocabulary vocabulary;
    hm_special special;
};

/* ---- Making one -------------------------------------------------------- */

harmony_status harmony_encoding_new(const void *vocabulary, size_t size,
                                    harmony_encoding **out,
                                    harmony_error *error)
{
    harmony_encoding *encoding = calloc(1, sizeof *encoding);
    harmony_status status;

    *out = NULL;
    if (encoding == NULL)
        return hm_fail(error, HARMONY_NO_MEMORY, -1,
                       "no memory for the encoding");
    status = hm_vocabulary_load(&encoding->vocabulary, vocabulary, size, error);
    if (status == HARMONY_OK && encoding->vocabulary.size != HM_FIRST_SPECIAL) {
        status = hm_fail(error, HARMONY_BAD_VOCABULARY, -1,
                         "another vocabulary: it has ");
        hm_say_number(error, encoding->vocabulary.size);
        hm_say(error, " tokens, o200k_harmony has ");
        hm_say_number(error, HM_FIRST_SPECIAL);
    }
    if (status == HARMONY_OK && encoding->vocabulary.merges == NULL)
        status = hm_find_merges(&encoding->vocabulary, error);
    if (status != HARMONY_OK) {
        harmony_encoding_free(encoding);
        return status;
    }
    hm_spell_special(&encoding->special);
    *out = encoding;
    return HARMONY_OK;
}

void harmony_encoding_free(harmony_encoding *encoding)
{
    if (encoding == NULL)
        return;
    hm_vocabulary_free(&encoding->vocabulary);
    free(encoding);
}

int32_t harmony_encoding_size(const harmony_encoding *encoding)
{
    return encoding->vocabulary.size;
}

/* ---- Text to tokens ---------------------------------------------------- */

/* 0 if there is no memory. */
static int encode_ordinary(const hm_vocabulary *vocabulary,
                           harmony_cache *cache, const uint8_t *text,
                           size_t length, hm_tokens *tokens)
{
    uint32_t bounds[HM_PIECES + 1];

    bounds[0] = 0;
    while (bounds[0] < length) {
        size_t count = hm_split(text, length, bounds[0], bounds + 1, HM_PIECES);

        if (!hm_encode_pieces(vocabulary, cache, text, length, bounds, count,
                              tokens))
            return 0;
        bounds[0] = bounds[count];
    }
    return 1;
}

/* The first special token from `start` on that is among the allowed ones. */
static int32_t find_allowed(const char *text, size_t length, size_t start,
                            const int32_t *allowed, size_t allowed_count,
                            size_t *position, size_t *token_length)
{
    int32_t token;
    size_t i;

    for (;; start = *position + 1) {
        token = harmony_find_special_token(text, length, start, position,
                                           token_length);
        if (token == HARMONY_NO_TOKEN)
            return token;
        for (i = 0; i < allowed_count; i++)
            if (allowed[i] == token)
                return token;
    }
}

harmony_status harmony_encode(const harmony_encoding *encoding,
                              harmony_cache *cache, const char *text,
                              size_t length, const int32_t *allowed,
                              size_t allowed_count, int32_t *tokens,
                              size_t capacity, size_t *count,
                              harmony_error *error)
{
    hm_tokens out = {tokens, capacity, 0};
    size_t start = 0, position = length, token_length = 0;

    *count = 0;
    if (length > INT32_MAX)
        return hm_fail(error, HARMONY_TOO_LARGE, -1, "a text of 2 GiB or more");
    if (cache != NULL && hm_cache_owner(cache) != encoding)
        return hm_fail(error, HARMONY_BAD_ARGUMENT, -1,
                       "the cache is that of another encoding");
    while (start < length) {
        int32_t token = HARMONY_NO_TOKEN;

        if (allowed_count > 0)
            token = find_allowed(text, length, start, allowed, allowed_count,
                                 &position, &token_length);
        if (!encode_ordinary(&encoding->vocabulary, cache,
                             (const uint8_t *)text + start, position - start,
                             &out))
            return hm_no_memory_to_merge(error);
        if (token != HARMONY_NO_TOKEN)
            hm_push(&out, token);
        start = position + token_length;
    }
    return hm_counted(&out, count, error);
}

/* ---- Tokens to text ---------------------------------------------------- */

const char *harmony_token_bytes(const harmony_encoding *encoding, int32_t token,
                                size_t *length)
{
    const char *special;

    *length = 0;
    if (token >= 0 && token < encoding->vocabulary.size) {
        const uint8_t *bytes = hm_token(&encoding->vocabulary, token, length);

        return *length > 0 ? (const char *)bytes : NULL;
    }
    if (!harmony_is_special_token(token))
        return NULL;
    special = encoding->special.text[token - HM_FIRST_SPECIAL];
    *length = strlen(special);
    return special;
}

/* The bytes of an ordinary token, of which COPIED can be read; NULL for all
 * other ids. */
static const uint8_t *ordinary_token(const harmony_encoding *encoding,
                                     int32_t token, size_t *length)
{
    if (token < 0 || token >= encoding->vocabulary.size)
        return NULL;
    return hm_token(&encoding->vocabulary, token, length);
}

/* Bytes that are copied at once, of tokens that are no longer than that. */
#define COPIED HM_TOKEN_SLACK

harmony_status harmony_decode(const harmony_encoding *encoding,
                              const int32_t *tokens, size_t token_count,
                              char *bytes, size_t capacity, size_t *length,
                              harmony_error *error)
{
    size_t i, size, at = 0;

    *length = 0;
    for (i = 0; i < token_count; i++) {
        const void *token = ordinary_token(encoding, tokens[i], &size);

        if (token != NULL && size <= COPIED && size > 0 && at <= capacity
            && capacity - at >= COPIED) {
            memcpy(bytes + at, token, COPIED);
            at += size;
            continue;
        }
        token = harmony_token_bytes(encoding, tokens[i], &size);
        if (token == NULL) {
            hm_fail(error, HARMONY_UNKNOWN_TOKEN, (int64_t)i,
                    "Invalid token for decoding: ");
            hm_say_number(error, tokens[i]);
            return HARMONY_UNKNOWN_TOKEN;
        }
        if (size > SIZE_MAX - at) /* GCOVR_EXCL_START: with 32 bits alone */
            return hm_fail(error, HARMONY_TOO_LARGE, -1,
                           "more bytes than there can be memory for");
        /* GCOVR_EXCL_STOP */
        if (at <= capacity && size <= capacity - at)
            memcpy(bytes + at, token, size);
        at += size;
    }
    *length = at;
    if (at > capacity)
        return hm_fail(error, HARMONY_SHORT_BUFFER, -1,
                       "there are more bytes than the buffer has room for");
    return HARMONY_OK;
}
