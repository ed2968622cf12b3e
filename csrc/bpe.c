/*
 * Byte-pair merging: start from single bytes and join, again and again, the
 * adjacent pair that merges into the token of the lowest rank, the leftmost of
 * equals. Two facts are used, for a vocabulary in which every token merges from
 * two tokens of lower rank, or is a byte:
 *
 * 1. Merges happen in the order of their ranks, so a rank is also a time.
 *
 * 2. A sequence of tokens is the merging of its bytes exactly when each two
 *    neighbours are the merging of theirs. (If any merge crossed a border, the
 *    first that did would come up between those two tokens alone as well, since
 *    all that happened before it happened inside tokens.)
 *
 * A piece can be a megabyte (base64, Chinese, "===="), and merging is fast only
 * on what fits in the nearest cache. So a long piece is merged a window at a
 * time. The last tokens of a window, which the bytes behind it might change,
 * are left to the next window. Where two windows meet, the tokens on both sides
 * of the joint have to stay apart; by fact 2, that is all there is to check.
 * Where they don't, which is rare, we go back some tokens and take a window
 * twice as long.
 */
#include "bpe.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

#define WINDOW 128

/* ---- Two tokens -------------------------------------------------------- */

/* When a token came into being: before all merges, if it is a byte. */
static int32_t time_of(const hm_vocabulary *vocabulary, int32_t token)
{
    return vocabulary->merged_from[token].right < 0 ? -1 : token;
}

/* Whether the merging of two tokens' bytes is those two tokens. The tokens on
 * both sides of the border are followed back in time: the one that came later
 * is replaced by the part of it that touches the border. If the two that touch
 * it at some time merge into something before (`limit`) the younger of their
 * successors came, then it would never have come. At the same time, the left
 * one goes first. */
static int stay_apart(const hm_vocabulary *vocabulary, int32_t left,
                      int32_t right)
{
    int32_t limit = INT32_MAX;

    for (;;) {
        int32_t rank = hm_merge(vocabulary, left, right);
        int32_t left_time = time_of(vocabulary, left);
        int32_t right_time = time_of(vocabulary, right);

        if (rank >= 0 && rank < limit)
            return 0;
        if (left_time < 0 && right_time < 0)
            return 1;
        if (left_time > right_time) {
            limit = left;
            left = vocabulary->merged_from[left].right;
        } else {
            limit = right + 1;
            right = vocabulary->merged_from[right].left;
        }
    }
}

/* ---- What to begin with ------------------------------------------------- */

/* The rank of the character at `at`, whose code point and size are known, if
 * all its bytes have joined before anything reaches across its borders; else
 * 0. */
static int32_t sure_character(const hm_vocabulary *vocabulary,
                              const uint8_t *bytes, size_t length, size_t at,
                              uint32_t code_point, size_t size)
{
    int32_t rank = vocabulary->rank_of_char[code_point];
    size_t end = at + size;

    if (at > 0 && rank >= hm_border(vocabulary, bytes[at - 1], bytes[at]))
        return 0;
    if (end < length
        && (bytes[end] >> 6 == 2
            || rank >= hm_border(vocabulary, bytes[end - 1], bytes[end])))
        return 0;
    return rank;
}

/* The parts of some bytes that merging can begin with: whole characters, where
 * that is sure to be on the way, and else bytes. That saves half of the merges
 * in most languages. Merges happen in the order of their ranks. So what could
 * keep the bytes of a character from joining at the time of its rank is a token
 * of a lower rank that reaches across one of its borders, with a part of it;
 * tokens that hold all of it come later than itself. */
static size_t parts_of(const hm_vocabulary *vocabulary, const uint8_t *bytes,
                       size_t length, int32_t *parts)
{
    size_t count = 0, at = 0;

    while (at < length) {
        uint32_t code_point;
        size_t size;
        int32_t rank = 0;

        if (bytes[at] >= 0xC2 && vocabulary->merges != NULL
            && (size = hm_char_at(bytes + at, length - at, &code_point)) > 0)
            rank = sure_character(vocabulary, bytes, length, at, code_point,
                                  size);
        if (rank == 0) {
            rank = vocabulary->rank_of_byte[bytes[at]];
            size = 1;
        }
        parts[count++] = rank;
        at += size;
    }
    return count;
}

/* ---- One window -------------------------------------------------------- */

/* The parts of a window, joining up. A part is known by its first place; when
 * no merges are known, that is the place of a byte. `best` is a tournament: the
 * leaf of a part, at `leaves` + place, is the merge with the part behind it,
 * rank above place, so that the least is the one to make next; every node above
 * is the lesser of its two children. */
struct merging {
    const hm_vocabulary *vocabulary;
    const uint8_t *bytes;
    int32_t *token;
    int32_t *previous;
    int32_t *next;
    uint64_t *best;
    int32_t length;
    size_t leaves;
};

#define NO_MERGE UINT64_MAX

/* Memory for one byte of a window, at most: there are less than twice as many
 * leaves as bytes, and as many nodes above them. */
#define WINDOW_BYTE_ROOM (4 * sizeof(uint64_t) + 3 * sizeof(int32_t))

static uint64_t lesser(const uint64_t *pair)
{
    return pair[0] < pair[1] ? pair[0] : pair[1];
}

/* Ask for the memory that merge_at reads. */
static void ask_at(const struct merging *m, int32_t place)
{
    int32_t next = m->next[place];

    if (next < m->length && m->vocabulary->merges != NULL)
        HM_PREFETCH(hm_merge_line_of(
            m->vocabulary, hm_pair_of(m->token[place], m->token[next])));
}

static uint64_t merge_at(const struct merging *m, int32_t place)
{
    int32_t next = m->next[place], rank;

    if (next == m->length)
        return NO_MERGE;
    if (m->vocabulary->merges != NULL)
        rank = hm_merge(m->vocabulary, m->token[place], m->token[next]);
    else if (place == 0 && m->next[next] == m->length)
        rank = -1; /* it is the token whose merge is looked for */
    else
        rank = hm_rank(m->vocabulary, m->bytes + place,
                       (size_t)(m->next[next] - place));
    return rank < 0 ? NO_MERGE : (uint64_t)rank << 32 | (uint32_t)place;
}

static void set_leaf(struct merging *m, int32_t place, uint64_t merge)
{
    size_t node = m->leaves + (size_t)place;

    m->best[node] = merge;
    for (node /= 2; node > 0; node /= 2) {
        uint64_t least = lesser(m->best + 2 * node);

        if (m->best[node] == least)
            break;
        m->best[node] = least;
    }
}

static void begin_merging(struct merging *m)
{
    uint64_t *leaf = m->best + m->leaves;
    int32_t i;
    size_t node;

    for (i = 0; i < m->length; i++) {
        m->previous[i] = i - 1;
        m->next[i] = i + 1;
    }
    for (i = 0; i < m->length; i++)
        ask_at(m, i);
    for (i = 0; i < m->length; i++)
        *leaf++ = merge_at(m, i);
    while (leaf < m->best + 2 * m->leaves)
        *leaf++ = NO_MERGE;
    for (node = m->leaves - 1; node > 0; node--)
        m->best[node] = lesser(m->best + 2 * node);
}

/* Make the best merge, as long as there is one. */
static void run_merging(struct merging *m)
{
    while (m->best[1] != NO_MERGE) {
        int32_t place = (int32_t)(m->best[1] & UINT32_MAX);
        int32_t gone = m->next[place];

        m->token[place] = (int32_t)(m->best[1] >> 32);
        m->next[place] = m->next[gone];
        if (m->next[gone] < m->length)
            m->previous[m->next[gone]] = place;
        ask_at(m, place);
        if (place > 0)
            ask_at(m, m->previous[place]);
        set_leaf(m, gone, NO_MERGE);
        set_leaf(m, place, merge_at(m, place));
        if (place > 0)
            set_leaf(m, m->previous[place], merge_at(m, m->previous[place]));
    }
}

/* ---- A few bytes -------------------------------------------------------- */

/* Of a few bytes, it is quickest to look at all merges for the least one. A
 * merge is its rank above its place; without one, the rank is -1. Places count
 * from 1; before the first part and behind the last one stands an end, which is
 * a part that merges with nothing. */
#define FEW HM_FEW
#define PLACE_BITS 6
#define NO_FEW (UINT32_MAX << PLACE_BITS)
#define TOGETHER 8 /* merges that are compared in one go */

/* Two parts, and the memory that says whether they merge. */
struct question {
    uint64_t inside; /* all bits if none of them is an end; else 0 */
    uint64_t pair;
    const hm_merge_line *line;
};

struct few {
    hm_piece *piece;
    uint64_t parts;  /* a bit for the place of each part and of the two ends */
    unsigned length; /* places that there were at first */
    int is_new;      /* the first merges are still to be read */
    int is_ascii;
    unsigned place;        /* the part that the last merge made, */
    unsigned before;       /* the one before it, */
    struct question left;  /* whether these two merge, */
    struct question right; /* and it and the one behind it */
    int32_t token[FEW + 2];
    uint32_t best[FEW + TOGETHER];
};

static inline uint64_t bit_of(unsigned place)
{
    return (uint64_t)1 << place;
}

static inline uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t least_of(const uint32_t *best, unsigned count)
{
    uint32_t found = UINT32_MAX;
    const uint32_t *b;

    for (b = best; b < best + count; b += TOGETHER)
        found
            = least(found, least(least(least(b[0], b[1]), least(b[2], b[3])),
                                 least(least(b[4], b[5]), least(b[6], b[7]))));
    return found;
}

static inline uint32_t few_merge(int32_t rank, unsigned place)
{
    return (uint32_t)rank << PLACE_BITS | place;
}

static int is_ascii(const uint8_t *bytes, size_t length)
{
    uint8_t all = 0;
    size_t i;

    for (i = 0; i < length; i++)
        all |= bytes[i];
    return all < 0x80;
}

/* Begin with a piece, and ask for what its first parts merge into. */
static void begin_few(struct few *few, const hm_vocabulary *vocabulary,
                      hm_piece *piece)
{
    unsigned i, length = (unsigned)parts_of(vocabulary, piece->bytes,
                                            piece->length, few->token + 1);

    few->piece = piece;
    few->parts = bit_of(length + 2) - 1;
    few->length = length;
    few->is_new = 1;
    few->is_ascii = is_ascii(piece->bytes, piece->length);
    few->token[0] = few->token[length + 1] = 0;
    few->best[0] = NO_FEW;
    for (i = length; i % TOGETHER != 0; i++)
        few->best[i] = NO_FEW;
    for (i = 1; i < length && !few->is_ascii; i++)
        HM_PREFETCH(hm_merge_line_of(
            vocabulary, hm_pair_of(few->token[i], few->token[i + 1])));
}

/* Those of ASCII are in a table of their own. */
static void first_merges(struct few *few, const hm_vocabulary *vocabulary)
{
    const uint8_t *bytes = few->piece->bytes;
    unsigned i;

    few->is_new = 0;
    for (i = 1; i < few->length; i++) {
        int32_t rank
            = few->is_ascii
                  ? vocabulary->ascii_merges[bytes[i - 1]][bytes[i]]
                  : hm_merge(vocabulary, few->token[i], few->token[i + 1]);

        few->best[i] = few_merge(rank, i);
    }
}

/* The part at a place and the one behind it, as one number; `inside` has all
 * bits if both are there, else none. */
static inline struct question ask(const hm_vocabulary *vocabulary,
                                  const struct few *few, unsigned left,
                                  unsigned right)
{
    struct question question;

    question.inside = 0 - (uint64_t)(left > 0 && right <= few->length);
    question.pair
        = hm_pair_of(few->token[left], few->token[right]) & question.inside;
    question.line = hm_merge_line_of(vocabulary, question.pair);
    HM_PREFETCH(question.line);
    return question;
}

/* Make the least merge, and ask for what the new part merges with; 0 if there
 * is none. */
static int make_merge(struct few *few, const hm_vocabulary *vocabulary)
{
    uint32_t best = least_of(few->best, few->length);
    unsigned place = best % (1u << PLACE_BITS), gone, before, after;

    if (best >= NO_FEW)
        return 0;
    gone = hm_lowest_bit(few->parts >> place >> 1) + place + 1;
    few->parts &= ~bit_of(gone);
    few->best[gone] = NO_FEW;
    few->token[place] = (int32_t)(best >> PLACE_BITS);
    after = hm_lowest_bit(few->parts >> place >> 1) + place + 1;
    before = hm_highest_bit(few->parts & (bit_of(place) - 1));
    few->place = place;
    few->before = before;
    few->left = ask(vocabulary, few, before, place);
    few->right = ask(vocabulary, few, place, after);
    return 1;
}

static inline uint32_t answer(const hm_vocabulary *vocabulary,
                              struct question question, unsigned place)
{
    int32_t rank = hm_merge_from(vocabulary, question.line, question.pair);

    return few_merge(rank | ~(int32_t)question.inside, place);
}

/* Read what was asked for. */
static void look_up(struct few *few, const hm_vocabulary *vocabulary)
{
    if (few->is_new) {
        first_merges(few, vocabulary);
        return;
    }
    few->best[few->before] = answer(vocabulary, few->left, few->before);
    few->best[few->place] = answer(vocabulary, few->right, few->place);
}

static void finish_few(struct few *few)
{
    uint64_t left = few->parts & (bit_of(few->length + 1) - 2);
    size_t count = 0;

    for (; left != 0; left &= left - 1)
        few->piece->tokens[count++] = few->token[hm_lowest_bit(left)];
    few->piece->count = count;
}

/* Pieces that are merged side by side. */
#define LANES 32

/* In step: all read what they asked for, and then all make a merge and ask. */
void hm_bpe_together(const hm_vocabulary *vocabulary, hm_piece *const *pieces,
                     size_t count)
{
    struct few all[LANES], *lanes[LANES];
    size_t begun = 0, busy = 0, i;

    while (busy < LANES && begun < count) {
        lanes[busy] = all + busy;
        begin_few(lanes[busy++], vocabulary, pieces[begun++]);
    }
    while (busy > 0) {
        for (i = 0; i < busy; i++)
            look_up(lanes[i], vocabulary);
        for (i = 0; i < busy;) {
            if (make_merge(lanes[i], vocabulary)) {
                i++;
                continue;
            }
            finish_few(lanes[i]);
            if (begun < count)
                begin_few(lanes[i++], vocabulary, pieces[begun++]);
            else
                lanes[i] = lanes[--busy];
        }
    }
}

/* The merging of a window into `tokens`, which has room for a token a byte;
 * their number. 0 if there is no memory. */
static size_t merge_window(const hm_vocabulary *vocabulary,
                           const uint8_t *bytes, size_t length, int32_t *tokens)
{
    int32_t links[3 * WINDOW];
    uint64_t best[2 * WINDOW];
    struct merging m
        = {vocabulary, bytes, links, NULL, NULL, best, (int32_t)length, 1};
    size_t count = 0;
    int32_t i;

    while (m.leaves < length)
        m.leaves *= 2;
    if (length > WINDOW) {
        /* GCOVR_EXCL_START: with 32 bits alone */
        if (length > SIZE_MAX / WINDOW_BYTE_ROOM)
            return 0;
        /* GCOVR_EXCL_STOP */
        m.best = malloc(m.leaves * 2 * sizeof *m.best
                        + 3 * length * sizeof *m.token);
        if (m.best == NULL)
            return 0;
        m.token = (int32_t *)(m.best + 2 * m.leaves);
    }
    m.previous = m.token + length;
    m.next = m.previous + length;
    m.length = (int32_t)parts_of(vocabulary, bytes, length, m.token);
    begin_merging(&m);
    run_merging(&m);
    for (i = 0; i < m.length; i = m.next[i])
        tokens[count++] = m.token[i];
    if (m.best != best)
        free(m.best);
    return count;
}

/* ---- A piece ----------------------------------------------------------- */

static size_t length_of(const hm_vocabulary *vocabulary, int32_t token)
{
    size_t length;

    hm_token(vocabulary, token, &length);
    return length;
}

/* A window that has been merged. */
struct window {
    const uint8_t *bytes;
    size_t length;
    const int32_t *tokens;
    size_t count;
};

/* Merge a window into `tokens`. In "=====" or "-+-+-+" it has the same bytes as
 * the one before, and so the same tokens. 0 if there is no memory. */
static int merge_next(const hm_vocabulary *vocabulary, struct window *window,
                      const uint8_t *bytes, size_t length, int32_t *tokens)
{
    if (window->length == length && memcmp(window->bytes, bytes, length) == 0)
        memmove(tokens, window->tokens, window->count * sizeof *tokens);
    else
        window->count = merge_window(vocabulary, bytes, length, tokens);
    window->bytes = bytes;
    window->length = length;
    window->tokens = tokens;
    return window->count > 0;
}

/* How many of a window's tokens to keep: those that do not reach into its last
 * eighth, at least one; *kept is their length in bytes. */
static size_t settled(const hm_vocabulary *vocabulary,
                      const struct window *window, size_t *kept)
{
    size_t n, length;

    *kept = length_of(vocabulary, window->tokens[0]);
    for (n = 1; n < window->count; n++) {
        length = length_of(vocabulary, window->tokens[n]);
        if (*kept + length > window->length / 8 * 7)
            break;
        *kept += length;
    }
    return n;
}

/* The merging of a long piece into `tokens`, which has room for a token a byte;
 * their number. 0 if there is no memory. The window grows until the place where
 * a joint failed is behind us, so every failure brings the end nearer. */
static size_t merge_windows(const hm_vocabulary *vocabulary,
                            const uint8_t *piece, size_t length,
                            int32_t *tokens)
{
    struct window window = {NULL, 0, NULL, 0};
    size_t count = 0, at = 0, size = WINDOW, failed = 0;

    for (;;) {
        size_t left = length - at, kept, back = 0;

        if (!merge_next(vocabulary, &window, piece + at,
                        left < size ? left : size, tokens + count))
            return 0;
        if (count > 0
            && !stay_apart(vocabulary, tokens[count - 1], tokens[count])) {
            failed = at > failed ? at : failed;
            while (count > 0 && back < size / 4)
                back += length_of(vocabulary, tokens[--count]);
            at -= back;
            size *= 2;
            continue;
        }
        if (window.length == left)
            return count + window.count;
        count += settled(vocabulary, &window, &kept);
        at += kept;
        if (at > failed)
            size = WINDOW;
    }
}

int hm_bpe(const hm_vocabulary *vocabulary, const uint8_t *piece, size_t length,
           hm_tokens *out)
{
    int32_t few[WINDOW];
    int32_t *tokens = few;
    size_t i, count;

    if (length <= FEW) {
        hm_piece one = {piece, length, tokens, 0}, *const pieces = &one;

        hm_bpe_together(vocabulary, &pieces, 1);
        count = one.count;
    } else if (length <= WINDOW) {
        count = merge_window(vocabulary, piece, length, tokens);
    } else {
        if (length > SIZE_MAX / sizeof *tokens)
            return 0;
        tokens = malloc(length * sizeof *tokens);
        if (tokens == NULL)
            return 0;
        count = merge_windows(vocabulary, piece, length, tokens);
    }
    for (i = 0; i < count; i++)
        hm_push(out, tokens[i]);
    if (tokens != few)
        free(tokens);
    return count > 0;
}

/* ---- Merges that a file does not tell ---------------------------------- */

/* Find what one token merges from: the merging of its bytes, without itself, is
 * two tokens. If it is more, nothing ever merges into it, and it stands in a
 * text only as a whole piece. `tokens` has room for its bytes. */
static harmony_status find_merge(hm_vocabulary *vocabulary, int32_t rank,
                                 int32_t *tokens, harmony_error *error)
{
    size_t length;
    const uint8_t *bytes = hm_token(vocabulary, rank, &length);
    size_t count = merge_window(vocabulary, bytes, length, tokens);

    if (count == 0)
        return hm_fail(error, HARMONY_NO_MEMORY, -1,
                       "no memory for the merges of the vocabulary");
    if (count != 2)
        return HARMONY_OK;
    if (tokens[0] >= rank || tokens[1] >= rank) {
        hm_fail(error, HARMONY_BAD_VOCABULARY, rank,
                "not a byte-pair vocabulary: rank ");
        hm_say_number(error, rank);
        hm_say(error, " merges from a higher one");
        return HARMONY_BAD_VOCABULARY;
    }
    vocabulary->merged_from[rank].left = tokens[0];
    vocabulary->merged_from[rank].right = tokens[1];
    return HARMONY_OK;
}

/* As long as no merges are known, two neighbours are looked up by their bytes:
 * what they join to is a token if and only if they merge. */
harmony_status hm_find_merges(hm_vocabulary *vocabulary, harmony_error *error)
{
    size_t room = (size_t)vocabulary->longest;
    int32_t *tokens = malloc(room * sizeof *tokens);
    harmony_status status = HARMONY_OK;
    int32_t rank;

    for (rank = 0; rank < vocabulary->size && tokens && !status; rank++)
        if (length_of(vocabulary, rank) > 1)
            status = find_merge(vocabulary, rank, tokens, error);
    free(tokens);
    if (tokens == NULL || (!status && !hm_enter_merges(vocabulary)))
        status = hm_fail(error, HARMONY_NO_MEMORY, -1,
                         "no memory for the merges of the vocabulary");
    return status;
}
