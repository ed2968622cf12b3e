/*
 * The tables made from a vocabulary: bytes -> rank, and two ranks -> the rank
 * they merge into. Both use open addressing with the key inside the slot, so
 * that a look-up is one cache line most of the time. The first is filled to
 * between 40 and 80 %, a table of merges to between 33 and 75 %, or by one.
 */
#include "vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

#define LINE 64 /* bytes of a cache line */

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

/* An entry without its rank, of bytes that HM_TOKEN_SLACK more can be read
 * behind. */
static inline hm_entry key_of_token(const uint8_t *bytes, size_t length)
{
    static const uint8_t first_bytes[2 * HM_SHORT_TOKEN + 8]
        = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    const uint8_t *mask = first_bytes + HM_SHORT_TOKEN - length;
    hm_entry key = {0, (uint64_t)(HM_SHORT_TOKEN + 1) << 32};

    if (length > HM_SHORT_TOKEN) {
        key.low = hash_of_long(bytes, length);
        return key;
    }
    key.low = hm_little64(bytes) & hm_little64(mask);
    key.high = (hm_little32(bytes + 8) & hm_little32(mask + 8))
               | (uint64_t)length << 32;
    return key;
}

/* The same of any bytes. */
static hm_entry key_of(const uint8_t *bytes, size_t length)
{
    uint8_t copy[HM_TOKEN_SLACK] = {0};

    if (length > HM_SHORT_TOKEN)
        return key_of_token(bytes, length);
    memcpy(copy, bytes, length);
    return key_of_token(copy, length);
}

static int same_key(hm_entry a, hm_entry b)
{
    return a.low == b.low && (a.high ^ b.high) << (64 - HM_RANK_SHIFT) == 0;
}

static int32_t rank_of_entry(hm_entry entry)
{
    return (int32_t)(entry.high >> HM_RANK_SHIFT);
}

static int same_bytes(const hm_vocabulary *vocabulary, int32_t rank,
                      const uint8_t *bytes, size_t length)
{
    size_t own;
    const uint8_t *token = hm_token(vocabulary, rank, &own);

    return own == length && memcmp(token, bytes, length) == 0;
}

/* The slot of these bytes: that of their token, or a free one. */
static hm_entry *slot_of(const hm_vocabulary *vocabulary, hm_entry key,
                         const uint8_t *bytes, size_t length)
{
    size_t at = hm_entry_line(vocabulary, key);

    for (;; at = (at + 1) & vocabulary->entry_mask) {
        hm_entry *entry = vocabulary->entries + at;

        if (entry->high == 0)
            return entry;
        if (same_key(*entry, key)
            && (length <= HM_SHORT_TOKEN
                || same_bytes(vocabulary, rank_of_entry(*entry), bytes,
                              length)))
            return entry;
    }
}

int32_t hm_rank(const hm_vocabulary *vocabulary, const uint8_t *bytes,
                size_t length)
{
    hm_entry *entry;

    if (length > (size_t)vocabulary->longest)
        return -1;
    entry = slot_of(vocabulary, key_of(bytes, length), bytes, length);
    return entry->high == 0 ? -1 : rank_of_entry(*entry);
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
    hm_entry keys[TOGETHER];
    const uint8_t *bytes;
    size_t length;
    int32_t i;

    for (i = 0; i < count; i++) {
        bytes = hm_token(vocabulary, first + i, &length);
        keys[i] = key_of_token(bytes, length);
        HM_PREFETCH(vocabulary->entries + hm_entry_line(vocabulary, keys[i]));
    }
    for (i = 0; i < count; i++) {
        hm_entry *slot;

        bytes = hm_token(vocabulary, first + i, &length);
        if (length == 0)
            continue;
        slot = slot_of(vocabulary, keys[i], bytes, length);
        if (slot->high != 0)
            return same_as_other(rank_of_entry(*slot), first + i, error);
        slot->low = keys[i].low;
        slot->high = keys[i].high | (uint64_t)(first + i) << HM_RANK_SHIFT;
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

int32_t hm_merge_further_on(const hm_merge_slot *slots, uint32_t mask,
                            int32_t right)
{
    uint32_t at = hm_merge_hash(right), i;

    for (i = 0; i < mask; i++) {
        const hm_merge_slot *slot = slots + (++at & mask);

        if ((slot->right & ~HM_MORE) == (uint32_t)right + 1)
            return slot->rank;
        if (slot->right == 0)
            break;
    }
    return -1;
}

/* Give each left token a table, by the number of merges that `merge_tables`
 * has for it; the number of slots of all tables. Tokens without a merge share a
 * free slot. */
static size_t place_tables(hm_vocabulary *vocabulary)
{
    size_t place = 1;
    int32_t rank;

    for (rank = 0; rank < vocabulary->size; rank++) {
        uint32_t merges = vocabulary->merge_tables[rank], bits = 0;

        vocabulary->merge_tables[rank] = 0;
        if (merges == 0)
            continue;
        while (1u << bits < merges + merges / 2)
            bits++;
        vocabulary->merge_tables[rank]
            = (uint32_t)place << HM_TABLE_BITS | bits;
        place += (size_t)1 << bits;
    }
    return place;
}

/* Enter a merge where it belongs, or else in the next free slot. */
static void enter_merge(hm_vocabulary *vocabulary, int32_t rank)
{
    hm_pair pair = vocabulary->merged_from[rank];
    uint32_t table = vocabulary->merge_tables[pair.left];
    hm_merge_slot *slots = vocabulary->merges + (table >> HM_TABLE_BITS);
    uint32_t mask = hm_table_mask(table), at = hm_merge_hash(pair.right);

    if (slots[at & mask].right != 0)
        slots[at & mask].right |= HM_MORE;
    while (slots[at & mask].right != 0)
        at++;
    slots[at & mask].right = (uint32_t)pair.right + 1;
    slots[at & mask].rank = rank;
}

static int make_merge_tables(hm_vocabulary *vocabulary)
{
    const hm_pair *pairs = vocabulary->merged_from;
    uint8_t *block;
    size_t size;
    int32_t rank;

    for (rank = 0; rank < vocabulary->size; rank++)
        if (pairs[rank].right >= 0)
            vocabulary->merge_tables[pairs[rank].left]++;
    size = place_tables(vocabulary) * sizeof *vocabulary->merges;
    vocabulary->merge_block = block = malloc(LINE + size);
    if (block == NULL)
        return 0;
    block += LINE - (uintptr_t)block % LINE;
    vocabulary->merges = memset(block, 0, size);
    for (rank = 0; rank < vocabulary->size; rank++)
        if (pairs[rank].right >= 0)
            enter_merge(vocabulary, rank);
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
    return make_char_tables(vocabulary) && make_merge_tables(vocabulary);
}

/* ---- Memory ------------------------------------------------------------- */

/* One block for all tables by rank. It is cleared by writing: memory that is
 * read first and written then costs a system two steps instead of one. */
int hm_vocabulary_allocate(hm_vocabulary *vocabulary, int32_t size)
{
    size_t ranks = (size_t)size + 1, slots = 512;
    uint8_t *block;

    vocabulary->entry_shift = 64 - 9;
    while (slots < (size_t)size + (size_t)size / 4) {
        slots *= 2;
        vocabulary->entry_shift--;
    }
    block = malloc(LINE + slots * sizeof *vocabulary->entries
                   + ranks
                         * (sizeof *vocabulary->merged_from
                            + sizeof *vocabulary->offsets
                            + sizeof *vocabulary->merge_tables));
    if (block == NULL)
        return 0;
    vocabulary->size = size;
    vocabulary->entry_mask = slots - 1;
    vocabulary->tables = block;
    block += LINE - (uintptr_t)block % LINE;
    vocabulary->entries = (void *)block;
    vocabulary->merged_from = (void *)(vocabulary->entries + slots);
    vocabulary->offsets = (void *)(vocabulary->merged_from + ranks);
    vocabulary->merge_tables = vocabulary->offsets + ranks;
    memset(vocabulary->entries, 0, slots * sizeof *vocabulary->entries);
    memset(vocabulary->merged_from, 0xFF,
           ranks * sizeof *vocabulary->merged_from);
    memset(vocabulary->offsets, 0, 2 * ranks * sizeof *vocabulary->offsets);
    return 1;
}

void hm_vocabulary_free(hm_vocabulary *vocabulary)
{
    free(vocabulary->bytes);
    free(vocabulary->tables);
    free(vocabulary->merge_block);
    free(vocabulary->rank_of_char);
    free(vocabulary->borders);
    memset(vocabulary, 0, sizeof *vocabulary);
}
