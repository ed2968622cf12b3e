/*
 * Four numbers at once, by what a machine offers for 16 bytes. A comparison has
 * all bits where two numbers are the same, and else none.
 */
#ifndef HM_FOUR_H
#define HM_FOUR_H

#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>

typedef __m128i hm_four;

/* From an address that is a multiple of 16. */
static inline hm_four hm_load(const uint32_t *numbers)
{
    return _mm_load_si128((const void *)numbers);
}

/* The halves of two numbers, the lower one first. */
static inline hm_four hm_halves(const uint64_t *two)
{
    return _mm_loadu_si128((const void *)two);
}

static inline hm_four hm_all(uint32_t number)
{
    return _mm_set1_epi32((int)number);
}

/* The one at a place, which is a constant, four times. */
#define HM_SPREAD(four, place) _mm_shuffle_epi32(four, 0x55 * (place))

static inline hm_four hm_same(hm_four a, hm_four b)
{
    return _mm_cmpeq_epi32(a, b);
}

static inline hm_four hm_and(hm_four a, hm_four b)
{
    return _mm_and_si128(a, b);
}

static inline hm_four hm_or(hm_four a, hm_four b)
{
    return _mm_or_si128(a, b);
}

/* What is above some bits of each. */
static inline hm_four hm_above(hm_four a, int bits)
{
    return _mm_srli_epi32(a, bits);
}

/* The one that is not 0, or 0. */
static inline uint32_t hm_only(hm_four a)
{
    a = _mm_or_si128(a, _mm_shuffle_epi32(a, 0x4E));
    a = _mm_or_si128(a, _mm_shuffle_epi32(a, 0xB1));
    return (uint32_t)_mm_cvtsi128_si32(a);
}
#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(__ARM_BIG_ENDIAN)
#include <arm_neon.h>

typedef uint32x4_t hm_four;

static inline hm_four hm_load(const uint32_t *numbers)
{
    return vld1q_u32(numbers);
}

static inline hm_four hm_halves(const uint64_t *two)
{
    return vreinterpretq_u32_u64(vld1q_u64(two));
}

static inline hm_four hm_all(uint32_t number)
{
    return vdupq_n_u32(number);
}

#define HM_SPREAD(four, place) vdupq_laneq_u32(four, place)

static inline hm_four hm_same(hm_four a, hm_four b)
{
    return vceqq_u32(a, b);
}

static inline hm_four hm_and(hm_four a, hm_four b)
{
    return vandq_u32(a, b);
}

static inline hm_four hm_or(hm_four a, hm_four b)
{
    return vorrq_u32(a, b);
}

static inline hm_four hm_above(hm_four a, int bits)
{
    return vshlq_u32(a, vdupq_n_s32(-bits));
}

static inline uint32_t hm_only(hm_four a)
{
    return vmaxvq_u32(a);
}
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>

typedef v128_t hm_four;

static inline hm_four hm_load(const uint32_t *numbers)
{
    return wasm_v128_load(numbers);
}

static inline hm_four hm_halves(const uint64_t *two)
{
    return wasm_v128_load(two);
}

static inline hm_four hm_all(uint32_t number)
{
    return wasm_u32x4_splat(number);
}

#define HM_SPREAD(four, place)                                                 \
    wasm_i32x4_shuffle(four, four, place, place, place, place)

static inline hm_four hm_same(hm_four a, hm_four b)
{
    return wasm_i32x4_eq(a, b);
}

static inline hm_four hm_and(hm_four a, hm_four b)
{
    return wasm_v128_and(a, b);
}

static inline hm_four hm_or(hm_four a, hm_four b)
{
    return wasm_v128_or(a, b);
}

static inline hm_four hm_above(hm_four a, int bits)
{
    return wasm_u32x4_shr(a, (uint32_t)bits);
}

static inline uint32_t hm_only(hm_four a)
{
    a = wasm_v128_or(a, wasm_i32x4_shuffle(a, a, 2, 3, 0, 1));
    return (uint32_t)(wasm_i32x4_extract_lane(a, 0)
                      | wasm_i32x4_extract_lane(a, 1));
}
#else
typedef struct hm_four {
    uint32_t of[4];
} hm_four;

static inline hm_four hm_load(const uint32_t *numbers)
{
    hm_four four = {{numbers[0], numbers[1], numbers[2], numbers[3]}};

    return four;
}

static inline hm_four hm_halves(const uint64_t *two)
{
    hm_four four = {{(uint32_t)two[0], (uint32_t)(two[0] >> 32),
                     (uint32_t)two[1], (uint32_t)(two[1] >> 32)}};

    return four;
}

static inline hm_four hm_all(uint32_t number)
{
    hm_four four = {{number, number, number, number}};

    return four;
}

#define HM_SPREAD(four, place) hm_all((four).of[place])

static inline hm_four hm_same(hm_four a, hm_four b)
{
    int i;

    for (i = 0; i < 4; i++)
        a.of[i] = 0 - (uint32_t)(a.of[i] == b.of[i]);
    return a;
}

static inline hm_four hm_and(hm_four a, hm_four b)
{
    int i;

    for (i = 0; i < 4; i++)
        a.of[i] &= b.of[i];
    return a;
}

static inline hm_four hm_or(hm_four a, hm_four b)
{
    int i;

    for (i = 0; i < 4; i++)
        a.of[i] |= b.of[i];
    return a;
}

static inline hm_four hm_above(hm_four a, int bits)
{
    int i;

    for (i = 0; i < 4; i++)
        a.of[i] >>= bits;
    return a;
}

static inline uint32_t hm_only(hm_four a)
{
    return a.of[0] | a.of[1] | a.of[2] | a.of[3];
}
#endif

#endif
