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

#define FIRST_SPECIAL HARMONY_TOKEN_STARTOFTEXT
#define FIRST_RESERVED 200000
#define SPECIAL_COUNT (HARMONY_TOKEN_LIMIT - FIRST_SPECIAL)
#define SPECIAL_ROOM 20 /* "<|reserved_201088|>" and a NUL */

struct harmony_encoding {
    hm_vocabulary vocabulary;
    char special[SPECIAL_COUNT][SPECIAL_ROOM];
};

static const struct {
    int32_t token;
    const char *text;
} named_tokens[] = {
    {HARMONY_TOKEN_STARTOFTEXT, "<|startoftext|>"},
    {HARMONY_TOKEN_ENDOFTEXT, "<|endoftext|>"},
    {HARMONY_TOKEN_RETURN, "<|return|>"},
    {HARMONY_TOKEN_CONSTRAIN, "<|constrain|>"},
    {HARMONY_TOKEN_CHANNEL, "<|channel|>"},
    {HARMONY_TOKEN_START, "<|start|>"},
    {HARMONY_TOKEN_END, "<|end|>"},
    {HARMONY_TOKEN_MESSAGE, "<|message|>"},
    {HARMONY_TOKEN_CALL, "<|call|>"},
};

#define NAMED_COUNT (sizeof named_tokens / sizeof *named_tokens)

static const char reserved_prefix[] = "<|reserved_";
#define RESERVED_DIGITS 6
#define RESERVED_LENGTH (sizeof reserved_prefix - 1 + RESERVED_DIGITS + 2)

/* ---- Special tokens ---------------------------------------------------- */

static void spell_special_tokens(harmony_encoding *encoding)
{
    int32_t token;
    size_t i;

    for (token = FIRST_RESERVED; token < HARMONY_TOKEN_LIMIT; token++) {
        char *text = encoding->special[token - FIRST_SPECIAL];
        char *at = text + RESERVED_LENGTH - 3;
        int32_t rest = token;

        memcpy(text, reserved_prefix, sizeof reserved_prefix - 1);
        for (i = 0; i < RESERVED_DIGITS; i++, rest /= 10)
            *at-- = (char)('0' + rest % 10);
        memcpy(text + RESERVED_LENGTH - 2, "|>", 3);
    }
    for (i = 0; i < NAMED_COUNT; i++)
        strcpy(encoding->special[named_tokens[i].token - FIRST_SPECIAL],
               named_tokens[i].text);
}

static int is_named(int32_t token)
{
    size_t i;

    for (i = 0; i < NAMED_COUNT; i++)
        if (named_tokens[i].token == token)
            return 1;
    return 0;
}

/* The id of the reserved token that the text begins with, or no token. */
static int32_t reserved_token(const char *text, size_t length)
{
    const char *digits = text + sizeof reserved_prefix - 1;
    int32_t token = 0;
    int i;

    if (length < RESERVED_LENGTH
        || memcmp(text, reserved_prefix, sizeof reserved_prefix - 1) != 0
        || memcmp(digits + RESERVED_DIGITS, "|>", 2) != 0)
        return HARMONY_NO_TOKEN;
    for (i = 0; i < RESERVED_DIGITS; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return HARMONY_NO_TOKEN;
        token = 10 * token + (digits[i] - '0');
    }
    if (token < FIRST_RESERVED || token >= HARMONY_TOKEN_LIMIT
        || is_named(token))
        return HARMONY_NO_TOKEN;
    return token;
}

/* The id of the special token that the text begins with, or no token. No
 * special token's text begins another's, so there is at most one. */
static int32_t special_token_at(const char *text, size_t length,
                                size_t *token_length)
{
    size_t i;

    for (i = 0; i < NAMED_COUNT; i++) {
        *token_length = strlen(named_tokens[i].text);
        if (*token_length <= length
            && memcmp(text, named_tokens[i].text, *token_length) == 0)
            return named_tokens[i].token;
    }
    *token_length = RESERVED_LENGTH;
    return reserved_token(text, length);
}

int32_t harmony_find_special_token(const char *text, size_t length,
                                   size_t start, size_t *position,
                                   size_t *token_length)
{
    while (start < length) {
        const char *at = memchr(text + start, '<', length - start);
        int32_t token;

        if (at == NULL)
            break;
        start = (size_t)(at - text);
        token = special_token_at(at, length - start, token_length);
        if (token != HARMONY_NO_TOKEN) {
            *position = start;
            return token;
        }
        start++;
    }
    *position = length;
    *token_length = 0;
    return HARMONY_NO_TOKEN;
}

int harmony_is_special_token(int32_t token)
{
    return token >= FIRST_SPECIAL && token < HARMONY_TOKEN_LIMIT;
}

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
    if (status == HARMONY_OK && encoding->vocabulary.size != FIRST_SPECIAL) {
        status = hm_fail(error, HARMONY_BAD_VOCABULARY, -1,
                         "another vocabulary: it has ");
        hm_say_number(error, encoding->vocabulary.size);
        hm_say(error, " tokens, o200k_harmony has ");
        hm_say_number(error, FIRST_SPECIAL);
    }
    if (status == HARMONY_OK && encoding->vocabulary.merges == NULL)
        status = hm_find_merges(&encoding->vocabulary, error);
    if (status != HARMONY_OK) {
        harmony_encoding_free(encoding);
        return status;
    }
    spell_special_tokens(encoding);
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
    uint32_t ends[HM_PIECES];
    size_t at = 0;

    while (at < length) {
        size_t count = hm_split(text, length, at, ends, HM_PIECES);

        if (!hm_encode_pieces(vocabulary, cache, text, length, at, ends, count,
                              tokens))
            return 0;
        at = ends[count - 1];
    }
    return 1;
}

static harmony_status no_memory(harmony_error *error)
{
    return hm_fail(error, HARMONY_NO_MEMORY, -1,
                   "no memory for merging a long piece");
}

static harmony_status counted(const hm_tokens *tokens, size_t *count,
                              harmony_error *error)
{
    *count = tokens->count;
    if (tokens->count > tokens->capacity)
        return hm_fail(error, HARMONY_SHORT_BUFFER, -1,
                       "there are more tokens than the buffer has room for");
    return HARMONY_OK;
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
                              size_t length,
                              const int32_t *allowed, size_t allowed_count,
                              int32_t *tokens, size_t capacity, size_t *count,
                              harmony_error *error)
{
    hm_tokens out = {tokens, capacity, 0};
    size_t start = 0, position = length, token_length = 0;

    *count = 0;
    if (length > INT32_MAX)
        return hm_fail(error, HARMONY_TOO_LARGE, -1,
                       "a text of 2 GiB or more");
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
            return no_memory(error);
        if (token != HARMONY_NO_TOKEN)
            hm_push(&out, token);
        start = position + token_length;
    }
    return counted(&out, count, error);
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
    special = encoding->special[token - FIRST_SPECIAL];
    *length = strlen(special);
    return special;
}

/* The bytes of an ordinary token, of which COPIED can be read; NULL for all other
 * ids. */
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
        if (size > SIZE_MAX - at)
            return hm_fail(error, HARMONY_TOO_LARGE, -1,
                           "more bytes than there can be memory for");
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

/* ---- Other vocabularies ------------------------------------------------ */

struct harmony_vocabulary {
    hm_vocabulary own;
};

harmony_status harmony_vocabulary_new(const void *file, size_t size,
                                      harmony_vocabulary **out,
                                      harmony_error *error)
{
    harmony_vocabulary *vocabulary = calloc(1, sizeof *vocabulary);
    harmony_status status;

    *out = NULL;
    if (vocabulary == NULL)
        return hm_fail(error, HARMONY_NO_MEMORY, -1,
                       "no memory for the vocabulary");
    status = hm_vocabulary_load(&vocabulary->own, file, size, error);
    if (status == HARMONY_OK && vocabulary->own.merges == NULL)
        status = hm_find_merges(&vocabulary->own, error);
    if (status != HARMONY_OK) {
        harmony_vocabulary_free(vocabulary);
        return status;
    }
    *out = vocabulary;
    return HARMONY_OK;
}

void harmony_vocabulary_free(harmony_vocabulary *vocabulary)
{
    if (vocabulary == NULL)
        return;
    hm_vocabulary_free(&vocabulary->own);
    free(vocabulary);
}

int32_t harmony_vocabulary_size(const harmony_vocabulary *vocabulary)
{
    return vocabulary->own.size;
}

const char *harmony_vocabulary_token(const harmony_vocabulary *vocabulary,
                                     int32_t rank, size_t *length)
{
    const uint8_t *bytes;

    *length = 0;
    if (rank < 0 || rank >= vocabulary->own.size)
        return NULL;
    bytes = hm_token(&vocabulary->own, rank, length);
    return *length > 0 ? (const char *)bytes : NULL;
}

harmony_status harmony_vocabulary_encode(const harmony_vocabulary *vocabulary,
                                         const char *text, size_t length,
                                         const int32_t *ends,
                                         size_t piece_count, int32_t *tokens,
                                         size_t capacity, size_t *count,
                                         harmony_error *error)
{
    hm_tokens out = {tokens, capacity, 0};
    int32_t start = 0;
    size_t i;

    *count = 0;
    for (i = 0; i < piece_count; start = ends[i++]) {
        if (ends[i] < start || (size_t)ends[i] > length)
            return hm_fail(error, HARMONY_BAD_ARGUMENT, (int64_t)i,
                           "a piece ends before it begins, or behind the text");
        if (ends[i] > start
            && !hm_encode_piece(&vocabulary->own, (const uint8_t *)text + start,
                             (size_t)(ends[i] - start), &out))
            return no_memory(error);
    }
    return counted(&out, count, error);
}
