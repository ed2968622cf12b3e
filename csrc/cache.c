#include "cache.h"

static const uint8_t ones[64] = {
    255,255,255,255,255,255,255,255,255,255,255,255,255,255,255,255,
    255,255,255,255,255,255,255,255,255,255,255,255,255,255,255,255,
    0
};

static inline uint64_t load(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static int encode_piece(const hm_vocabulary *vocabulary, const uint8_t *piece,
                        size_t length, hm_tokens *tokens)
{
    int32_t rank = hm_rank(vocabulary, piece, length);

    if (rank < 0)
        return hm_bpe(vocabulary, piece, length, tokens);
    hm_push(tokens, rank);
    return 1;
}

static inline void push_all(hm_tokens *out, const int32_t *tokens, size_t count, size_t room)
{
    size_t i;
    if (out->count + room <= out->capacity) {
        memcpy(out->tokens + out->count, tokens, room * sizeof *tokens);
        out->count += count;
    } else
        for (i = 0; i < count; i++)
            hm_push(out, tokens[i]);
}

static int add_short(const hm_vocabulary *vocabulary, const uint8_t *at, size_t length, struct hm_short_piece *piece, uint64_t low, uint64_t high, hm_tokens *out)
{
    int32_t found[HM_SHORT_PIECE];
    hm_tokens tokens = {found, HM_SHORT_PIECE, 0};
    size_t i;
    if (!encode_piece(vocabulary, at, length, &tokens))
        return 0;
    for (i = 0; i < tokens.count; i++)
        hm_push(out, found[i]);
    if (tokens.count <= HM_SHORT_TOKENS) {
        piece[1] = piece[0];
        piece->low = low;
        piece->high = high;
        piece->count = (int32_t)tokens.count;
        memcpy(piece->tokens, found, sizeof piece->tokens);
    }
    return 1;
}
static int add_long(const hm_vocabulary *vocabulary, const uint8_t *at, size_t length, struct hm_long_piece *piece, const uint64_t *words, hm_tokens *out)
{
    int32_t found[HM_LONG_PIECE];
    hm_tokens tokens = {found, HM_LONG_PIECE, 0};
    size_t i;
    if (!encode_piece(vocabulary, at, length, &tokens))
        return 0;
    for (i = 0; i < tokens.count; i++)
        hm_push(out, found[i]);
    if (tokens.count <= HM_LONG_TOKENS) {
        memcpy(piece->words, words, 32);
        piece->length = (uint16_t)length;
        piece->count = (uint16_t)tokens.count;
        memcpy(piece->tokens, found, sizeof piece->tokens);
    }
    return 1;
}


struct miss { uint32_t start, size, at; uint32_t slot; uint64_t low, high; };

static int encode_long(const hm_vocabulary *vocabulary, struct harmony_cache *cache, const uint8_t *text, size_t length, size_t start, size_t size, hm_tokens *out)
{
    uint64_t w[4];
    struct hm_long_piece *piece;
    const uint8_t *at = text + start, *from = at;
    uint8_t copy[32];
    if (size > HM_LONG_PIECE)
        return encode_piece(vocabulary, at, size, out);
    if (length - start < 32) {
        memcpy(copy, at, size);
        from = copy;
    }
    w[0] = load(from); w[1] = load(from + 8);
    w[2] = load(from + 16) & load(ones + 48 - size);
    w[3] = load(from + 24) & load(ones + 56 - size);
    piece = cache->long_pieces + ((w[0] * 0x9E3779B97F4A7C15u + (w[1]^size) * 0xC2B2AE3D27D4EB4Fu + (w[2] ^ w[3] >> 13)* 0x9E3779B97F4A7C13u) >> (64 - HM_LONG_BITS));
    if (((piece->words[0] ^ w[0]) | (piece->words[1] ^ w[1]) | (piece->words[2] ^ w[2]) | (piece->words[3] ^ w[3])| (piece->length ^ size)) == 0)
        push_all(out, piece->tokens, piece->count, 6);
    else if (!add_long(vocabulary, at, size, piece, w, out))
        return 0;
    return 1;
}


static const uint64_t low_mask[16] = {0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF, ~0ull,~0ull,~0ull,~0ull,~0ull,~0ull,~0ull,~0ull};
static const uint64_t high_mask[16] = {0,0,0,0,0,0,0,0,0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF};

int hm_encode_pieces(const hm_vocabulary *vocabulary, struct harmony_cache *cache, const uint8_t *text, size_t length, size_t start, const uint32_t *ends, size_t count, hm_tokens *out)
{
    size_t i, missed = 0;
    uint8_t copy[16];
    struct miss misses[256];
    int32_t buffer[256 * 3 + 4];
    int32_t *to = buffer;
    const int32_t *done = buffer;

    for (i = 0; i < count; start = ends[i++]) {
        size_t size = ends[i] - start;
        const uint8_t *from = text + start;
        uint64_t low, high, d0, d1, slot;
        struct hm_short_piece *piece;
        if (__builtin_expect(size < HM_SHORT_PIECE, 1)) {
            if (__builtin_expect(start + 16 > length, 0)) {
                memcpy(copy, from, size);
                from = copy;
            }
            low = load(from) & low_mask[size];
            high = (load(from + 8) & high_mask[size]) | (uint64_t)size << 56;
            slot = (low * 0x9E3779B97F4A7C15u + high * 0xC2B2AE3D27D4EB4Fu) >> (64 - HM_SHORT_BITS);
            piece = cache->short_pieces[slot];
            d0 = (piece[0].low ^ low) | (piece[0].high ^ high);
            d1 = (piece[1].low ^ low) | (piece[1].high ^ high);
            d0 = (d0 | (0 - d0)) >> 63;
            d1 = (d1 | (0 - d1)) >> 63;
            piece += d0;
            if (__builtin_expect((d0 & d1) == 0, 1)) {
                memcpy(to, piece->tokens, 16);
                to += piece->count;
                continue;
            }
            misses[missed].slot = (uint32_t)slot;
            misses[missed].low = low;
            misses[missed].high = high;
            hm_prefetch(vocabulary, low, high, size);
        }
        misses[missed].at = (uint32_t)(to - buffer);
        misses[missed].start = (uint32_t)start;
        misses[missed++].size = (uint32_t)size;
    }
    for (i = 0; i < missed; i++) {
        struct miss *m = misses + i;
        push_all(out, done, (size_t)(buffer + m->at - done), (size_t)(buffer + m->at - done));
        done = buffer + m->at;
        if (m->size >= HM_SHORT_PIECE) {
            if (!encode_long(vocabulary, cache, text, length, m->start, m->size, out))
                return 0;
        } else if (!add_short(vocabulary, text + m->start, m->size, cache->short_pieces[m->slot], m->low, m->high, out))
            return 0;
    }
    push_all(out, done, (size_t)(to - done), (size_t)(to - done));
    return 1;
}
