#ifndef HM_CACHE_H
#define HM_CACHE_H
#include "bpe.h"
#include <string.h>

#define HM_SHORT_PIECE 16
#define HM_SHORT_TOKENS 3
#define HM_SHORT_BITS 13
#define HM_LONG_PIECE 32
#define HM_LONG_TOKENS 6
#define HM_LONG_BITS 12

struct hm_short_piece {
    uint64_t low, high;
    int32_t tokens[HM_SHORT_TOKENS];
    int32_t count;
};
struct hm_long_piece {
    uint64_t words[4];
    int32_t tokens[HM_LONG_TOKENS];
    uint16_t length;
    uint16_t count;
    uint32_t unused;
};

struct harmony_cache {
    struct hm_short_piece short_pieces[1 << HM_SHORT_BITS][2];
    struct hm_long_piece long_pieces[1 << HM_LONG_BITS];
};
typedef struct harmony_cache harmony_cache;
int hm_encode_pieces(const hm_vocabulary *vocabulary, struct harmony_cache *cache, const uint8_t *text, size_t length, size_t start, const uint32_t *ends, size_t count, hm_tokens *tokens);
#endif
