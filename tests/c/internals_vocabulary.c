/*
 * Small vocabulary files of both kinds: what is found in good ones, and what
 * is said of bad ones.
 */
#include "vocabulary.h"

#include "bpe.h"
#include "check.h"
#include "internals.h"
#include "support.h"

/* Load a copy of exactly this size; a vocabulary that is loaded is freed. */
static harmony_status load(const void *data, size_t size, harmony_error *error)
{
    void *exact = exact_copy(data, size);
    hm_vocabulary vocabulary;
    harmony_status status = hm_vocabulary_load(&vocabulary, exact, size, error);

    free(exact);
    if (status == HARMONY_OK)
        hm_vocabulary_free(&vocabulary);
    else
        CHECK(vocabulary.bytes == NULL && vocabulary.lines == NULL);
    return status;
}

/* ---- The compact file -------------------------------------------------- */

#define MOST 300
static uint8_t file[48 + 6 * MOST];

static void put_entry(uint32_t rank, uint32_t left, uint32_t right)
{
    uint8_t *to = file + 48 + 6 * (size_t)rank;
    int i;

    for (i = 0; i < 3; i++) {
        to[i] = (uint8_t)(left >> 8 * i);
        to[3 + i] = (uint8_t)(right >> 8 * i);
    }
}

/* 256 bytes, "ab" and "abc": the size of the file. */
static size_t small_file(void)
{
    uint32_t i;

    for (i = 0; i < 256; i++)
        put_entry(i, i, 0xFFFFFF);
    put_entry(256, 'a', 'b');
    put_entry(257, 256, 'c');
    seal_compact(file, 258);
    return 48 + 6 * 258;
}

static void check_bad_entry(uint32_t rank, uint32_t left, uint32_t right,
                            int64_t position, const char *message)
{
    harmony_error error;
    size_t size = small_file();

    put_entry(rank, left, right);
    seal_compact(file, 258);
    CHECK_EQUAL(load(file, size, NULL), HARMONY_BAD_VOCABULARY);
    CHECK_EQUAL(load(file, size, &error), HARMONY_BAD_VOCABULARY);
    CHECK_EQUAL(error.status, HARMONY_BAD_VOCABULARY);
    CHECK_EQUAL(error.position, position);
    CHECK_STRING(error.message, message);
}

static void test_bad_entries(void)
{
    static const char not_lower[] = "not a vocabulary: rank 257 is neither one "
                                    "byte nor a merge of two lower ranks";

    check_bad_entry(257, 257, 'c', 257, not_lower);
    check_bad_entry(257, 'c', 257, 257, not_lower);
    check_bad_entry(257, 0xFFFFFF, 'c', 257, not_lower);
    check_bad_entry(257, 'c', 0xFFFFFE, 257, not_lower);
    check_bad_entry(257, 256, 0xFFFFFF, 257, not_lower);
    check_bad_entry(257, 'a', 'b', 257,
                    "not a vocabulary: ranks 256 and 257 "
                    "have the same bytes");
    check_bad_entry(257, 'c', 0xFFFFFF, 257,
                    "not a vocabulary: ranks 99 and "
                    "257 have the same bytes");
    check_bad_entry(0, 0, 0, 0,
                    "not a vocabulary: rank 0 is neither one byte "
                    "nor a merge of two lower ranks");
    check_bad_entry(255, 'x', 'x', -1,
                    "not a vocabulary: it has no token for "
                    "byte 255");
}

static void test_altered(void)
{
    size_t size = small_file(), i;

    CHECK_EQUAL(load(file, size, NULL), HARMONY_OK);
    for (i = 0; i < size; i++)
        CHECK_EQUAL(load(file, i, NULL), HARMONY_BAD_VOCABULARY);
    CHECK_EQUAL(load(file, size + 1, NULL), HARMONY_BAD_VOCABULARY);
    for (i = 0; i < size; i++) {
        file[i] ^= (uint8_t)(1u << i % 8);
        CHECK_EQUAL(load(file, size, NULL), HARMONY_BAD_VOCABULARY);
        file[i] ^= (uint8_t)(1u << i % 8);
    }
    CHECK_EQUAL(load(file, size, NULL), HARMONY_OK);
}

/* Each token twice as long as the one before: 1.7 kB asked for 1 GB. A file of
 * 286 tokens has room for 64 * 6 * 286 = 109824 bytes of them: 256, the 2 of
 * rank 256, and so on, are more than that at rank 271. */
static void test_huge_tokens(void)
{
    harmony_error error;
    uint32_t i;

    small_file();
    for (i = 256; i < MOST; i++)
        put_entry(i, i - 1, i - 1);
    seal_compact(file, MOST);
    CHECK_EQUAL(load(file, sizeof file, &error), HARMONY_BAD_VOCABULARY);
    CHECK_EQUAL(error.position, 271);
    CHECK_STRING(error.message,
                 "not a vocabulary: its tokens have more than 64 times the "
                 "bytes of the file");
    seal_compact(file, 271);
    CHECK_EQUAL(load(file, 48 + 6 * 271, NULL), HARMONY_OK);
}

/* 25 bytes asked for 100 MB: ranks may be left out, but not nearly all. */
static void test_high_rank(void)
{
    char lines[256 * LINE_ROOM(1)], *to = lines;
    harmony_error error;
    int32_t byte, last;

    for (byte = 0; byte < 256; byte++) {
        char c = (char)byte;

        to = write_line(to, &c, 1, byte, "\n");
    }
    for (last = 3000; last < 3010; last++) {
        char *end = write_line(to, "ab", 2, last, "\n");
        size_t size = (size_t)(end - lines);
        int fits = (size_t)last < size;

        CHECK_EQUAL(load((uint8_t *)lines, size, &error),
                    fits ? HARMONY_OK : HARMONY_BAD_VOCABULARY);
        if (fits)
            continue;
        CHECK_EQUAL(error.position, 256);
        CHECK_STRING(error.message,
                     "not a vocabulary: line 257 has a rank beyond the bytes "
                     "of the file");
    }
}

static void test_too_many_tokens(void)
{
    const uint32_t count = 1u << 21;
    size_t size = 48 + 6 * (size_t)count;
    uint8_t *data = room(size);
    hm_vocabulary vocabulary;
    harmony_error error;

    memset(data, 0, size);
    seal_compact(data, count);
    CHECK_EQUAL(hm_vocabulary_load(&vocabulary, data, size, &error),
                HARMONY_BAD_VOCABULARY);
    CHECK_STRING(error.message, "too many tokens: there is room for 2097151");
    free(data);
}

/* Whatever the entries are, nothing is read or written that should not be. */
static void test_random_entries(void)
{
    uint64_t seed = 1;
    int round, loaded = 0;
    uint32_t i, left, right;

    for (round = 0; round < 2000; round++) {
        small_file();
        for (i = 256; i < MOST; i++) {
            left = random_below(&seed, i);
            right = random_below(&seed, i);
            put_entry(i, left, right);
        }
        if (round % 2) {
            i = random_below(&seed, MOST);
            left = random_below(&seed, 1u << random_below(&seed, 25));
            right = random_below(&seed, 1u << random_below(&seed, 25));
            put_entry(i, left, right);
        }
        seal_compact(file, MOST);
        loaded += load(file, sizeof file, NULL) == HARMONY_OK;
    }
    CHECK(loaded > 0 && loaded < 2000);
}

/* ---- A .tiktoken file -------------------------------------------------- */

static char lines[64 * 1024];

/* The lines of the bytes, then others; their length. */
static size_t with_bytes(const char *other, const char *end)
{
    char *to = lines;
    int i;

    for (i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;

        to = write_line(to, &byte, 1, i, end);
    }
    memcpy(to, other, strlen(other) + 1);
    return (size_t)(to - lines) + strlen(other);
}

static void check_bad_lines(const char *other, int64_t position,
                            const char *message)
{
    size_t length = with_bytes(other, "\n");
    harmony_error error;

    error.status = HARMONY_OK;
    CHECK_EQUAL(load(lines, length, NULL), HARMONY_BAD_VOCABULARY);
    load(lines, length, &error);
    CHECK_EQUAL(error.status, HARMONY_BAD_VOCABULARY);
    CHECK_EQUAL(error.position, position);
    CHECK_STRING(error.message, message);
}

static void test_bad_lines(void)
{
    static const char *const bad[] = {
        "YWI=",          "YWI= ",     " 256",           "YWI=  256",
        "YWI= 256 ",     "YWI= -256", "YWI= 25x",       "YWI 256",
        "YW== =256",     "A=== 256",  "==== 256",       "YWI=YWI= 256",
        "YW!= 256",      "YWI\t 256", "YWI= 000000256", "YWI= 2097152",
        "YWI= 99999999", "YWI=\t256", "\r\r",           " ",
    };
    char other[64];
    size_t i;

    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_bad_lines(bad[i], 256,
                        "not a vocabulary: line 257 is not \"BASE64 RANK\"");
        sprintf(other, "YWI= 256\n\n%s\nYWJj 257\n", bad[i]);
        check_bad_lines(other, 258,
                        "not a vocabulary: line 259 is not \"BASE64 RANK\"");
    }
    check_bad_lines("YWI= 255\n", 256,
                    "not a vocabulary: line 257 repeats a rank");
    check_bad_lines("YWI= 256\nYWI= 257\n", 257,
                    "not a vocabulary: ranks 256 and 257 have the same bytes");
    check_bad_lines("YQ== 256\n", 256,
                    "not a vocabulary: ranks 97 and 256 have the same bytes");
}

static void test_no_lines(void)
{
    harmony_error error;
    hm_vocabulary vocabulary;

    CHECK_EQUAL(load("", 0, &error), HARMONY_BAD_VOCABULARY);
    CHECK_STRING(error.message, "not a vocabulary: it has no token for byte 0");
    CHECK_EQUAL(load("\n\r\n", 3, &error), HARMONY_BAD_VOCABULARY);
    CHECK_EQUAL(load("AA== 0", 6, &error), HARMONY_BAD_VOCABULARY);
    CHECK_STRING(error.message, "not a vocabulary: it has no token for byte 1");
    CHECK_EQUAL(hm_vocabulary_load(&vocabulary, NULL, 0, NULL),
                HARMONY_BAD_VOCABULARY);
}

static void test_good_lines(void)
{
    static const char *const good[]
        = {"", "YWI= 256", "YWI= 256\r\n", "\n\r\n\nYWI= 00000256\n"};
    size_t i;

    for (i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK_EQUAL(load(lines, with_bytes(good[i], "\n"), NULL), HARMONY_OK);
        CHECK_EQUAL(load(lines, with_bytes(good[i], "\r\n"), NULL), HARMONY_OK);
        CHECK_EQUAL(load(lines, with_bytes(good[i], "\n\n"), NULL), HARMONY_OK);
    }
}

/* A file may leave ranks out. */
static void test_unused_rank(void)
{
    size_t length = with_bytes("YWI= 300", "\n");
    hm_vocabulary vocabulary;

    CHECK_EQUAL(hm_vocabulary_load(&vocabulary, (uint8_t *)lines, length, NULL),
                HARMONY_OK);
    CHECK_EQUAL(vocabulary.size, 301);
    CHECK_EQUAL(hm_find_merges(&vocabulary, NULL), HARMONY_OK);
    CHECK_EQUAL(hm_merge(&vocabulary, 'a', 'b'), 300);
    hm_token(&vocabulary, 299, &length);
    CHECK_EQUAL(length, 0);
    hm_vocabulary_free(&vocabulary);
}

/* ---- Bytes to ranks ---------------------------------------------------- */

#define TOKENS 700
#define LONGEST 40

static uint8_t token_bytes[TOKENS][LONGEST];
static size_t token_lengths[TOKENS];

static int32_t slow_rank(const uint8_t *bytes, size_t length, int32_t count)
{
    int32_t rank;

    for (rank = 0; rank < count; rank++)
        if (token_lengths[rank] == length
            && memcmp(token_bytes[rank], bytes, length) == 0)
            return rank;
    return -1;
}

/* All bytes, then random strings of every length, mostly of zeros: those that
 * a table which pads with zeros could mix up. */
static void random_tokens(uint64_t *seed)
{
    int32_t rank;
    size_t i;

    for (rank = 0; rank < 256; rank++) {
        token_lengths[rank] = 1;
        token_bytes[rank][0] = (uint8_t)rank;
    }
    while (rank < TOKENS) {
        size_t length = 2 + random_below(seed, LONGEST - 1);

        for (i = 0; i < length; i++)
            token_bytes[rank][i] = random_below(seed, 4) == 0
                                       ? (uint8_t)random_below(seed, 256)
                                       : 0;
        token_lengths[rank] = length;
        if (slow_rank(token_bytes[rank], length, rank) < 0)
            rank++;
    }
}

static void check_rank(const hm_vocabulary *vocabulary, const uint8_t *bytes,
                       size_t length)
{
    uint8_t *exact = exact_copy(bytes, length);

    CHECK_EQUAL(hm_rank(vocabulary, exact, length),
                slow_rank(bytes, length, TOKENS));
    free(exact);
}

static void test_ranks(void)
{
    hm_vocabulary vocabulary;
    uint8_t near[LONGEST + 1];
    uint64_t seed = 2;
    char *to = lines;
    int32_t rank;
    size_t length;

    random_tokens(&seed);
    for (rank = 0; rank < TOKENS; rank++)
        to = write_line(to, token_bytes[rank], token_lengths[rank], rank, "\n");
    CHECK_EQUAL(hm_vocabulary_load(&vocabulary, (uint8_t *)lines,
                                   (size_t)(to - lines), NULL),
                HARMONY_OK);
    for (rank = 0; rank < TOKENS; rank++) {
        length = token_lengths[rank];
        check_rank(&vocabulary, token_bytes[rank], length);
        if (length > 1)
            check_rank(&vocabulary, token_bytes[rank], length - 1);
        memcpy(near, token_bytes[rank], length);
        near[length] = 0;
        check_rank(&vocabulary, near, length + 1);
        near[random_below(&seed, (uint32_t)length)] ^= 1;
        check_rank(&vocabulary, near, length);
    }
    hm_vocabulary_free(&vocabulary);
}

/* Two strings of 16 bytes with one hash: the second half makes up for what the
 * first one changed (hash_of_long in vocabulary.c). A file can have such
 * tokens; they are told apart by their bytes. */
static void same_hash(uint8_t *one, uint8_t *other)
{
    uint64_t first, second, ends;
    int i;

    memcpy(one, "0123456789abcdef", 16);
    memcpy(other, "abcdefgh", 8);
    first = hm_hash(16 ^ hm_little64(one), 0);
    second = hm_hash(16 ^ hm_little64(other), 0);
    ends = hm_little64(one + 8) ^ first ^ first >> 32 ^ second ^ second >> 32;
    for (i = 0; i < 8; i++)
        other[8 + i] = (uint8_t)(ends >> 8 * i);
}

/* A token of 16 bytes, and one of 8 that are its hash, or nearly, in the same
 * line. */
static void hash_as_token(const hm_vocabulary *vocabulary, uint64_t change,
                          uint8_t *whole, uint8_t *hash)
{
    hm_key keys[2] = {{{0, (uint64_t)0xFF << 24}}, {{0, (uint64_t)8 << 24}}};
    uint64_t found;
    int i;

    memcpy(whole, "0123456789abcdef", 16);
    do {
        whole[8]++;
        whole[9] = (uint8_t)(whole[9] + (whole[8] == 0));
        found = hm_hash(16 ^ hm_little64(whole), 0);
        found = hm_hash(found ^ found >> 32 ^ hm_little64(whole + 8), 0);
        found ^= found >> 32;
        keys[0].halves[0] = found;
        found ^= change;
        keys[1].halves[0] = found;
    } while (hm_line_of(vocabulary, keys) != hm_line_of(vocabulary, keys + 1));
    for (i = 0; i < 8; i++)
        hash[i] = (uint8_t)(found >> 8 * i);
}

static void check_hash_as_token(uint64_t change)
{
    size_t length = with_bytes("YWI= 256\nYWJj 257\n", "\n");
    uint8_t whole[16], hash[8];
    hm_vocabulary vocabulary;
    char *to;

    CHECK_EQUAL(hm_vocabulary_load(&vocabulary, (uint8_t *)lines, length, NULL),
                HARMONY_OK);
    hash_as_token(&vocabulary, change, whole, hash);
    hm_vocabulary_free(&vocabulary);
    to = write_line(lines + with_bytes("", "\n"), hash, 8, 256, "\n");
    to = write_line(to, whole, 16, 257, "\n");
    CHECK_EQUAL(hm_vocabulary_load(&vocabulary, (uint8_t *)lines,
                                   (size_t)(to - lines), NULL),
                HARMONY_OK);
    CHECK_EQUAL(hm_rank(&vocabulary, hash, 8), 256);
    CHECK_EQUAL(hm_rank(&vocabulary, whole, 16), 257);
    whole[0]++;
    CHECK_EQUAL(hm_rank(&vocabulary, whole, 16), -1);
    hm_vocabulary_free(&vocabulary);
}

static void test_hash_as_token(void)
{
    check_hash_as_token(0);
    check_hash_as_token((uint64_t)1 << 32);
}

/* Token number `i` of many with the same first eight bytes: the last three are
 * no two times the same, and in no order. */
static void alike(uint8_t *bytes, int32_t i)
{
    uint32_t last = (uint32_t)i * 0x2545F5;

    memset(bytes, 'a', 8);
    bytes[8] = (uint8_t)last;
    bytes[9] = (uint8_t)(last >> 8);
    bytes[10] = (uint8_t)(last >> 16 ^ last >> 5);
}

/* Many tokens with the same first eight bytes, some of which are in one line,
 * and two with the same hash. */
static void test_alike(void)
{
    uint8_t bytes[HM_SHORT_TOKEN], twins[3][16];
    hm_vocabulary vocabulary;
    int32_t rank, wrong = 0;
    char *to = lines + with_bytes("", "\n");

    for (rank = 256; rank < 512; rank++) {
        alike(bytes, rank);
        to = write_line(to, bytes, sizeof bytes, rank, "\n");
    }
    same_hash(twins[0], twins[1]);
    memcpy(twins[2], twins[0], 8);
    memcpy(twins[2] + 8, twins[1] + 8, 8);
    to = write_line(to, twins[0], 16, 512, "\n");
    to = write_line(to, twins[1], 16, 513, "\n");
    CHECK_EQUAL(hm_vocabulary_load(&vocabulary, (uint8_t *)lines,
                                   (size_t)(to - lines), NULL),
                HARMONY_OK);
    for (rank = 256; rank < 512; rank++) {
        alike(bytes, rank);
        wrong += hm_rank(&vocabulary, bytes, sizeof bytes) != rank;
        wrong += hm_rank(&vocabulary, bytes, sizeof bytes - 1) != -1;
    }
    CHECK_EQUAL(wrong, 0);
    CHECK_EQUAL(hm_rank(&vocabulary, bytes, 8), -1);
    CHECK_EQUAL(hm_rank(&vocabulary, twins[0], 16), 512);
    CHECK_EQUAL(hm_rank(&vocabulary, twins[1], 16), 513);
    CHECK_EQUAL(hm_rank(&vocabulary, twins[2], 16), -1);
    hm_vocabulary_free(&vocabulary);
}

/* ---- Full lines -------------------------------------------------------- */

static void load_pairs(hm_vocabulary *vocabulary)
{
    seal_compact(file, MOST);
    CHECK_EQUAL(hm_vocabulary_load(vocabulary, file, sizeof file, NULL),
                HARMONY_OK);
}

/* Whether the search for two bytes, as a token or as a merge, begins in one of
 * the last two lines. */
static int is_last(const hm_vocabulary *vocabulary, int merges, uint32_t left,
                   uint32_t right)
{
    hm_key key = {{left | right << 8, (uint64_t)2 << 24}};
    uint64_t pair = hm_pair_of((int32_t)left, (int32_t)right);
    size_t line = (size_t)(hm_line_of(vocabulary, &key) - vocabulary->lines);
    size_t merge_line
        = (size_t)(hm_merge_line_of(vocabulary, pair) - vocabulary->merges);

    return merges ? merge_line + 1 >= vocabulary->merge_mask
                  : line + 1 >= vocabulary->line_mask;
}

/* Ask about all pairs of bytes: those of `file`, and no others, are tokens. */
static void check_pairs(const hm_vocabulary *vocabulary)
{
    static int32_t wanted[256][256];
    int32_t left, right, rank;
    long wrong = 0;

    memset(wanted, 0xFF, sizeof wanted);
    for (rank = 256; rank < MOST; rank++)
        wanted[file[48 + 6 * rank]][file[51 + 6 * rank]] = rank;
    for (left = 0; left < 256; left++)
        for (right = 0; right < 256; right++) {
            uint8_t bytes[2];

            bytes[0] = (uint8_t)left;
            bytes[1] = (uint8_t)right;
            wrong += hm_rank(vocabulary, bytes, 2) != wanted[left][right];
            wrong += hm_merge(vocabulary, left, right) != wanted[left][right];
        }
    CHECK_EQUAL(wrong, 0);
}

/* Pairs that all belong into the last two lines. What they have no room for is
 * in the first, and the search for what is in none goes there too. */
static void check_full_lines(int merges)
{
    hm_vocabulary vocabulary;
    uint32_t left, right, rank = 256;

    small_file();
    for (left = 0; left < MOST - 256; left++)
        put_entry(256 + left, left, left);
    load_pairs(&vocabulary);
    for (left = 0; left < 256; left++)
        for (right = 0; right < 256 && rank < MOST; right += 2)
            if (is_last(&vocabulary, merges, left, right))
                put_entry(rank++, left, right);
    CHECK_EQUAL(rank, MOST);
    hm_vocabulary_free(&vocabulary);
    load_pairs(&vocabulary);
    CHECK(merges
              ? hm_is_full_of_merges(vocabulary.merges + vocabulary.merge_mask)
              : hm_is_full(vocabulary.lines + vocabulary.line_mask));
    check_pairs(&vocabulary);
    hm_vocabulary_free(&vocabulary);
}

static void test_full_lines(void)
{
    check_full_lines(0);
    check_full_lines(1);
}

/* ---- No memory --------------------------------------------------------- */

/* Load, and find the merges if the file does not tell them. */
static harmony_status load_all(const char *data, size_t size)
{
    hm_vocabulary vocabulary;
    harmony_status status
        = hm_vocabulary_load(&vocabulary, (const uint8_t *)data, size, NULL);

    if (status != HARMONY_OK)
        return status;
    if (vocabulary.merges == NULL)
        status = hm_find_merges(&vocabulary, NULL);
    hm_vocabulary_free(&vocabulary);
    return status;
}

static void refuse_each(const char *data, size_t size, long at_least)
{
    long i = 0;

    do
        refuse_memory(i++);
    while (load_all(data, size) == HARMONY_NO_MEMORY);
    CHECK(i > at_least);
    CHECK(memory_requests <= i);
    refuse_memory(REFUSE_NONE);
    CHECK_EQUAL(load_all(data, size), HARMONY_OK);
}

static void test_no_memory(void)
{
    size_t size = small_file(), i;
    char a[300], *to;

    refuse_each((char *)file, size, 3);
    /* 'a' 2, 4, 8 ... 256 times: the last merges are those of long pieces. */
    memset(a, 'a', sizeof a);
    to = lines + with_bytes("", "\n");
    for (i = 1; i <= 8; i++)
        to = write_line(to, a, (size_t)1 << i, (int32_t)(255 + i), "\n");
    refuse_each(lines, (size_t)(to - lines), 5);
}

void test_vocabulary(void)
{
    test_bad_entries();
    test_altered();
    test_huge_tokens();
    test_high_rank();
    test_too_many_tokens();
    test_random_entries();
    test_bad_lines();
    test_no_lines();
    test_good_lines();
    test_unused_rank();
    test_ranks();
    test_alike();
    test_hash_as_token();
    test_full_lines();
    test_no_memory();
}
