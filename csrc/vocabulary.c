/*
 * The tables made from a vocabulary: bytes -> rank, and two ranks -> the rank
 * they merge into. Both use open addressing with the key inside the slot, by
 * cache lines (line.h), so that a look-up is one of them most of the time. The
 * first is filled to between 40 and 80 %, the second to between 25 and 50 %.
 */
#include "vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "pages.h"

/* ---- Bytes to rank ----------------------------------------------------- */

static uint64_t hash_of_long(const uint8_t *bytes, size_t length)
{
    uint64_t hash = length;
    size_t i;

    for (i = 0; i + 8 < length; i += 8) {
        hash = hm_hash(hash ^ hm_little64(bytes + i), 0);
        hash ^= hash >> 32;
    }
    hash = hm_hash(hash ^ hm_little64(bytes + length - 8), 0);
    return hash ^ hash >> 32;
}

#define LENGTH_SHIFT 24 /* of the length in a key */

/* What a token of more than HM_SHORT_TOKEN bytes has in place of a key: a hash
 * of its bytes, and this for its length. Its bytes have to be compared too. */
#define LONG_TOKEN 0xFF

/* The key of bytes that HM_TOKEN_SLACK more can be read behind. */
static inline hm_key key_of_token(const uint8_t *bytes, size_t length)
{
    static const uint8_t first_bytes[2 * HM_SHORT_TOKEN + 8]
        = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    const uint8_t *mask = first_bytes + HM_SHORT_TOKEN - length;
    hm_key key = {{0, (uint64_t)LONG_TOKEN << LENGTH_SHIFT}};

    if (length > HM_SHORT_TOKEN) {
        key.halves[0] = hash_of_long(bytes, length);
        return key;
    }
    key.halves[0] = hm_little64(bytes) & hm_little64(mask);
    key.halves[1] = (hm_little32(bytes + 8) & hm_little32(mask + 8))
                    | (uint64_t)length << LENGTH_SHIFT;
    return key;
}

/* The same of any bytes. */
static hm_key key_of(const uint8_t *bytes, size_t length)
{
    uint8_t copy[HM_TOKEN_SLACK] = {0};

    if (length > HM_SHORT_TOKEN)
        return key_of_token(bytes, length);
    memcpy(copy, bytes, length);
    return key_of_token(copy, length);
}

/* One column of a line. */
struct slot {
    hm_line *line;
    size_t column;
};

static struct slot slot_at(const hm_vocabulary *vocabulary, size_t at)
{
    struct slot slot = {vocabulary->lines + at / HM_COLUMNS, at % HM_COLUMNS};

    return slot;
}

/* The rank of a slot's token, or -1 if it is free. */
static int32_t rank_of_slot(struct slot slot)
{
    return (int32_t)slot.line->ranks[slot.column] - 1;
}

static int has_key(struct slot slot, hm_key key)
{
    return slot.line->keys[0][slot.column] == (uint32_t)key.halves[0]
           && slot.line->keys[1][slot.column] == (uint32_t)(key.halves[0] >> 32)
           && slot.line->keys[2][slot.column] == (uint32_t)key.halves[1];
}

static void fill_slot(struct slot slot, hm_key key, int32_t rank)
{
    slot.line->keys[0][slot.column] = (uint32_t)key.halves[0];
    slot.line->keys[1][slot.column] = (uint32_t)(key.halves[0] >> 32);
    slot.line->keys[2][slot.column] = (uint32_t)key.halves[1];
    slot.line->ranks[slot.column] = (uint32_t)rank + 1;
}

static int same_bytes(const hm_vocabulary *vocabulary, int32_t rank,
                      const uint8_t *bytes, size_t length)
{
    size_t own;
    const uint8_t *token = hm_token(vocabulary, rank, &own);

    return own == length && memcmp(token, bytes, length) == 0;
}

/* The slot of these bytes: that of their token, or a free one. */
static struct slot slot_of(const hm_vocabulary *vocabulary, hm_key key,
                           const uint8_t *bytes, size_t length)
{
    size_t last = vocabulary->line_mask * HM_COLUMNS + HM_COLUMNS - 1;
    size_t at = (size_t)(hm_line_of(vocabulary, &key) - vocabulary->lines)
                * HM_COLUMNS;

    for (;; at = (at + 1) & last) {
        struct slot slot = slot_at(vocabulary, at);
        int32_t rank = rank_of_slot(slot);

        if (rank < 0)
            return slot;
        if (has_key(slot, key)
            && (length <= HM_SHORT_TOKEN
                || same_bytes(vocabulary, rank, bytes, length)))
            return slot;
    }
}

/* How many columns are taken, without a branch: it can't be foreseen. */
static size_t taken_columns(const hm_line *line)
{
    return (size_t)(line->ranks[0] != 0) + (line->ranks[1] != 0)
           + (line->ranks[2] != 0) + (line->ranks[3] != 0);
}

/* The same as slot_of, for bytes that are most likely in no slot. */
static struct slot new_slot_of(const hm_vocabulary *vocabulary, hm_key key,
                               const uint8_t *bytes, size_t length)
{
    hm_line *line = vocabulary->lines
                    + (hm_line_of(vocabulary, &key) - vocabulary->lines);
    const hm_line *last = vocabulary->lines + vocabulary->line_mask;

    while (hm_rank_in_line(line, &key) < 0) {
        if (!hm_is_full(line)) {
            struct slot slot = {line, taken_columns(line)};

            return slot;
        }
        line = line < last ? line + 1 : vocabulary->lines;
    }
    return slot_of(vocabulary, key, bytes, length);
}

/* The rank of a token of up to HM_SHORT_TOKEN bytes, or -1. A line with room
 * has no tokens that are further on. */
static int32_t rank_of_key(const hm_vocabulary *vocabulary, const hm_key *key)
{
    const hm_line *line = hm_line_of(vocabulary, key);
    const hm_line *last = vocabulary->lines + vocabulary->line_mask;
    int32_t rank;

    while ((rank = hm_rank_in_line(line, key)) < 0 && hm_is_full(line))
        line = line < last ? line + 1 : vocabulary->lines;
    return rank;
}

int32_t hm_rank(const hm_vocabulary *vocabulary, const uint8_t *bytes,
                size_t length)
{
    hm_key key;

    if (length > (size_t)vocabulary->longest)
        return -1;
    key = key_of(bytes, length);
    if (length > HM_SHORT_TOKEN)
        return rank_of_slot(slot_of(vocabulary, key, bytes, length));
    return rank_of_key(vocabulary, &key);
}

static harmony_status same_as_other(int32_t other, int32_t rank,
                                    harmony_error *error)
{
    hm_fail(error, HARMONY_BAD_VOCABULARY, rank, "not a vocabulary: ranks ");
    hm_say_number(error, other);
    hm_say(error, " and ");
    hm_say_number(error, rank);
    hm_say(error, " have the same bytes");
    return HARMONY_BAD_VOCABULARY;
}

/* Nearly every slot that is filled is a miss of the cache, so some tokens are
 * got ready together: while their slots are fetched, the next keys are made. */
#define TOGETHER 32

static harmony_status enter_some(hm_vocabulary *vocabulary, int32_t first,
                                 int32_t count, harmony_error *error)
{
    hm_key keys[TOGETHER];
    const uint8_t *bytes;
    size_t length;
    int32_t i;

    for (i = 0; i < count; i++) {
        bytes = hm_token(vocabulary, first + i, &length);
        keys[i] = key_of_token(bytes, length);
        HM_PREFETCH(hm_line_of(vocabulary, keys + i));
    }
    for (i = 0; i < count; i++) {
        struct slot slot;

        bytes = hm_token(vocabulary, first + i, &length);
        if (length == 0)
            continue;
        slot = new_slot_of(vocabulary, keys[i], bytes, length);
        if (rank_of_slot(slot) >= 0)
            return same_as_other(rank_of_slot(slot), first + i, error);
        fill_slot(slot, keys[i], first + i);
        if (length == 1) {
            vocabulary->rank_of_byte[*bytes] = first + i;
            vocabulary->merged_from[first + i].left = first + i;
        }
        if (length > (size_t)vocabulary->longest)
            vocabulary->longest = (int32_t)length;
    }
    return HARMONY_OK;
}

harmony_status hm_enter_tokens(hm_vocabulary *vocabulary, harmony_error *error)
{
    harmony_status status = HARMONY_OK;
    int32_t first;

    for (first = 0; first < vocabulary->size && status == HARMONY_OK;
         first += TOGETHER) {
        int32_t left = vocabulary->size - first;

        status = enter_some(vocabulary, first,
                            left < TOGETHER ? left : TOGETHER, error);
    }
    return status;
}

/* ---- Merges ------------------------------------------------------------- */

static size_t next_line(const hm_vocabulary *vocabulary,
                        const hm_merge_line *line)
{
    return ((size_t)(line - vocabulary->merges) + 1) & vocabulary->merge_mask;
}

int32_t hm_merge_further_on(const hm_vocabulary *vocabulary,
                            const hm_merge_line *line, uint64_t pair)
{
    int32_t rank;

    do {
        line = vocabulary->merges + next_line(vocabulary, line);
        rank = hm_merge_in_line(line, pair);
    } while (rank < 0 && hm_is_full_of_merges(line));
    return rank;
}

static uint64_t pair_into(const hm_vocabulary *vocabulary, int32_t rank)
{
    hm_pair pair = vocabulary->merged_from[rank];

    return hm_pair_of(pair.left, pair.right);
}

/* Enter a merge into its line, or else into the next one with room. */
static void enter_merge(hm_vocabulary *vocabulary, int32_t rank)
{
    uint64_t pair = pair_into(vocabulary, rank);
    size_t at
        = (size_t)(hm_merge_line_of(vocabulary, pair) - vocabulary->merges);
    hm_merge_line *line = vocabulary->merges + at;
    int column = 0, i;

    while (hm_is_full_of_merges(line))
        line = vocabulary->merges + next_line(vocabulary, line);
    for (i = 0; i < HM_MERGES; i++) /* without a branch */
        column += line->ranks[i] != 0;
    line->pairs[column] = (uint32_t)pair;
    line->ranks[column]
        = (uint32_t)(pair >> 32) << HM_PAIR_SHIFT | ((uint32_t)rank + 1);
}

/* Get memory for the merges, of which there are less than ranks. */
static int allocate_merges(hm_vocabulary *vocabulary)
{
    size_t lines = 2;

    vocabulary->merge_shift = 64 - 1;
    while (lines * HM_MERGES < 2 * (size_t)vocabulary->size) {
        lines *= 2;
        vocabulary->merge_shift--;
    }
    vocabulary->merges = hm_table_memory(lines * sizeof *vocabulary->merges,
                                         &vocabulary->merge_block);
    if (vocabulary->merges == NULL)
        return 0;
    vocabulary->merge_mask = lines - 1;
    memset(vocabulary->merges, 0, lines * sizeof *vocabulary->merges);
    return 1;
}

static int make_merges(hm_vocabulary *vocabulary)
{
    const hm_pair *pairs = vocabulary->merged_from;
    int32_t rank, ahead;

    if (!allocate_merges(vocabulary))
        return 0;
    for (rank = 0; rank < vocabulary->size; rank++) {
        ahead = rank + TOGETHER;
        if (ahead < vocabulary->size && pairs[ahead].right >= 0)
            HM_PREFETCH(
                hm_merge_line_of(vocabulary, pair_into(vocabulary, ahead)));
        if (pairs[rank].right >= 0)
            enter_merge(vocabulary, rank);
    }
    return 1;
}

/* Merging a piece of ASCII begins with these. */
static int make_ascii_merges(hm_vocabulary *vocabulary)
{
    size_t size = 128 * sizeof *vocabulary->ascii_merges;
    int32_t rank;

    vocabulary->ascii_merges = malloc(size);
    if (vocabulary->ascii_merges == NULL)
        return 0;
    memset(vocabulary->ascii_merges, 0xFF, size);
    for (rank = 0; rank < vocabulary->size; rank++) {
        size_t length;
        const uint8_t *bytes = hm_token(vocabulary, rank, &length);

        if (length == 2 && (bytes[0] | bytes[1]) < 0x80)
            vocabulary->ascii_merges[bytes[0]][bytes[1]] = rank;
    }
    return 1;
}

/* ---- Characters --------------------------------------------------------- */

static int continues(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* Bytes of the character that this one begins, as far as it can be told. */
static size_t char_length(uint8_t first)
{
    return first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static void lower_border(hm_vocabulary *vocabulary, const uint8_t *right,
                         int32_t rank)
{
    int32_t *border = vocabulary->borders[right[-1]];

    border += *right < 0x80 ? HM_BORDERS - 1 : *right - 0xC0;
    if (rank < *border)
        *border = rank;
}

/* Note the borders that a token reaches across with the end or the beginning of
 * a character. */
static void note_borders(hm_vocabulary *vocabulary, int32_t rank)
{
    size_t length, first = 0, last;
    const uint8_t *bytes = hm_token(vocabulary, rank, &length);

    while (first < length && continues(bytes[first]))
        first++;
    if (first > 0 && first < length)
        lower_border(vocabulary, bytes + first, rank);
    for (last = length - 1; last > 0 && continues(bytes[last]);)
        last--;
    if (last > 0 && length - last < char_length(bytes[last]))
        lower_border(vocabulary, bytes + last, rank);
}

static void note_character(hm_vocabulary *vocabulary, int32_t rank)
{
    size_t length;
    const uint8_t *bytes = hm_token(vocabulary, rank, &length);
    uint32_t code_point = 0;

    if (length <= 3 && vocabulary->merged_from[rank].right >= 0
        && hm_char_at(bytes, length, &code_point) == length)
        vocabulary->rank_of_char[code_point] = rank;
}

static int make_char_tables(hm_vocabulary *vocabulary)
{
    size_t left, right;
    int32_t rank;

    vocabulary->rank_of_char = calloc(HM_CHARS, sizeof(int32_t));
    vocabulary->borders = malloc(256 * sizeof *vocabulary->borders);
    if (vocabulary->rank_of_char == NULL || vocabulary->borders == NULL)
        return 0;
    for (left = 0; left < 256; left++)
        for (right = 0; right < HM_BORDERS; right++)
            vocabulary->borders[left][right] = INT32_MAX;
    for (rank = 0; rank < vocabulary->size; rank++) {
        size_t length;
        const uint8_t *bytes = hm_token(vocabulary, rank, &length);

        if (length > 1 && (bytes[0] >= 0x80 || bytes[length - 1] >= 0x80)) {
            note_borders(vocabulary, rank);
            note_character(vocabulary, rank);
        }
    }
    return 1;
}

int hm_enter_merges(hm_vocabulary *vocabulary)
{
    return make_char_tables(vocabulary) && make_ascii_merges(vocabulary)
           && make_merges(vocabulary);
}

/* ---- Memory ------------------------------------------------------------- */

/* The tables are cleared by writing: memory that is read first and written then
 * costs a system two steps instead of one. */
int hm_vocabulary_allocate(hm_vocabulary *vocabulary, int32_t size)
{
    size_t ranks = (size_t)size + 1, lines = 128;
    size_t rank_size
        = sizeof *vocabulary->merged_from + sizeof *vocabulary->offsets;

    vocabulary->line_shift = 64 - 7;
    while (lines * HM_COLUMNS < (size_t)size + (size_t)size / 4) {
        lines *= 2;
        vocabulary->line_shift--;
    }
    vocabulary->lines = hm_table_memory(lines * sizeof *vocabulary->lines,
                                        &vocabulary->line_block);
    vocabulary->merged_from = malloc(ranks * rank_size);
    if (vocabulary->lines == NULL || vocabulary->merged_from == NULL)
        return 0;
    vocabulary->size = size;
    vocabulary->line_mask = lines - 1;
    vocabulary->offsets = (void *)(vocabulary->merged_from + ranks);
    memset(vocabulary->lines, 0, lines * sizeof *vocabulary->lines);
    memset(vocabulary->merged_from, 0xFF,
           ranks * sizeof *vocabulary->merged_from);
    memset(vocabulary->offsets, 0, ranks * sizeof *vocabulary->offsets);
    return 1;
}

void hm_vocabulary_free(hm_vocabulary *vocabulary)
{
    free(vocabulary->bytes);
    free(vocabulary->merged_from);
    free(vocabulary->line_block);
    free(vocabulary->merge_block);
    free(vocabulary->ascii_merges);
    free(vocabulary->rank_of_char);
    free(vocabulary->borders);
    memset(vocabulary, 0, sizeof *vocabulary);
}
