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
 * see `struct word` and `white_space`. No run is passed over more than three
 * times, so the cost is linear.
 */
#include "pretokenize.h"

#include "machine.h"
#include "unicode.h"
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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
struct word {
    const uint8_t *first;  /* [HEAD]* [TAIL]+ */
    const uint8_t *second; /* [HEAD]+ [TAIL]*, valid if the first is NULL */
};

/* The longest run of HEAD is taken. If a TAIL-only character follows, the run
 * of TAIL from there ends the word. If not, HEAD gives back characters until
 * one of them serves as TAIL: the last in the run that is in both classes, and
 * it alone, for what stands behind it is upper case. */
static struct word word_at(const uint8_t *start, const uint8_t *end)
{
    struct word word = {NULL, NULL};
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
    struct word plain, prefixed = {NULL, NULL};
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

#define WINDOW 64

/* One bit for each byte of a window, by its class. */
struct classes {
    uint64_t upper, lower, digit, blank, tab, newline, symbol, high;
};

#if defined(__SSE2__)
static inline unsigned in_range(__m128i v, char first, int count)
{
    __m128i low = _mm_sub_epi8(v, _mm_set1_epi8((char)(first + 128)));
    return (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(low, _mm_set1_epi8((char)(count - 128))));
}
static inline unsigned equal_to(__m128i v, char c)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(c)));
}
static inline void classify(const uint8_t *at, struct classes *c)
{
    int i;
    memset(c, 0, sizeof *c);
    for (i = 0; i < 64; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(at + i));
        unsigned newline = equal_to(v, '\n') | equal_to(v, '\r');
        c->lower |= (uint64_t)in_range(v, 'a', 26) << i;
        c->upper |= (uint64_t)in_range(v, 'A', 26) << i;
        c->digit |= (uint64_t)in_range(v, '0', 10) << i;
        c->blank |= (uint64_t)equal_to(v, ' ') << i;
        c->tab |= (uint64_t)(in_range(v, '\t', 5) & ~newline) << i;
        c->newline |= (uint64_t)newline << i;
        c->high |= (uint64_t)(unsigned)_mm_movemask_epi8(v) << i;
    }
    c->symbol = ~(c->lower | c->upper | c->digit | c->blank | c->tab | c->newline | c->high);
}
#else
static inline void classify(const uint8_t *at, struct classes *c)
{
    uint64_t masks[9] = {0};
    int i;
    for (i = 0; i < 64; i++) {
       unsigned b = at[i];
       unsigned k = b >= 0x80 ? 8 : b == ' ' ? 4 : hm_class_in_block[b];
       masks[k] |= (uint64_t)1 << i;
    }
    c->upper = masks[HM_UPPER]; c->lower = masks[HM_LOWER]; c->digit = masks[HM_NUMBER]; c->newline = masks[HM_NEWLINE];
    c->blank = masks[4]; c->tab = masks[HM_SPACE]; c->high = masks[8]; c->symbol = masks[HM_OTHER];
}
#endif

/* Add the letters with case beyond ASCII; the bytes from the first other character on are unknown. */
static uint64_t add_letters(const uint8_t *at, struct classes *c)
{
    uint64_t high = c->high;

    while (high != 0) {
        int i = hm_lowest_bit(high);
        size_t size;
        enum hm_class class = hm_class_at(at + i, at + WINDOW, &size);
        uint64_t bits = (((uint64_t)1 << size) - 1) << i;
        if (class == HM_UPPER)
            c->upper |= bits;
        else if (class == HM_LOWER)
            c->lower |= bits;
        else
            return ~(uint64_t)0 << i;
        high &= ~bits;
    }
    return 0;
}

/* apostrophes */
static uint64_t find_starts(const uint8_t *at)
{
    struct classes c;
    uint64_t unknown, letter, space, white, absorbed, starts, cut, run, digits, odd, later;

    classify(at, &c);
    unknown = c.high ? add_letters(at, &c) : 0;
    if (unknown) {
      uint64_t known = ~unknown;
      c.upper &= known; c.lower &= known; c.digit &= known; c.blank &= known; c.tab &= known; c.newline &= known; c.symbol &= known;
    }
    letter = c.upper | c.lower;
    space = c.blank | c.tab;
    white = space | c.newline | unknown;
    absorbed = c.newline & ~(c.newline + (c.newline & c.symbol << 1));
    run = space & ~(space << 1);
    starts = (letter & (c.digit | c.newline) << 1)
        | (c.upper & c.lower << 1)
        | (letter & c.symbol << 1 & ~((c.symbol & ~((c.symbol | c.blank) << 1)) << 1))
        | (c.symbol & ~((c.symbol | c.blank) << 1))
        | run
        | (space & ~(white >> 1 | (uint64_t)1 << 63))
        | (c.newline & ~((space | c.newline | c.symbol) << 1));
    digits = c.digit & ~(c.digit << 1);
    later = c.digit & c.digit << 1 & c.digit << 2 & c.digit << 3;
    while (digits) {
        starts |= digits;
        digits = digits << 3 & later;
    }
    odd = unknown;
    /* contraction */
    {
       uint64_t behind = c.symbol & letter << 1 & ((letter | unknown) >> 1 | (uint64_t)1 << 63);
       if (behind) { 
        uint64_t b = behind; 
        while (b) { int i = hm_lowest_bit(b); if (at[i] == '\'') { odd |= (uint64_t)1 << i; break; } b &= b - 1; }
       }
    }
    {
       uint64_t slash = absorbed << 1 & c.symbol;
       while (slash) { int i = hm_lowest_bit(slash); if (at[i] == '/') { odd |= (uint64_t)1 << i; break; } slash &= slash - 1; }
    }
    {
       uint64_t ambiguous = run & (c.newline & ~absorbed) << 1;
       if (ambiguous) {
         uint64_t reached = (space + ambiguous) & ~space;
         /* runs that reach bit 63 overflow to nothing */
         if ((reached & (c.newline | unknown)) || (space >> 63)) odd |= ambiguous;
       }
    }
    cut = odd & -odd;
    return odd ? starts & (cut - 1) : starts;
}

size_t hm_split(const uint8_t *text, size_t length, size_t start,
                uint32_t *ends, size_t room)
{
    const uint8_t *at = text + start, *end = text + length;
    size_t count = 0;

    while (room - count >= WINDOW && at < end) {
        uint64_t starts = 0;
        uint32_t base = (uint32_t)(at - text);

        if (end - at > WINDOW && at[1] < 0xE0)
            starts = find_starts(at) & ~(uint64_t)1;
        if (starts == 0)
            ends[count++] = (uint32_t)(piece_end(at, end) - text);
        for (; starts != 0; starts &= starts - 1)
            ends[count++] = base + hm_lowest_bit(starts);
        at = text + ends[count - 1];
    }
    return count;
}
