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

size_t hm_piece_end(const uint8_t *text, size_t length, size_t start)
{
    const uint8_t *end = text + length;
    const uint8_t *from = text + start;
    const uint8_t *to = word(from, end);

    if (to == NULL)
        to = number(from, end);
    if (to == from)
        to = symbols(from, end);
    if (to == from)
        to = white_space(from, end);
    return (size_t)(to - text);
}
