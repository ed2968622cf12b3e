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

/* ---- One window -------------------------------------------------------- */

/* The bytes of a window, joining up. A part is known by the place of its first
 * byte. `best` is a tournament: the leaf of a part, at `leaves` + place, is the
 * merge with the part behind it, rank above place, so that the least is the one
 * to make next; every node above is the lesser of its two children. */
struct merging {
    const hm_vocabulary *vocabulary;
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

static uint64_t merge_at(const struct merging *m, int32_t place)
{
    int32_t next = m->next[place], rank;

    if (next == m->length)
        return NO_MERGE;
    rank = hm_merge(m->vocabulary, m->token[place], m->token[next]);
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

static void begin_merging(struct merging *m, const uint8_t *bytes)
{
    uint64_t *leaf = m->best + m->leaves;
    int32_t i;
    size_t node;

    for (i = 0; i < m->length; i++) {
        m->token[i] = m->vocabulary->rank_of_byte[bytes[i]];
        m->previous[i] = i - 1;
        m->next[i] = i + 1;
    }
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
        set_leaf(m, gone, NO_MERGE);
        set_leaf(m, place, merge_at(m, place));
        if (place > 0)
            set_leaf(m, m->previous[place], merge_at(m, m->previous[place]));
    }
}

/* The merging of a window into `tokens`, which has room for a token a byte;
 * their number. 0 if there is no memory. */
static size_t merge_window(const hm_vocabulary *vocabulary,
                           const uint8_t *bytes, size_t length, int32_t *tokens)
{
    int32_t links[3 * WINDOW];
    uint64_t best[2 * WINDOW];
    struct merging m = {vocabulary, links, NULL, NULL, best,
                        (int32_t)length, 1};
    size_t count = 0;
    int32_t i;

    while (m.leaves < length)
        m.leaves *= 2;
    if (length > WINDOW) {
        if (length > SIZE_MAX / WINDOW_BYTE_ROOM)
            return 0;
        m.best = malloc(m.leaves * 2 * sizeof *m.best
                        + 3 * length * sizeof *m.token);
        if (m.best == NULL)
            return 0;
        m.token = (int32_t *)(m.best + 2 * m.leaves);
    }
    m.previous = m.token + length;
    m.next = m.previous + length;
    begin_merging(&m, bytes);
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

    if (length <= WINDOW) {
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

/* The ranks of the tokens of two bytes and more, short tokens first: a
 * counting sort. NULL if there is no memory. */
static int32_t *by_length(const hm_vocabulary *vocabulary, size_t *count)
{
    size_t longest = (size_t)vocabulary->longest, i;
    int32_t *ranks = malloc(((size_t)vocabulary->size + 1) * sizeof *ranks);
    size_t *start = calloc(longest + 2, sizeof *start);
    int32_t rank;

    *count = 0;
    if (ranks == NULL || start == NULL) {
        free(ranks);
        free(start);
        return NULL;
    }
    for (rank = 0; rank < vocabulary->size; rank++)
        start[length_of(vocabulary, rank) + 1]++;
    for (start[2] = 0, i = 3; i <= longest + 1; i++)
        start[i] += start[i - 1];
    for (rank = 0; rank < vocabulary->size; rank++)
        if ((i = length_of(vocabulary, rank)) > 1) {
            ranks[start[i]++] = rank;
            ++*count;
        }
    free(start);
    return ranks;
}

/* Find what one token merges from: the merging of its bytes, while it is not
 * known itself, is two tokens. If it is more, nothing ever merges into it, and
 * it stands in a text only as a whole piece. */
static harmony_status find_merge(hm_vocabulary *vocabulary, int32_t rank,
                                 harmony_error *error)
{
    int32_t pair[2];
    hm_tokens tokens = {pair, 2, 0};
    size_t length;
    const uint8_t *bytes = hm_token(vocabulary, rank, &length);

    if (!hm_bpe(vocabulary, bytes, length, &tokens))
        return hm_fail(error, HARMONY_NO_MEMORY, -1,
                       "no memory for the merges of the vocabulary");
    if (tokens.count != 2)
        return HARMONY_OK;
    if (pair[0] >= rank || pair[1] >= rank) {
        hm_fail(error, HARMONY_BAD_VOCABULARY, rank,
                "not a byte-pair vocabulary: rank ");
        hm_say_number(error, rank);
        hm_say(error, " merges from a higher one");
        return HARMONY_BAD_VOCABULARY;
    }
    hm_add_merge(vocabulary, pair[0], pair[1], rank);
    return HARMONY_OK;
}

/* Short tokens first: when a token's turn comes, the merges of all that it can
 * be made of are known. */
harmony_status hm_find_merges(hm_vocabulary *vocabulary, harmony_error *error)
{
    size_t i, count;
    int32_t *ranks = by_length(vocabulary, &count);
    harmony_status status = HARMONY_OK;

    if (ranks == NULL)
        return hm_fail(error, HARMONY_NO_MEMORY, -1,
                       "no memory for the merges of the vocabulary");
    for (i = 0; i < count && status == HARMONY_OK; i++)
        status = find_merge(vocabulary, ranks[i], error);
    free(ranks);
    vocabulary->merges_known = status == HARMONY_OK;
    return status;
}
