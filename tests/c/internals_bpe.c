/*
 * Merging against the obvious way to do it, on vocabularies of a few hundred
 * tokens that are made to be awkward.
 */
#include "bpe.h"

#include "check.h"
#include "internals.h"
#include "support.h"

#define WINDOW 128 /* as in bpe.c */
#define MOST_TOKENS 4500
#define LONGEST_PIECE 5000
#define LONGEST_TOKEN 300

/* ---- A vocabulary in the test's own hands ------------------------------ */

static struct {
    size_t length;
    uint8_t bytes[LONGEST_TOKEN];
} tokens[MOST_TOKENS];
static int32_t token_count;
static int32_t pair_rank[256][256]; /* of two bytes: what they make, or -1 */
static int32_t first_rank[LONGEST_TOKEN + 1]; /* of tokens of this length */

static int32_t slow_rank(const uint8_t *bytes, size_t length)
{
    int32_t rank;

    if (length == 2)
        return pair_rank[bytes[0]][bytes[1]];
    if (length > LONGEST_TOKEN)
        return -1;
    for (rank = first_rank[length]; rank < token_count; rank++)
        if (tokens[rank].length == length
            && memcmp(tokens[rank].bytes, bytes, length) == 0)
            return rank;
    return -1;
}

static void add_token(const uint8_t *bytes, size_t length)
{
    memcpy(tokens[token_count].bytes, bytes, length);
    tokens[token_count].length = length;
    if (first_rank[length] > token_count)
        first_rank[length] = token_count;
    if (length == 2)
        pair_rank[bytes[0]][bytes[1]] = token_count;
    token_count++;
}

/* The single bytes, in a random order. */
static void begin_tokens(uint64_t *seed)
{
    uint8_t order[256], byte;
    uint32_t i, j;

    memset(pair_rank, 0xFF, sizeof pair_rank);
    for (i = 0; i <= LONGEST_TOKEN; i++)
        first_rank[i] = MOST_TOKENS;
    token_count = 0;
    for (i = 0; i < 256; i++)
        order[i] = (uint8_t)i;
    for (i = 255; i > 0; i--) {
        j = random_below(seed, i + 1);
        byte = order[i];
        order[i] = order[j];
        order[j] = byte;
    }
    for (i = 0; i < 256; i++)
        add_token(order + i, 1);
}

/* ---- The obvious way --------------------------------------------------- */

#define NO_RANK UINT32_MAX

/* Where the parts of a piece end, and for each the rank of itself together
 * with the part behind it. */
static struct {
    const uint8_t *bytes;
    size_t count;
    size_t end[LONGEST_PIECE];
    uint32_t joined[LONGEST_PIECE];
} parts;

static size_t part_start(size_t i)
{
    return i > 0 ? parts.end[i - 1] : 0;
}

static void look_up(size_t i)
{
    size_t start = part_start(i);

    parts.joined[i] = i + 1 < parts.count
                          ? (uint32_t)slow_rank(parts.bytes + start,
                                                parts.end[i + 1] - start)
                          : NO_RANK;
}

static void leave_out(size_t i)
{
    size_t behind = parts.count - i - 1;

    memmove(parts.end + i, parts.end + i + 1, behind * sizeof *parts.end);
    memmove(parts.joined + i, parts.joined + i + 1,
            behind * sizeof *parts.joined);
    parts.count--;
}

/* Join the best pair, the leftmost of equals; 0 if there is none. */
static int join_best(void)
{
    size_t i, best = 0;

    for (i = 1; i < parts.count; i++)
        if (parts.joined[i] < parts.joined[best])
            best = i;
    if (parts.joined[best] == NO_RANK)
        return 0;
    leave_out(best);
    look_up(best);
    if (best > 0)
        look_up(best - 1);
    return 1;
}

/* Go on, so many steps or as many as there are. */
static void merge_on(size_t steps)
{
    size_t i;

    for (i = 0; i < parts.count; i++)
        look_up(i);
    while (steps-- > 0 && join_best())
        ;
}

static void slow_merge(const uint8_t *piece, size_t length, size_t steps)
{
    size_t i;

    parts.bytes = piece;
    parts.count = length;
    for (i = 0; i < length; i++)
        parts.end[i] = i + 1;
    merge_on(steps);
}

/* ---- The vocabulary in a file, both ways ------------------------------- */

/* The last two parts of a token's bytes before they become it. */
static void last_pair(int32_t rank, int32_t *left, int32_t *right)
{
    size_t length = tokens[rank].length;

    slow_merge(tokens[rank].bytes, length, length - 2);
    *left = slow_rank(parts.bytes, parts.end[0]);
    *right = slow_rank(parts.bytes + parts.end[0], length - parts.end[0]);
}

static void load_compact(hm_vocabulary *vocabulary)
{
    size_t size = 48 + 6 * (size_t)token_count;
    uint8_t *file = room(size), *to = file + 48;
    int32_t rank, left, right, i;

    for (rank = 0; rank < token_count; rank++) {
        left = tokens[rank].bytes[0];
        right = 0xFFFFFF;
        if (tokens[rank].length > 1)
            last_pair(rank, &left, &right);
        for (i = 0; i < 3; i++, to++) {
            to[0] = (uint8_t)(left >> 8 * i);
            to[3] = (uint8_t)(right >> 8 * i);
        }
        to += 3;
    }
    seal_compact(file, (uint32_t)token_count);
    CHECK_EQUAL(hm_vocabulary_load(vocabulary, file, size, NULL), HARMONY_OK);
    free(file);
}

static void load_without_merges(hm_vocabulary *vocabulary)
{
    char *lines = room((size_t)token_count * LINE_ROOM(LONGEST_TOKEN));
    char *to = lines;
    int32_t rank;

    for (rank = token_count - 1; rank >= 0; rank--)
        to = write_line(to, tokens[rank].bytes, tokens[rank].length, rank,
                        "\n");
    CHECK_EQUAL(hm_vocabulary_load(vocabulary, (uint8_t *)lines,
                                   (size_t)(to - lines), NULL),
                HARMONY_OK);
    CHECK(vocabulary->merges == NULL);
    free(lines);
}

static void load_lines(hm_vocabulary *vocabulary)
{
    load_without_merges(vocabulary);
    CHECK_EQUAL(hm_find_merges(vocabulary, NULL), HARMONY_OK);
    CHECK(vocabulary->merges != NULL);
}

/* The vocabulary, loaded; the merges that are found are those that are told. */
static void load(hm_vocabulary *vocabulary)
{
    hm_vocabulary other;
    int32_t rank, wrong = 0;

    load_compact(&other);
    load_lines(vocabulary);
    for (rank = 0; rank < token_count; rank++) {
        hm_pair found = vocabulary->merged_from[rank];
        hm_pair told = other.merged_from[rank];

        wrong += found.left != told.left || found.right != told.right;
    }
    CHECK_EQUAL(wrong, 0);
    hm_vocabulary_free(&other);
}

/* ---- Windows ----------------------------------------------------------- */

/* A piece of which a part is merged: where its tokens end, and the window that
 * was merged last. */
static struct {
    const uint8_t *bytes;
    size_t count;
    size_t end[LONGEST_PIECE];
    size_t at;
    size_t size;
} merged;

static size_t merged_length(void)
{
    return merged.count > 0 ? merged.end[merged.count - 1] : 0;
}

/* Merge a window behind what is merged, unless the one before had the same
 * bytes; whether it was a large one. */
static long merge_window(size_t size)
{
    size_t at = merged_length();
    int is_same
        = size == merged.size
          && memcmp(merged.bytes + merged.at, merged.bytes + at, size) == 0;

    merged.at = at;
    merged.size = size;
    slow_merge(merged.bytes + at, size, size);
    return size > WINDOW && !is_same;
}

/* Whether the last token stays as it is with the first one of the window. */
static int joint_holds(void)
{
    size_t end = merged_length(), length = parts.end[0];
    size_t start = merged.count > 1 ? merged.end[merged.count - 2] : 0;

    if (merged.count == 0)
        return 1;
    slow_merge(merged.bytes + start, end - start + length,
               end - start + length);
    return parts.count == 2 && parts.end[0] == end - start;
}

/* Give up the last tokens, `least` bytes of them or more. */
static void go_back(size_t least)
{
    size_t end = merged_length();

    while (merged.count > 0 && end - merged_length() < least)
        merged.count--;
}

/* Keep the tokens that end in the first seven eighths of a window. */
static void keep(size_t at, size_t size)
{
    size_t i;

    slow_merge(merged.bytes + at, size, size);
    for (i = 0; i < parts.count; i++)
        if (i == 0 || parts.end[i] <= size / 8 * 7)
            merged.end[merged.count++] = at + parts.end[i];
}

/* How many windows larger than the usual are merged on the way to the end: the
 * window grows where a joint does not hold, until that place is behind it. */
static long large_windows(const uint8_t *piece, size_t length)
{
    size_t size = WINDOW, failed = 0;
    long large = 0;

    merged.bytes = piece;
    merged.count = merged.at = merged.size = 0;
    while (length > WINDOW) {
        size_t at = merged_length(), left = length - at;
        size_t here = left < size ? left : size;

        large += merge_window(here);
        if (!joint_holds()) {
            failed = at > failed ? at : failed;
            go_back(size / 4);
            size *= 2;
            continue;
        }
        if (here == left)
            break;
        keep(at, here);
        if (merged_length() > failed)
            size = WINDOW;
    }
    return large;
}

/* ---- Comparing --------------------------------------------------------- */

static int agrees(const hm_vocabulary *vocabulary, const hm_tokens *found)
{
    size_t i, start = 0;

    if (found->count != parts.count)
        return 0;
    for (i = 0; i < parts.count; start = parts.end[i++])
        if (found->tokens[i]
            != hm_rank(vocabulary, parts.bytes + start, parts.end[i] - start))
            return 0;
    return 1;
}

/* How often a window larger than the usual is merged is the number of requests
 * for memory, but for the one that any piece longer than a window needs. */
static long check_piece(const hm_vocabulary *vocabulary, const uint8_t *piece,
                        size_t length)
{
    uint8_t *exact = exact_copy(piece, length);
    hm_tokens found = {NULL, 0, 0};
    long grown;

    slow_merge(exact, length, length);
    found.capacity = parts.count;
    found.tokens = room(parts.count * sizeof *found.tokens);
    refuse_memory(REFUSE_NONE);
    CHECK(hm_bpe(vocabulary, exact, length, &found));
    grown = memory_requests - (length > WINDOW);
    if (!CHECK(agrees(vocabulary, &found)))
        printf("  a piece of %lu bytes\n", (unsigned long)length);
    CHECK_EQUAL(grown, large_windows(exact, length));
    free(found.tokens);
    free(exact);
    return grown;
}

/* ---- Random vocabularies ----------------------------------------------- */

/* `letters` up to 26 are so many of a-z; from CHARACTERS on, these characters,
 * which share first and last bytes, and a few bytes that are none. */
#define CHARACTERS 100

static const char *const characters[] = {
    "\xC3\xA9",         "a",        "\xD0\xA9",     " ",
    "\xE4\xB8\xAD",     "\xC3\xA8", "\xE4\xB8\xA9", "\xE3\x81\xAD",
    "\xF0\x9F\x98\x80", "\xA9",     "\xC3",         "\xE4\xB8",
    "\xE0\x83\xA9",
};

static void random_text(uint64_t *seed, uint32_t letters, uint8_t *text,
                        size_t length)
{
    size_t i, size;

    if (letters < CHARACTERS) {
        for (i = 0; i < length; i++)
            text[i] = (uint8_t)('a' + random_below(seed, letters));
        return;
    }
    for (i = 0; i < length; i += size) {
        const char *next = characters[random_below(seed, letters - CHARACTERS)];

        size = strlen(next) < length - i ? strlen(next) : length - i;
        memcpy(text + i, next, size);
    }
}

/* Merges of pairs that come up in a random text, any that do: what is rare is
 * as likely to be early as what is frequent. A new token comes behind all
 * others, so merging goes on where it was. */
static void train(uint64_t *seed, uint32_t letters, uint32_t merges)
{
    uint8_t text[1200];
    size_t i, start, length;

    begin_tokens(seed);
    random_text(seed, letters, text, sizeof text);
    slow_merge(text, sizeof text, sizeof text);
    while (merges-- > 0 && parts.count > 1) {
        i = random_below(seed, (uint32_t)parts.count - 1);
        start = part_start(i);
        length = parts.end[i + 1] - start;
        if (length <= LONGEST_TOKEN)
            add_token(text + start, length);
        merge_on(sizeof text);
    }
}

static size_t random_length(uint64_t *seed)
{
    static const uint16_t edges[] = {1, 2, 3, 64, 128, 256, 512, 1024};
    size_t length;

    switch (random_below(seed, 4)) {
    case 0:
        return 1 + random_below(seed, 40);
    case 1:
        return 1 + random_below(seed, 400);
    default:
        length = edges[random_below(seed, 8)];
        length += random_below(seed, 3);
        return length > 1 ? length - 1 : 1;
    }
}

/* Letters at random, or a few of them again and again. */
static void random_piece(uint64_t *seed, uint32_t letters, uint8_t *piece,
                         size_t length)
{
    size_t period = random_below(seed, 3) ? length : 1 + random_below(seed, 7);
    size_t i;

    random_text(seed, letters, piece, period < length ? period : length);
    for (i = period; i < length; i++)
        piece[i] = piece[i - period];
}

static void test_random(void)
{
    static uint8_t piece[LONGEST_PIECE];
    uint64_t seed = 3;
    hm_vocabulary vocabulary;
    int round, i;

    for (round = 0; round < 30; round++) {
        uint32_t letters = 1 + random_below(&seed, 6);

        train(&seed, letters, 5 + random_below(&seed, 80));
        load(&vocabulary);
        for (i = 0; i < 30; i++) {
            size_t length = i == 0 && round % 5 == 0 ? LONGEST_PIECE
                                                     : random_length(&seed);

            random_piece(&seed, letters, piece, length);
            check_piece(&vocabulary, piece, length);
        }
        hm_vocabulary_free(&vocabulary);
    }
}

/* Characters of several bytes, whose bytes join early or late, or join others
 * first. */
static void test_characters(void)
{
    static uint8_t piece[400];
    uint64_t seed = 7;
    hm_vocabulary vocabulary;
    int round, i;

    for (round = 0; round < 60; round++) {
        uint32_t letters
            = CHARACTERS + 2
              + random_below(&seed, sizeof characters / sizeof *characters - 1);

        train(&seed, letters, 5 + random_below(&seed, 120));
        load(&vocabulary);
        for (i = 0; i < 40; i++) {
            size_t length = 1 + random_below(&seed, i % 8 ? 40 : 400);

            random_piece(&seed, letters, piece, length);
            check_piece(&vocabulary, piece, length);
        }
        hm_vocabulary_free(&vocabulary);
    }
}

/* Every length to beyond two windows. */
static void test_lengths(void)
{
    static uint8_t piece[300];
    uint64_t seed = 4;
    hm_vocabulary vocabulary;
    size_t length;

    train(&seed, 3, 60);
    load(&vocabulary);
    for (length = 1; length < sizeof piece; length++) {
        random_piece(&seed, 3, piece, length);
        check_piece(&vocabulary, piece, length);
    }
    hm_vocabulary_free(&vocabulary);
}

/* Tokens longer than a window: one that grew may keep so little that the place
 * where it failed is still in front, and then it must not shrink. */
static void test_long_tokens(void)
{
    static const size_t runs[] = {2, 4, 8, 16, 32, 64, 128, 160, 256, 176};
    uint8_t piece[850];
    uint64_t seed = 9;
    hm_vocabulary vocabulary;
    size_t i;

    memset(piece, 'a', sizeof piece);
    begin_tokens(&seed);
    for (i = 0; i < sizeof runs / sizeof *runs; i++)
        add_token(piece, runs[i]);
    load(&vocabulary);
    for (i = 500; i < sizeof piece; i++)
        check_piece(&vocabulary, piece, i);
    hm_vocabulary_free(&vocabulary);
}

/* ---- Side by side ------------------------------------------------------- */

#define SOME 200

/* Merge pieces of up to HM_FEW bytes at once; each as it is alone. */
static void check_together(const hm_vocabulary *vocabulary, uint64_t *seed,
                           uint32_t letters, size_t count)
{
    static uint8_t bytes[SOME][HM_FEW];
    static int32_t ranks[SOME][HM_FEW];
    hm_piece pieces[SOME], *all[SOME] = {NULL};
    size_t i;

    for (i = 0; i < count; i++) {
        all[i] = pieces + i;
        pieces[i].length = 1 + random_below(seed, HM_FEW);
        pieces[i].bytes = bytes[i];
        pieces[i].tokens = ranks[i];
        random_piece(seed, letters, bytes[i], pieces[i].length);
    }
    hm_bpe_together(vocabulary, all, count);
    for (i = 0; i < count; i++) {
        hm_tokens found = {ranks[i], pieces[i].count, pieces[i].count};

        slow_merge(bytes[i], pieces[i].length, pieces[i].length);
        CHECK(agrees(vocabulary, &found));
    }
}

static void test_together(void)
{
    uint64_t seed = 8;
    hm_vocabulary vocabulary;
    uint32_t round;

    for (round = 0; round < 12; round++) {
        uint32_t letters = round % 2 ? 1 + round : CHARACTERS + 2 + round;

        train(&seed, letters, 100);
        load(&vocabulary);
        check_together(&vocabulary, &seed, letters, 0);
        check_together(&vocabulary, &seed, letters, 1);
        check_together(&vocabulary, &seed, letters, 2 + round);
        check_together(&vocabulary, &seed, letters, SOME);
        hm_vocabulary_free(&vocabulary);
    }
}

/* ---- Chains ------------------------------------------------------------ */

/* Bytes no two of which follow one another twice. */
static void chain_of(uint64_t *seed, uint8_t *chain, size_t length)
{
    static uint8_t used[256][256];
    size_t i;

    memset(used, 0, sizeof used);
    chain[0] = (uint8_t)random_below(seed, 256);
    for (i = 1; i < length; i++) {
        do
            chain[i] = (uint8_t)random_below(seed, 256);
        while (used[chain[i - 1]][chain[i]]);
        used[chain[i - 1]][chain[i]] = 1;
    }
}

/* Every two neighbours are a token, the last of them first: merging goes from
 * right to left, and where a token ends depends on where the piece ends. No
 * window but one of the whole chain can know. */
static void check_chain(uint64_t *seed, size_t length)
{
    static uint8_t piece[LONGEST_PIECE], chain[LONGEST_PIECE];
    hm_vocabulary vocabulary;
    long even, odd;
    size_t i;

    begin_tokens(seed);
    chain_of(seed, chain, length);
    for (i = length - 1; i > 0; i--)
        add_token(chain + i - 1, 2);
    load(&vocabulary);
    even = check_piece(&vocabulary, chain, length & ~(size_t)1);
    odd = check_piece(&vocabulary, chain, (length & ~(size_t)1) - 1);
    if (length > 2 * WINDOW)
        CHECK(even + odd > 1);
    for (i = 0; i < 4; i++) {
        size_t start = random_below(seed, 150), again = start + length;

        random_piece(seed, 26, piece, start);
        memcpy(piece + start, chain, length);
        memcpy(piece + again, chain, length / 2 + i);
        check_piece(&vocabulary, piece, again + length / 2 + i);
    }
    hm_vocabulary_free(&vocabulary);
}

static void test_chains(void)
{
    uint64_t seed = 5;
    size_t length;

    for (length = 120; length < 300; length += 17)
        check_chain(&seed, length);
    check_chain(&seed, 700);
    check_chain(&seed, 1025);
    check_chain(&seed, 2500);
}

/* No memory for the piece, or for a window that has grown. */
static void test_no_memory(void)
{
    uint8_t chain[901];
    uint64_t seed = 6;
    hm_vocabulary vocabulary;
    hm_tokens none = {NULL, 0, 0};
    long requests, i;

    begin_tokens(&seed);
    chain_of(&seed, chain, sizeof chain);
    for (i = sizeof chain - 1; i > 0; i--)
        add_token(chain + i - 1, 2);
    load(&vocabulary);
    requests = 1 + check_piece(&vocabulary, chain, sizeof chain);
    CHECK(requests > 3);
    for (i = 0; i < requests; i++) {
        refuse_memory(i);
        CHECK(!hm_bpe(&vocabulary, chain, sizeof chain, &none));
    }
    refuse_memory(REFUSE_NONE);
    CHECK(hm_bpe(&vocabulary, chain, sizeof chain, &none));
    CHECK_EQUAL(none.count, sizeof chain / 2 + 1);
    hm_vocabulary_free(&vocabulary);
}

/* A piece whose tokens' size in bytes is no size_t. A host of 32 bits got a
 * buffer of no bytes for 1 GiB of text, and wrote beyond it. */
static void test_piece_too_long(void)
{
    hm_vocabulary vocabulary;
    hm_tokens none = {NULL, 0, 0};
    uint64_t seed = 7;

    begin_tokens(&seed);
    load(&vocabulary);
    CHECK(!hm_bpe(&vocabulary, (const uint8_t *)"x",
                  SIZE_MAX / sizeof(int32_t) + 1, &none));
    CHECK_EQUAL(none.count, 0);
    hm_vocabulary_free(&vocabulary);
}

/* ---- Finding merges ---------------------------------------------------- */

/* The merges of the single bytes and these tokens, from rank 256 on. */
static harmony_status find(hm_vocabulary *vocabulary, const char *const *more,
                           harmony_error *error)
{
    char lines[8192], *to = lines;
    harmony_status status;
    int32_t rank;

    for (rank = 0; rank < 256; rank++) {
        uint8_t byte = (uint8_t)rank;

        to = write_line(to, &byte, 1, rank, "\n");
    }
    for (; *more != NULL; more++, rank++)
        to = write_line(to, *more, strlen(*more), rank, "\n");
    status = hm_vocabulary_load(vocabulary, (uint8_t *)lines,
                                (size_t)(to - lines), error);
    CHECK_EQUAL(status, HARMONY_OK);
    status = hm_find_merges(vocabulary, error);
    CHECK_EQUAL(vocabulary->merges != NULL, status == HARMONY_OK);
    return status;
}

static void check_pair(const hm_vocabulary *vocabulary, int32_t rank,
                       int32_t left, int32_t right)
{
    CHECK_EQUAL(vocabulary->merged_from[rank].left, left);
    CHECK_EQUAL(vocabulary->merged_from[rank].right, right);
    if (left >= 0 && right >= 0)
        CHECK_EQUAL(hm_merge(vocabulary, left, right), rank);
}

/* "abcd" is a token into which nothing merges: its bytes become a, bc, d. */
static void test_unreachable(void)
{
    static const char *const more[] = {"bc", "ab", "cd", "abcd", "abc", NULL};
    hm_vocabulary vocabulary;
    int32_t kept[4] = {0};
    hm_tokens out = {kept, 4, 0};

    CHECK_EQUAL(find(&vocabulary, more, NULL), HARMONY_BAD_VOCABULARY);
    hm_vocabulary_free(&vocabulary);

    CHECK_EQUAL(find(&vocabulary,
                     (const char *const[]){"bc", "ab", "cd", "abcd", NULL},
                     NULL),
                HARMONY_OK);
    check_pair(&vocabulary, 256, 'b', 'c');
    check_pair(&vocabulary, 259, -1, -1);
    check_pair(&vocabulary, 'a', 'a', -1);
    CHECK_EQUAL(hm_rank(&vocabulary, (const uint8_t *)"abcd", 4), 259);
    CHECK_EQUAL(hm_merge(&vocabulary, 257, 258), -1);
    CHECK(hm_bpe(&vocabulary, (const uint8_t *)"abcd", 4, &out));
    CHECK_EQUAL(out.count, 3);
    CHECK(kept[0] == 'a' && kept[1] == 256 && kept[2] == 'd');
    hm_vocabulary_free(&vocabulary);
}

/* The last token is longer than a window, which needs memory of its own. */
static void test_no_memory_for_merges(void)
{
    uint8_t run[256];
    uint64_t seed = 10;
    hm_vocabulary vocabulary;
    harmony_error error;
    size_t length;
    long refused;

    memset(run, 'a', sizeof run);
    begin_tokens(&seed);
    for (length = 2; length <= sizeof run; length *= 2)
        add_token(run, length);
    for (refused = 0;; refused++) {
        memset(&error, 0, sizeof error);
        load_without_merges(&vocabulary);
        refuse_memory(refused);
        if (hm_find_merges(&vocabulary, &error) == HARMONY_OK)
            break;
        CHECK_EQUAL(error.status, HARMONY_NO_MEMORY);
        CHECK_EQUAL(error.position, -1);
        CHECK_STRING(error.message,
                     "no memory for the merges of the vocabulary");
        hm_vocabulary_free(&vocabulary);
    }
    CHECK(refused > 2);
    refuse_memory(REFUSE_NONE);
    hm_vocabulary_free(&vocabulary);
}

static void test_not_byte_pair(void)
{
    hm_vocabulary vocabulary;
    harmony_error error;

    CHECK_EQUAL(find(&vocabulary,
                     (const char *const[]){"xy", "abc", "bc", NULL}, &error),
                HARMONY_BAD_VOCABULARY);
    CHECK_EQUAL(error.status, HARMONY_BAD_VOCABULARY);
    CHECK_EQUAL(error.position, 257);
    CHECK_STRING(error.message, "not a byte-pair vocabulary: rank 257 merges "
                                "from a higher one");
    hm_vocabulary_free(&vocabulary);
    CHECK_EQUAL(
        find(&vocabulary, (const char *const[]){"abc", "ab", NULL}, NULL),
        HARMONY_BAD_VOCABULARY);
    hm_vocabulary_free(&vocabulary);
}

void test_bpe(void)
{
    test_random();
    test_characters();
    test_lengths();
    test_long_tokens();
    test_together();
    test_chains();
    test_no_memory();
    test_no_memory_for_merges();
    test_piece_too_long();
    test_unreachable();
    test_not_byte_pair();
}
