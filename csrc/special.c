/*
 * Special tokens: how they are spelled, and where a text spells one.
 */
#include "special.h"

#include <string.h>

#define FIRST_RESERVED 200000

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

void hm_spell_special(hm_special *special)
{
    int32_t token;
    size_t i;

    for (token = FIRST_RESERVED; token < HARMONY_TOKEN_LIMIT; token++) {
        char *text = special->text[token - HM_FIRST_SPECIAL];
        char *at = text + RESERVED_LENGTH - 3;
        int32_t rest = token;

        memcpy(text, reserved_prefix, sizeof reserved_prefix - 1);
        for (i = 0; i < RESERVED_DIGITS; i++, rest /= 10)
            *at-- = (char)('0' + rest % 10);
        memcpy(text + RESERVED_LENGTH - 2, "|>", 3);
    }
    for (i = 0; i < NAMED_COUNT; i++)
        strcpy(special->text[named_tokens[i].token - HM_FIRST_SPECIAL],
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
    return token >= HM_FIRST_SPECIAL && token < HARMONY_TOKEN_LIMIT;
}
