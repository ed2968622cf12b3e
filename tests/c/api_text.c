/*
 * Text to tokens and back, and special tokens.
 */
#include "api.h"

static void check_round_trip(const char *text, size_t length)
{
    id_list list = encode_bytes(text, length, NULL, 0);
    size_t back_length;
    char *back = decode_ids(list.ids, list.count, &back_length);

    CHECK_BYTES(back, back_length, text, length);
    free(back);
    free(list.ids);
}

static void test_round_trips(void)
{
    static const char *const texts[] = {
        "",
        "a",
        "hello world",
        "we'll SAY'LL don't' it'\xC5\xBFx",
        "  \n\n \t x  ",
        "1234567 12.5",
        "\xFF",
        "\xE4\xB8",
        "\xED\xA0\x80",
        "a\xF0\x9F\x98",
        "\xC2\xA0\xE3\x80\x80 x",
        "<|start|>user<|end|>",
        "<|",
        "==========",
    };
    char bytes[600];
    uint64_t seed = 21;
    size_t i, j, length;

    for (i = 0; i < sizeof texts / sizeof *texts; i++)
        check_round_trip(texts[i], strlen(texts[i]));
    for (i = 0; i < 256; i++)
        bytes[i] = (char)i;
    check_round_trip(bytes, 256);
    for (i = 0; i < 256; i++)
        check_round_trip(bytes + i, 1);
    for (i = 0; i < 500; i++) {
        uint32_t range = i % 3 ? 256 : 5;

        length = random_below(&seed, sizeof bytes);
        for (j = 0; j < length; j++)
            bytes[j] = (char)(random_below(&seed, range) + (i % 2 ? 0 : 'a'));
        check_round_trip(bytes, length);
    }
}

/* One piece much longer than a window, of each awkward kind. */
static void test_long_pieces(void)
{
    const size_t length = 40000;
    char *text = room(length);
    uint64_t seed = 22;
    size_t i;

    memset(text, 'a', length);
    check_round_trip(text, length);
    for (i = 0; i < length; i++)
        text[i] = (char)('a' + random_below(&seed, 26));
    check_round_trip(text, length);
    for (i = 0; i + 1 < length; i += 2)
        memcpy(text + i, "\xCC\x81", 2);
    check_round_trip(text, length);
    memset(text, ' ', length);
    check_round_trip(text, length);
    memset(text, '\xFF', length);
    check_round_trip(text, length);
    free(text);
}

static void test_nothing(void)
{
    size_t count = 99;

    CHECK_EQUAL(
        harmony_encode(encoding, NULL, NULL, 0, NULL, 0, NULL, 0, &count, NULL),
        HARMONY_OK);
    CHECK_EQUAL(count, 0);
    count = 99;
    CHECK_EQUAL(harmony_decode(encoding, NULL, 0, NULL, 0, &count, NULL),
                HARMONY_OK);
    CHECK_EQUAL(count, 0);
}

static void test_too_large(void)
{
    harmony_error error;
    size_t count = 99;

    CHECK_EQUAL(harmony_encode(encoding, NULL, "x", (size_t)INT32_MAX + 1, NULL,
                               0, NULL, 0, &count, &error),
                HARMONY_TOO_LARGE);
    CHECK_EQUAL(error.status, HARMONY_TOO_LARGE);
    CHECK_EQUAL(count, 0);
}

static void test_no_memory(void)
{
    const size_t length = 1000;
    char *text = room(length);
    harmony_error error;
    size_t count, wanted;

    memset(text, 'q', length);
    harmony_encode(encoding, NULL, text, length, NULL, 0, NULL, 0, &wanted,
                   NULL);
    refuse_memory(0);
    CHECK_EQUAL(harmony_encode(encoding, NULL, text, length, NULL, 0, NULL, 0,
                               &count, &error),
                HARMONY_NO_MEMORY);
    CHECK_EQUAL(error.status, HARMONY_NO_MEMORY);
    refuse_memory(REFUSE_NONE);
    harmony_encode(encoding, NULL, text, length, NULL, 0, NULL, 0, &count,
                   NULL);
    CHECK_EQUAL(count, wanted);
    free(text);
}

/* ---- Decoding ---------------------------------------------------------- */

static void test_unknown_tokens(void)
{
    static const int32_t unknown[]
        = {-1, INT32_MIN, HARMONY_TOKEN_LIMIT, 99999999, INT32_MAX};
    char bytes[100], message[100];
    harmony_error error;
    size_t i, length;

    for (i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        int32_t ids[3] = {5, 6, 0};

        ids[2] = unknown[i];
        CHECK(harmony_token_bytes(encoding, unknown[i], &length) == NULL);
        CHECK_EQUAL(length, 0);
        CHECK(!harmony_is_special_token(unknown[i]));
        CHECK_EQUAL(harmony_decode(encoding, ids, 3, bytes, sizeof bytes,
                                   &length, NULL),
                    HARMONY_UNKNOWN_TOKEN);
        CHECK_EQUAL(harmony_decode(encoding, ids, 3, NULL, 0, &length, &error),
                    HARMONY_UNKNOWN_TOKEN);
        CHECK_EQUAL(error.position, 2);
        sprintf(message, "Invalid token for decoding: %ld", (long)unknown[i]);
        CHECK_STRING(error.message, message);
    }
}

/* With 32 bits, tokens can stand for more bytes than a size_t can count. The
 * count began again at 0, and what was written was said to be all. */
static void test_too_many_bytes(void)
{
#if SIZE_MAX == UINT32_MAX
    size_t length, longest = 0, count, i;
    int32_t *ids, token, id = 0;
    harmony_error error;

    for (token = 0; token < harmony_encoding_size(encoding); token++) {
        harmony_token_bytes(encoding, token, &length);
        if (length > longest) {
            longest = length;
            id = token;
        }
    }
    count = SIZE_MAX / longest + 2;
    ids = room(count * sizeof *ids);
    for (i = 0; i < count; i++)
        ids[i] = id;
    CHECK_EQUAL(harmony_decode(encoding, ids, count, NULL, 0, &length, NULL),
                HARMONY_TOO_LARGE);
    CHECK_EQUAL(harmony_decode(encoding, ids, count, NULL, 0, &length, &error),
                HARMONY_TOO_LARGE);
    CHECK_EQUAL(error.status, HARMONY_TOO_LARGE);
    CHECK_EQUAL(length, 0);
    free(ids);
#endif
}

/* Every ordinary token that is a piece is encoded as itself; all tokens
 * together decode to all their bytes. */
static void test_every_token(void)
{
    size_t total = 0, length, back_length, at = 0;
    int32_t *ids = room(HARMONY_TOKEN_LIMIT * sizeof *ids), token;
    long wrong = 0;
    char *back;

    for (token = 0; token < HARMONY_TOKEN_LIMIT; token++) {
        ids[token] = token;
        wrong += harmony_token_bytes(encoding, token, &length) == NULL
                 || length == 0;
        wrong += harmony_is_special_token(token) != (token >= 199998);
        total += length;
    }
    back = decode_ids(ids, HARMONY_TOKEN_LIMIT, &back_length);
    CHECK_EQUAL(back_length, total);
    for (token = 0; token < HARMONY_TOKEN_LIMIT; token++) {
        const char *bytes = harmony_token_bytes(encoding, token, &length);

        wrong += memcmp(back + at, bytes, length) != 0;
        at += length;
    }
    CHECK_EQUAL(wrong, 0);
    free(back);
    free(ids);
}

/* ---- Special tokens ---------------------------------------------------- */

static int32_t find(const char *text, size_t start, size_t *position,
                    size_t *token_length)
{
    size_t length = strlen(text);
    char *exact = exact_copy(text, length);
    int32_t token = harmony_find_special_token(exact, length, start, position,
                                               token_length);

    free(exact);
    return token;
}

static void test_every_special(void)
{
    int32_t token;
    size_t position, token_length, length;
    char text[64];

    for (token = 199998; token < HARMONY_TOKEN_LIMIT; token++) {
        const char *name = harmony_token_bytes(encoding, token, &length);
        id_list list = encode_bytes(name, length, &token, 1);

        sprintf(text, "a<%.*s>", (int)length, name);
        CHECK_EQUAL(find(text, 0, &position, &token_length), token);
        CHECK_EQUAL(position, 2);
        CHECK_EQUAL(token_length, length);
        CHECK(list.count == 1 && list.ids[0] == token);
        free(list.ids);
    }
    CHECK_STRING(harmony_token_bytes(encoding, 200000, &length),
                 "<|reserved_200000|>");
    CHECK_STRING(harmony_token_bytes(encoding, 201088, &length),
                 "<|reserved_201088|>");
    CHECK_STRING(harmony_token_bytes(encoding, 200012, &length), "<|call|>");
}

static void test_no_special(void)
{
    static const char *const texts[] = {
        "",
        "<",
        "<|",
        "<|star",
        "<|start|",
        "<start|>",
        "<|START|>",
        "<|reserved_200012|>", /* it has another name */
        "<|reserved_199998|>",
        "<|reserved_201089|>",
        "<|reserved_20000|>",
        "<|reserved_2000000|>",
        "<|reserved_2000x0|>",
        "<|reserved_200000|",
        "<|reserved_ 200000|>",
        "<|untrusted|>",
        "<|refusal|>",
        "< |start|>",
    };
    size_t i, position = 0, token_length = 99;

    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK_EQUAL(find(texts[i], 0, &position, &token_length),
                    HARMONY_NO_TOKEN);
        CHECK_EQUAL(position, strlen(texts[i]));
        CHECK_EQUAL(token_length, 0);
    }
    CHECK_EQUAL(find("<|end|>", 1, &position, &token_length), HARMONY_NO_TOKEN);
    CHECK_EQUAL(find("<|end|>", 7, &position, &token_length), HARMONY_NO_TOKEN);
    CHECK_EQUAL(find("<|end|>", 50, &position, &token_length),
                HARMONY_NO_TOKEN);
}

static void check_allowed(const char *text, const int32_t *allowed,
                          size_t allowed_count, const int32_t *wanted,
                          size_t count)
{
    int32_t *exact = exact_copy(allowed, allowed_count * sizeof *allowed);
    id_list list = encode_bytes(text, strlen(text), exact, allowed_count);

    CHECK_BYTES((char *)list.ids, list.count * sizeof *wanted,
                (const char *)wanted, count * sizeof *wanted);
    free(list.ids);
    free(exact);
}

static void test_allowed(void)
{
    static const int32_t both[] = {HARMONY_TOKEN_END, HARMONY_TOKEN_START};
    static const int32_t next_to_each_other[]
        = {HARMONY_TOKEN_START, HARMONY_TOKEN_START, HARMONY_TOKEN_END};
    static const int32_t odd[] = {-1, 5, HARMONY_TOKEN_LIMIT};
    id_list plain = encode_plain("<|call|>");
    id_list text = encode_plain("<|star<|end|>"), partial;
    int32_t ids[40];

    check_allowed("<|start|><|start|><|end|>", both, 2, next_to_each_other, 3);
    check_allowed("<|call|>", both, 2, plain.ids, plain.count);
    check_allowed("<|call|>", odd, 3, plain.ids, plain.count);
    check_allowed("<|star<|end|>", odd, 3, text.ids, text.count);
    check_allowed("", both, 2, plain.ids, 0);

    memcpy(ids, plain.ids, plain.count * sizeof *ids);
    ids[plain.count] = HARMONY_TOKEN_END;
    memcpy(ids + plain.count + 1, plain.ids, plain.count * sizeof *ids);
    check_allowed("<|call|><|end|><|call|>", both, 2, ids, 2 * plain.count + 1);

    partial = encode_plain("<|star");
    memcpy(ids, partial.ids, partial.count * sizeof *ids);
    ids[partial.count] = HARMONY_TOKEN_END;
    check_allowed("<|star<|end|>", both, 2, ids, partial.count + 1);
    free(partial.ids);
    free(text.ids);
    free(plain.ids);
}

void test_text(void)
{
    test_round_trips();
    test_long_pieces();
    test_nothing();
    test_too_large();
    test_no_memory();
    test_unknown_tokens();
    test_too_many_bytes();
    test_every_token();
    test_every_special();
    test_no_special();
    test_allowed();
}
