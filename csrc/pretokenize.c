/*
 * The o200k pattern, by hand. Its alternatives, tried in this order:
 *
 *   1  [^\r\n\p{L}\p{N}]? [HEAD]* [TAIL]+ (?i:'s|'t|'re|'ve|'m|'ll|'d)?
 *   2  [^\r\n\p{L}\p{N}]? [HEAD]+ [TAIL]* (?i:'s|'t|'re|'ve|'m|'ll|'d)?
 *   3  \p{N}{1,3}
 *   4  " "? [^\s\p{L}\p{N}]+ [\r\n/]*
 *   5  \s* [\r\n]+
 *   6  \s+ (?!\S)
 *   7  \s+
 *
 * with HEAD = Lu Lt Lm Lo M and TAIL = Ll Lm Lo M. What a backtracking engine
 * finds by giving back characters is worked out here in one pass over a run:
 * see `struct word_ends` and `white_space`. No run is passed over more than a
 * few times, so the cost is linear.
 */
#include "pretokenize.h"

#include <string.h>

#include "machine.h"
#include "unicode.h"

#define BIT(class) (1u << (class))

enum {
    LETTERS = BIT(HM_UPPER) | BIT(HM_LOWER) | BIT(HM_LETTER),
    HEAD = BIT(HM_UPPER) | BIT(HM_LETTER) | BIT(HM_MARK),
    TAIL = BIT(HM_LOWER) | BIT(HM_LETTER) | BIT(HM_MARK),
    PREFIX = BIT(HM_OTHER) | BIT(HM_MARK) | BIT(HM_SPACE),
    SYMBOL = BIT(HM_OTHER) | BIT(HM_MARK),
    WHITE = BIT(HM_SPACE) | BIT(HM_NEWLINE)
};

static unsigned class_bit(const uint8_t *at, const uint8_t *end, size_t *size)
{
    return BIT(hm_class_at(at, end, size));
}

/* The end of the run of characters of some classes. */
static const uint8_t *run_of(unsigned classes, const uint8_t *at,
                             const uint8_t *end)
{
    size_t size;

    while (at < end && (class_bit(at, end, &size) & classes))
        at += size;
    return at;
}

/* What alternatives 1 and 2, without their optional ends, match at a place;
 * NULL where they don't. */
struct word_ends {
    const uint8_t *first;  /* [HEAD]* [TAIL]+ */
    const uint8_t *second; /* [HEAD]+ [TAIL]*, valid if the first is NULL */
};

/* The longest run of HEAD is taken. If a TAIL-only character follows, the run
 * of TAIL from there ends the word. If not, HEAD gives back characters until
 * one of them serves as TAIL: the last in the run that is in both classes, and
 * it alone, for what stands behind it is upper case. */
static struct word_ends word_at(const uint8_t *start, const uint8_t *end)
{
    struct word_ends word = {NULL, NULL};
    const uint8_t *at = start;
    unsigned bit = 0;
    size_t size;

    while (at < end && ((bit = class_bit(at, end, &size)) & HEAD)) {
        at += size;
        if (bit & TAIL)
            word.first = at;
    }
    if (at < end && (bit & TAIL))
        word.first = run_of(TAIL, at, end);
    else if (at > start)
        word.second = at;
    return word;
}

/* The end of an optional 's 't 're 've 'm 'll 'd, in any case; U+017F is an s
 * without regard to case. */
static const uint8_t *contraction(const uint8_t *at, const uint8_t *end)
{
    uint8_t first, second;

    if (end - at < 2 || at[0] != '\'')
        return at;
    first = at[1] | 0x20;
    if (first == 's' || first == 't' || first == 'm' || first == 'd')
        return at + 2;
    if (end - at < 3)
        return at;
    second = at[2] | 0x20;
    if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e')
        || (first == 'l' && second == 'l'))
        return at + 3;
    if (at[1] == 0xC5 && at[2] == 0xBF)
        return at + 3;
    return at;
}

/* Alternatives 1 and 2; NULL if neither matches. */
static const uint8_t *word(const uint8_t *start, const uint8_t *end)
{
    struct word_ends plain, prefixed = {NULL, NULL};
    size_t size;
    unsigned bit = class_bit(start, end, &size);

    if (bit & PREFIX) {
        prefixed = word_at(start + size, end);
        if (prefixed.first != NULL)
            return contraction(prefixed.first, end);
    }
    if (bit & (LETTERS | BIT(HM_MARK))) {
        plain = word_at(start, end);
        if (plain.first != NULL)
            return contraction(plain.first, end);
        return contraction(plain.second, end);
    }
    if (prefixed.second != NULL)
        return contraction(prefixed.second, end);
    return NULL;
}

/* Alternative 3. */
static const uint8_t *number(const uint8_t *at, const uint8_t *end)
{
    size_t size;
    int digits;

    for (digits = 0; digits < 3 && at < end; digits++) {
        if (!(class_bit(at, end, &size) & BIT(HM_NUMBER)))
            break;
        at += size;
    }
    return at;
}

/* Alternative 4; `start` itself if it does not match. */
static const uint8_t *symbols(const uint8_t *start, const uint8_t *end)
{
    const uint8_t *from = *start == ' ' ? start + 1 : start;
    const uint8_t *at = run_of(SYMBOL, from, end);

    if (at == from)
        return start;
    while (at < end && (*at == '\r' || *at == '\n' || *at == '/'))
        at++;
    return at;
}

/* Alternatives 5, 6 and 7: up to the last line break of the run, if it has
 * one; else the run, less its last character if text follows (which that
 * character may then be the prefix of), unless it has only one. */
static const uint8_t *white_space(const uint8_t *start, const uint8_t *end)
{
    const uint8_t *at = start, *last = start, *line_end = NULL;
    unsigned bit;
    size_t size;

    while (at < end && ((bit = class_bit(at, end, &size)) & WHITE)) {
        last = at;
        at += size;
        if (bit & BIT(HM_NEWLINE))
            line_end = at;
    }
    if (line_end != NULL)
        return line_end;
    return at == end || last == start ? at : last;
}

static const uint8_t *piece_end(const uint8_t *start, const uint8_t *end)
{
    const uint8_t *to = word(start, end);

    if (to == NULL)
        to = number(start, end);
    if (to == start)
        to = symbols(start, end);
    if (to == start)
        to = white_space(start, end);
    return to;
}

/* ---- Many pieces at once ------------------------------------------------ */

/* Most text is ASCII and letters with case, and there the pattern can be worked
 * out for 64 bytes at once: one number for each class says, a bit a byte, where
 * it stands, and a few operations on these numbers give the bits where pieces
 * start. The first byte of a window is the start of a piece, so what stands
 * before it does not matter. What needs more than a look at the neighbours is
 * left to piece_end: the pieces of a window are taken up to there. */
#define WINDOW 64

struct classes {
    uint64_t upper, lower, digit, blank, tab, newline, symbol;
    uint64_t apostrophe; /* a symbol too */
    uint64_t unknown;    /* in none of these classes */
};

/* What a machine offers for 16 bytes: those of them that are in a range of
 * `count` bytes, or are one byte; and a bit for each byte of four times 16. */
#if defined(__SSE2__)
#include <emmintrin.h>
#define HAS_VECTORS

typedef __m128i vector;

static inline vector load(const void *at)
{
    return _mm_loadu_si128(at);
}

static inline vector within(vector bytes, int first, int count)
{
    vector low = _mm_sub_epi8(bytes, _mm_set1_epi8((char)(first - 128)));

    return _mm_cmplt_epi8(low, _mm_set1_epi8((char)(count - 128)));
}

static inline vector same(vector bytes, int byte)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)byte));
}

static inline uint64_t bits_of(vector a, vector b, vector c, vector d)
{
    return (uint64_t)_mm_movemask_epi8(a) | (uint64_t)_mm_movemask_epi8(b) << 16
           | (uint64_t)_mm_movemask_epi8(c) << 32
           | (uint64_t)_mm_movemask_epi8(d) << 48;
}
#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(__ARM_BIG_ENDIAN)
#include <arm_neon.h>
#define HAS_VECTORS

typedef uint8x16_t vector;

static inline vector load(const void *at)
{
    return vld1q_u8(at);
}

static inline vector within(vector bytes, int first, int count)
{
    vector low = vsubq_u8(bytes, vdupq_n_u8((uint8_t)first));

    return vcltq_u8(low, vdupq_n_u8((uint8_t)count));
}

static inline vector same(vector bytes, int byte)
{
    return vceqq_u8(bytes, vdupq_n_u8((uint8_t)byte));
}

/* Each byte keeps the bit of its place in eight; neighbours are added until
 * eight bytes are one. */
static inline uint64_t bits_of(vector a, vector b, vector c, vector d)
{
    const vector place = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
    vector ab = vpaddq_u8(vandq_u8(a, place), vandq_u8(b, place));
    vector cd = vpaddq_u8(vandq_u8(c, place), vandq_u8(d, place));
    vector all = vpaddq_u8(ab, cd);

    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#define HAS_VECTORS

typedef v128_t vector;

static inline vector load(const void *at)
{
    return wasm_v128_load(at);
}

static inline vector within(vector bytes, int first, int count)
{
    vector low = wasm_i8x16_sub(bytes, wasm_i8x16_splat((int8_t)first));

    return wasm_u8x16_lt(low, wasm_u8x16_splat((uint8_t)count));
}

static inline vector same(vector bytes, int byte)
{
    return wasm_i8x16_eq(bytes, wasm_i8x16_splat((int8_t)byte));
}

static inline uint64_t bits_of(vector a, vector b, vector c, vector d)
{
    return (uint64_t)wasm_i8x16_bitmask(a)
           | (uint64_t)wasm_i8x16_bitmask(b) << 16
           | (uint64_t)wasm_i8x16_bitmask(c) << 32
           | (uint64_t)wasm_i8x16_bitmask(d) << 48;
}
#endif

#if defined(HAS_VECTORS)
static inline uint64_t in_range(const vector *of, int first, int count)
{
    return bits_of(within(of[0], first, count), within(of[1], first, count),
                   within(of[2], first, count), within(of[3], first, count));
}

static inline uint64_t equal_to(const vector *of, int byte)
{
    return bits_of(same(of[0], byte), same(of[1], byte), same(of[2], byte),
                   same(of[3], byte));
}

/* The classes of WINDOW bytes; those beyond ASCII are unknown. */
static inline void classify(const uint8_t *at, struct classes *c)
{
    const vector of[4]
        = {load(at), load(at + 16), load(at + 32), load(at + 48)};

    c->lower = in_range(of, 'a', 26);
    c->upper = in_range(of, 'A', 26);
    c->digit = in_range(of, '0', 10);
    c->blank = equal_to(of, ' ');
    c->newline = equal_to(of, '\n') | equal_to(of, '\r');
    c->tab = in_range(of, '\t', 5) & ~c->newline;
    c->apostrophe = equal_to(of, '\'');
    c->unknown = in_range(of, 0x80, 0x80);
    c->symbol = ~(c->lower | c->upper | c->digit | c->blank | c->tab
                  | c->newline | c->unknown);
}
#else
static inline void classify(const uint8_t *at, struct classes *c)
{
    uint64_t of[HM_NEWLINE + 1] = {0};
    int i;

    memset(c, 0, sizeof *c);
    for (i = 0; i < WINDOW; i++) {
        uint64_t bit = (uint64_t)1 << i;

        if (at[i] < 0x80)
            of[hm_class_in_block[at[i]]] |= bit;
        else
            c->unknown |= bit;
        if (at[i] == ' ')
            c->blank |= bit;
        if (at[i] == '\'')
            c->apostrophe |= bit;
    }
    c->upper = of[HM_UPPER];
    c->lower = of[HM_LOWER];
    c->digit = of[HM_NUMBER];
    c->tab = of[HM_SPACE] & ~c->blank;
    c->newline = of[HM_NEWLINE];
    c->symbol = of[HM_OTHER];
}
#endif

/* Add the letters with case beyond ASCII. From the first other character on,
 * all is unknown. */
static void add_letters(const uint8_t *at, struct classes *c)
{
    uint64_t left = c->unknown, known = ~(uint64_t)0;

    while (left != 0 && known == ~(uint64_t)0) {
        unsigned i = hm_lowest_bit(left);
        size_t size;
        enum hm_class class = hm_class_at(at + i, at + WINDOW, &size);
        uint64_t bits = (((uint64_t)1 << size) - 1) << i;

        if (class == HM_UPPER)
            c->upper |= bits;
        else if (class == HM_LOWER)
            c->lower |= bits;
        else
            known = ((uint64_t)1 << i) - 1;
        left &= ~bits;
    }
    c->upper &= known;
    c->lower &= known;
    c->digit &= known;
    c->blank &= known;
    c->tab &= known;
    c->newline &= known;
    c->symbol &= known;
    c->apostrophe &= known;
    c->unknown = ~known;
}

/* What follows a byte, for the last byte of the window, is unknown. */
static uint64_t before(uint64_t bits)
{
    return bits >> 1 | (uint64_t)1 << (WINDOW - 1);
}

/* The line breaks that alternative 4 takes, right behind symbols: adding a
 * run's first bit carries through the run. */
static uint64_t taken_breaks(const struct classes *c)
{
    return c->newline & ~(c->newline + (c->newline & c->symbol << 1));
}

/* The digits that start a piece: every third of a run. */
static uint64_t digit_starts(uint64_t digit)
{
    uint64_t starts = 0, at = digit & ~(digit << 1);
    uint64_t fourth = digit & digit << 1 & digit << 2 & digit << 3;

    for (; at != 0; at = at << 3 & fourth)
        starts |= at;
    return starts;
}

/* The bytes that the rules of piece_starts may be wrong about, or about what
 * comes before them in their piece:
 * - an apostrophe inside of a word, for it may begin a contraction;
 * - a "/" behind line breaks that belong to symbols, which takes it too;
 * - spaces that begin a line, if a line break ends them, for all of this is one
 *   piece, or if it is not known what ends them. */
static uint64_t doubtful(const uint8_t *at, const struct classes *c)
{
    uint64_t letter = c->upper | c->lower, space = c->blank | c->tab;
    uint64_t taken = taken_breaks(c), slash = taken << 1 & c->symbol;
    uint64_t indent = space & (c->newline & ~taken) << 1, end;
    uint64_t doubt = c->unknown;

    doubt |= c->apostrophe & letter << 1 & before(letter | c->unknown);
    for (; slash != 0; slash &= slash - 1)
        if (at[hm_lowest_bit(slash)] == '/')
            doubt |= slash & (0 - slash);
    end = (space + indent) & ~space;
    if ((end & (c->newline | c->unknown)) || space >> (WINDOW - 1))
        doubt |= indent;
    return doubt;
}

/* A bit for each byte of a window that starts a piece, as far as that is
 * sure. */
static uint64_t piece_starts(const uint8_t *at)
{
    struct classes c;
    uint64_t letter, space, white, single, starts, doubt;

    classify(at, &c);
    if (c.unknown != 0)
        add_letters(at, &c);
    letter = c.upper | c.lower;
    space = c.blank | c.tab;
    white = space | c.newline;
    /* A symbol with no blank or symbol before it. If it is alone, the word
     * behind it is in the same piece. */
    single = c.symbol & ~((c.symbol | c.blank) << 1);
    starts = single | digit_starts(c.digit)
             | (letter & (c.digit | c.newline) << 1) | (c.upper & c.lower << 1)
             | (letter & (c.symbol & ~single) << 1)
             | (space & ~(space << 1)) /* white space, and its last character */
             | (space & ~before(white | c.unknown))
             | (c.newline & ~((white | c.symbol) << 1));
    doubt = doubtful(at, &c);
    return doubt == 0 ? starts : starts & ((doubt & (0 - doubt)) - 1);
}

/* The same near the end of a text, which is like bytes of no class. */
static uint64_t last_piece_starts(const uint8_t *at, size_t length)
{
    uint8_t window[WINDOW];

    memset(window, 0xFF, sizeof window);
    memcpy(window, at, length);
    return piece_starts(window);
}

size_t hm_split(const uint8_t *text, size_t length, size_t start,
                uint32_t *ends, size_t room)
{
    const uint8_t *at = text + start, *end = text + length;
    size_t count = 0;

    while (room - count >= WINDOW && at < end) {
        uint32_t place = (uint32_t)(at - text);
        size_t left = (size_t)(end - at);
        uint64_t starts = 0;

        /* Many scripts, which have no case, begin with a byte from E0 on. */
        if (left > 2 && at[1] < 0xE0)
            starts = left < WINDOW ? last_piece_starts(at, left)
                                   : piece_starts(at);
        starts &= ~(uint64_t)1;
        if (starts == 0)
            ends[count++] = (uint32_t)(piece_end(at, end) - text);
        for (; starts != 0; starts &= starts - 1)
            ends[count++] = place + hm_lowest_bit(starts);
        at = text + ends[count - 1];
    }
    return count;
}
