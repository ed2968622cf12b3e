/*
 * Vocabulary files: the two formats that vocabulary.h describes.
 */
#include "vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

#define MAGIC "harmvoc1"
#define MAGIC_LENGTH 8
#define HEADER_LENGTH 48
#define CHECKED_FROM 16
#define ENTRY_LENGTH 6
#define SINGLE_BYTE 0xFFFFFF

/* No file asks for memory that is out of proportion to its size. In a compact
 * one each token can be twice as long as the one before: o200k_base has 7 bytes
 * a token, and here are 64 for each of the 6 that a token has in the file. In a
 * .tiktoken file, ranks can be left out: a line has at least 7 bytes. */
#define BYTES_A_BYTE 64

static harmony_status no_memory(harmony_error *error)
{
    return hm_fail(error, HARMONY_NO_MEMORY, -1,
                   "no memory for the vocabulary");
}

/* Twice the slack: what is written beyond a token begins at its end. */
static uint8_t *token_memory(uint64_t total)
{
    return calloc((size_t)total + 2 * HM_TOKEN_SLACK, 1);
}

/* ---- The compact file -------------------------------------------------- */

/* CRC-32 as in zlib, eight bytes at a time. */
static uint32_t crc32(const uint8_t *bytes, size_t length)
{
    uint32_t table[8][256];
    uint32_t i, crc;
    int bit, t;

    for (i = 0; i < 256; i++) {
        for (crc = i, bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
        table[0][i] = crc;
    }
    for (t = 1; t < 8; t++)
        for (i = 0; i < 256; i++)
            table[t][i]
                = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 0xFF];
    crc = 0xFFFFFFFFu;
    for (; length >= 8; bytes += 8, length -= 8) {
        uint64_t eight = hm_little64(bytes) ^ crc;

        crc = table[7][eight & 0xFF] ^ table[6][eight >> 8 & 0xFF]
              ^ table[5][eight >> 16 & 0xFF] ^ table[4][eight >> 24 & 0xFF]
              ^ table[3][eight >> 32 & 0xFF] ^ table[2][eight >> 40 & 0xFF]
              ^ table[1][eight >> 48 & 0xFF] ^ table[0][eight >> 56];
    }
    for (; length > 0; bytes++, length--)
        crc = crc >> 8 ^ table[0][(crc ^ *bytes) & 0xFF];
    return crc ^ 0xFFFFFFFFu;
}

static int32_t little24(const uint8_t *p)
{
    return (int32_t)p[0] | (int32_t)p[1] << 8 | (int32_t)p[2] << 16;
}

/* Check the header and the checksum; the number of tokens, or -1. */
static int32_t compact_size(const uint8_t *data, size_t size,
                            harmony_error *error)
{
    uint64_t count, wanted;

    if (size < HEADER_LENGTH) {
        hm_fail(error, HARMONY_BAD_VOCABULARY, -1,
                "truncated: it ends inside its header");
        return -1;
    }
    count = hm_little32(data + 8);
    wanted = HEADER_LENGTH + count * ENTRY_LENGTH;
    if (size != wanted) {
        hm_fail(error, HARMONY_BAD_VOCABULARY, -1,
                size < wanted ? "truncated: it has " : "altered: it has ");
        hm_say_number(error, (int64_t)size);
        hm_say(error, " bytes, its header says ");
        hm_say_number(error, (int64_t)wanted);
        return -1;
    }
    if (crc32(data + CHECKED_FROM, size - CHECKED_FROM)
        != hm_little32(data + 12)) {
        hm_fail(error, HARMONY_BAD_VOCABULARY, -1,
                "altered: its checksum is not that of its contents");
        return -1;
    }
    if (count >= HM_RANK_LIMIT) {
        hm_fail(error, HARMONY_BAD_VOCABULARY, -1,
                "too many tokens: there is room for 2097151");
        return -1;
    }
    return (int32_t)count;
}

static harmony_status bad_merge(int32_t rank, harmony_error *error)
{
    hm_fail(error, HARMONY_BAD_VOCABULARY, rank, "not a vocabulary: rank ");
    hm_say_number(error, rank);
    hm_say(error, " is neither one byte nor a merge of two lower ranks");
    return HARMONY_BAD_VOCABULARY;
}

/* Read the entries: what each token merges from, and where its bytes are; their
 * number in all is the last offset. */
static harmony_status read_entries(hm_vocabulary *vocabulary,
                                   const uint8_t *entry, harmony_error *error)
{
    uint32_t *offsets = vocabulary->offsets;
    uint64_t total = 0;
    uint64_t limit
        = (uint64_t)BYTES_A_BYTE * ENTRY_LENGTH * (uint64_t)vocabulary->size;
    int32_t rank;

    for (rank = 0; rank < vocabulary->size; rank++, entry += ENTRY_LENGTH) {
        int32_t left = little24(entry), right = little24(entry + 3);

        if (right == SINGLE_BYTE) {
            if (left > 0xFF)
                return bad_merge(rank, error);
            total++;
        } else {
            if (left >= rank || right >= rank)
                return bad_merge(rank, error);
            vocabulary->merged_from[rank].left = left;
            vocabulary->merged_from[rank].right = right;
            total += (uint64_t)(offsets[left + 1] - offsets[left])
                     + (offsets[right + 1] - offsets[right]);
        }
        if (total > limit)
            return hm_fail(error, HARMONY_BAD_VOCABULARY, rank,
                           "not a vocabulary: its tokens have more than 64 "
                           "times the bytes of the file");
        offsets[rank + 1] = (uint32_t)total;
    }
    return HARMONY_OK;
}

/* Write the bytes of a token behind one another. What is written beyond a short
 * one is written over by what comes next, or is slack. */
static uint8_t *write_token(const hm_vocabulary *vocabulary, int32_t rank,
                            uint8_t *to)
{
    size_t length;
    const uint8_t *bytes = hm_token(vocabulary, rank, &length);

    if (length <= HM_TOKEN_SLACK) {
        uint8_t copy[HM_TOKEN_SLACK];

        memcpy(copy, bytes, sizeof copy);
        memcpy(to, copy, sizeof copy);
    } else {
        memcpy(to, bytes, length);
    }
    return to + length;
}

/* So many tokens before one is written, its parts are asked for. */
#define AHEAD 16

static void ask_for_parts(const hm_vocabulary *vocabulary, int32_t rank)
{
    hm_pair pair = vocabulary->merged_from[rank];

    if (pair.right < 0)
        return;
    HM_PREFETCH(vocabulary->bytes + vocabulary->offsets[pair.left]);
    HM_PREFETCH(vocabulary->bytes + vocabulary->offsets[pair.right]);
}

/* Write the bytes of all tokens, each from those of the two it merges from. */
static void spell(hm_vocabulary *vocabulary, const uint8_t *entry)
{
    uint8_t *to = vocabulary->bytes;
    int32_t rank;

    for (rank = 0; rank < vocabulary->size; rank++, entry += ENTRY_LENGTH) {
        hm_pair pair = vocabulary->merged_from[rank];

        if (rank + AHEAD < vocabulary->size)
            ask_for_parts(vocabulary, rank + AHEAD);
        if (pair.right < 0) {
            *to++ = entry[0];
            continue;
        }
        to = write_token(vocabulary, pair.left, to);
        to = write_token(vocabulary, pair.right, to);
    }
}

static harmony_status load_compact(hm_vocabulary *vocabulary,
                                   const uint8_t *data, size_t data_size,
                                   harmony_error *error)
{
    const uint8_t *entries = data + HEADER_LENGTH;
    int32_t size = compact_size(data, data_size, error);
    harmony_status status;

    if (size < 0)
        return HARMONY_BAD_VOCABULARY;
    if (!hm_vocabulary_allocate(vocabulary, size))
        return no_memory(error);
    status = read_entries(vocabulary, entries, error);
    if (status != HARMONY_OK)
        return status;
    vocabulary->bytes = token_memory(vocabulary->offsets[size]);
    if (vocabulary->bytes == NULL)
        return no_memory(error);
    spell(vocabulary, entries);
    if (!hm_enter_merges(vocabulary))
        return no_memory(error);
    return hm_enter_tokens(vocabulary, error);
}

/* ---- A .tiktoken file -------------------------------------------------- */

/* One line of a .tiktoken file: where its BASE64 is, and its rank. */
struct line {
    const uint8_t *text;
    size_t length;
    int32_t rank;
};

static int sextet(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* How many bytes a BASE64 text stands for; 0 if it is none. */
static size_t base64_length(const uint8_t *text, size_t length)
{
    size_t padding = 0, i;

    if (length == 0 || length % 4 != 0)
        return 0;
    while (padding < 2 && text[length - 1 - padding] == '=')
        padding++;
    for (i = 0; i < length - padding; i++)
        if (sextet(text[i]) < 0)
            return 0;
    return length / 4 * 3 - padding;
}

static void base64_decode(const uint8_t *text, size_t bytes, uint8_t *to)
{
    uint32_t bits = 0;
    size_t i, at = 0;

    for (i = 0; at < bytes; i++) {
        bits = bits << 6 | (uint32_t)sextet(text[i]);
        if (i % 4 != 0)
            to[at++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
}

/* Read the line at *at and step behind it; 1 if it is a good one, 0 if not,
 * -1 if it is empty. */
static int read_line(const uint8_t **at, const uint8_t *end, struct line *line)
{
    const uint8_t *p = *at, *stop = memchr(p, '\n', (size_t)(end - p));
    int digits = 0;

    if (stop == NULL)
        stop = end;
    *at = stop < end ? stop + 1 : end;
    if (stop > p && stop[-1] == '\r')
        stop--;
    if (p == stop)
        return -1;
    line->text = p;
    while (p < stop && *p != ' ')
        p++;
    line->length = (size_t)(p - line->text);
    line->rank = 0;
    if (p < stop)
        p++;
    for (; p < stop && *p >= '0' && *p <= '9' && digits < 8; p++, digits++)
        line->rank = 10 * line->rank + (*p - '0');
    return p == stop && digits > 0 && line->rank < HM_RANK_LIMIT
           && base64_length(line->text, line->length) > 0;
}

static harmony_status bad_line(int64_t number, const char *what,
                               harmony_error *error)
{
    hm_fail(error, HARMONY_BAD_VOCABULARY, number, "not a vocabulary: line ");
    hm_say_number(error, number + 1);
    hm_say(error, what);
    return HARMONY_BAD_VOCABULARY;
}

/* The first pass: the number of ranks and of bytes. */
static harmony_status survey(const uint8_t *data, size_t data_size,
                             int32_t *size, uint64_t *total,
                             harmony_error *error)
{
    const uint8_t *at = data, *end = data + data_size;
    struct line line;
    int64_t number;

    *size = 0;
    *total = 0;
    for (number = 0; at < end; number++) {
        int good = read_line(&at, end, &line);

        if (good == 0)
            return bad_line(number, " is not \"BASE64 RANK\"", error);
        if (good < 0)
            continue;
        if ((size_t)line.rank >= data_size)
            return bad_line(number, " has a rank beyond the bytes of the file",
                            error);
        *total += base64_length(line.text, line.length);
        if (line.rank >= *size)
            *size = line.rank + 1;
    }
    if (*total > INT32_MAX) /* GCOVR_EXCL_START: a file of nearly 3 GB */
        return hm_fail(error, HARMONY_BAD_VOCABULARY, -1,
                       "not a vocabulary: its tokens have 2 GiB of bytes");
    /* GCOVR_EXCL_STOP */
    return HARMONY_OK;
}

/* The second pass: the length of each rank, then where each begins. */
static harmony_status place(hm_vocabulary *vocabulary, const uint8_t *data,
                            size_t data_size, harmony_error *error)
{
    const uint8_t *at = data, *end = data + data_size;
    uint32_t *offsets = vocabulary->offsets;
    struct line line;
    int64_t number;
    int32_t rank;

    for (number = 0; at < end; number++) {
        if (read_line(&at, end, &line) < 0)
            continue;
        if (offsets[line.rank + 1] != 0)
            return bad_line(number, " repeats a rank", error);
        offsets[line.rank + 1]
            = (uint32_t)base64_length(line.text, line.length);
    }
    for (rank = 0; rank < vocabulary->size; rank++)
        offsets[rank + 1] += offsets[rank];
    return HARMONY_OK;
}

static harmony_status load_tiktoken(hm_vocabulary *vocabulary,
                                    const uint8_t *data, size_t data_size,
                                    harmony_error *error)
{
    const uint8_t *at = data, *end = data + data_size;
    harmony_status status;
    uint64_t total;
    int32_t size;

    status = survey(data, data_size, &size, &total, error);
    if (status != HARMONY_OK)
        return status;
    vocabulary->bytes = token_memory(total);
    if (vocabulary->bytes == NULL || !hm_vocabulary_allocate(vocabulary, size))
        return no_memory(error);
    status = place(vocabulary, data, data_size, error);
    while (at < end && status == HARMONY_OK) {
        struct line line;
        size_t length;

        if (read_line(&at, end, &line) < 0)
            continue;
        hm_token(vocabulary, line.rank, &length);
        base64_decode(line.text, length,
                      vocabulary->bytes + vocabulary->offsets[line.rank]);
    }
    return status == HARMONY_OK ? hm_enter_tokens(vocabulary, error) : status;
}

/* ---- Either ------------------------------------------------------------ */

harmony_status hm_vocabulary_load(hm_vocabulary *vocabulary,
                                  const uint8_t *data, size_t size,
                                  harmony_error *error)
{
    harmony_status status;
    int i;

    memset(vocabulary, 0, sizeof *vocabulary);
    for (i = 0; i < 256; i++)
        vocabulary->rank_of_byte[i] = -1;
    if (size == 0)
        data = (const uint8_t *)""; /* it may be NULL, which has no end */
    if (size >= MAGIC_LENGTH && memcmp(data, MAGIC, MAGIC_LENGTH) == 0)
        status = load_compact(vocabulary, data, size, error);
    else
        status = load_tiktoken(vocabulary, data, size, error);
    for (i = 0; i < 256 && status == HARMONY_OK; i++) {
        if (vocabulary->rank_of_byte[i] >= 0)
            continue;
        status = hm_fail(error, HARMONY_BAD_VOCABULARY, -1,
                         "not a vocabulary: it has no token for byte ");
        hm_say_number(error, i);
    }
    if (status != HARMONY_OK)
        hm_vocabulary_free(vocabulary);
    return status;
}
