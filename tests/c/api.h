/*
 * The parts of test_api, and what they share: one encoding, and texts and
 * tokens in memory that is exactly as large as they are.
 */
#ifndef API_H
#define API_H

#include "harmony.h"

#include "check.h"
#include "support.h"

extern const harmony_encoding *encoding;
extern harmony_cache *cache; /* of the same */
extern const char *vocabulary_file;
extern size_t vocabulary_size;

typedef struct id_list {
    int32_t *ids;
    size_t count;
} id_list;

/* Text to tokens, once for each capacity that matters: none, one too few,
 * exactly enough. `framed`: what spells a named special token is one. */
id_list encode_bytes(const char *text, size_t length, const int32_t *allowed,
                     size_t allowed_count);
id_list encode_plain(const char *text);
id_list encode_framed(const char *text);

/* Tokens to bytes in the same way. */
char *decode_ids(const int32_t *ids, size_t count, size_t *length);

/* Random tokens, ordinary ones and special ones and ids that are neither. */
int32_t random_id(uint64_t *seed);

void test_vocabularies(void);
void test_text(void);
void test_building(void);
void test_rendering(void);
void test_parsing(void);
void test_recovery(void);
void test_prompts(void);
void test_pieces(void);
void test_caches(void);
void test_memory(void);
void test_guarded(void);
void test_batches(void);
void test_threads(void);

#endif
