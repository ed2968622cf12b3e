/*
 * What compilers offer beyond C99, and what stands in where they don't.
 */
#ifndef HM_MACHINE_H
#define HM_MACHINE_H

#include <stdint.h>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

#if defined(__GNUC__)
#define HM_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define HM_PREFETCH(address) __builtin_prefetch(address)
#else
#define HM_LIKELY(condition) (condition)
#define HM_PREFETCH(address) ((void)(address))
#endif

/* A mark on what one call at a time may use. hm_take_mark: 1 if it was free and
 * is taken now; 0 if another call has it, of another thread or in this one.
 * Where compilers offer no atomic exchange, or a machine has none, threads that
 * come at the very same time may both get it. */
typedef volatile long hm_mark;

static inline int hm_take_mark(hm_mark *mark)
{
#if defined(__GCC_ATOMIC_LONG_LOCK_FREE) && __GCC_ATOMIC_LONG_LOCK_FREE == 2
    return __atomic_exchange_n(mark, 1, __ATOMIC_ACQUIRE) == 0;
#elif defined(_MSC_VER)
    return _InterlockedExchange(mark, 1) == 0;
#else
    long was = *mark;

    *mark = 1;
    return was == 0;
#endif
}

static inline void hm_give_mark(hm_mark *mark)
{
#if defined(__GCC_ATOMIC_LONG_LOCK_FREE) && __GCC_ATOMIC_LONG_LOCK_FREE == 2
    __atomic_store_n(mark, 0, __ATOMIC_RELEASE);
#elif defined(_MSC_VER)
    _InterlockedExchange(mark, 0);
#else
    *mark = 0;
#endif
}

/* The place of the lowest bit that is set; there is one. */
static inline unsigned hm_lowest_bit(uint64_t bits)
{
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(bits);
#else
    unsigned place = 0;

    while (!(bits & 0xFF)) {
        bits >>= 8;
        place += 8;
    }
    for (; !(bits & 1); bits >>= 1)
        place++;
    return place;
#endif
}

/* The place of the highest bit that is set; there is one. */
static inline unsigned hm_highest_bit(uint64_t bits)
{
#if defined(__GNUC__)
    return 63 ^ (unsigned)__builtin_clzll(bits);
#else
    unsigned place = 0;

    while (bits > 0xFF) {
        bits >>= 8;
        place += 8;
    }
    while (bits >>= 1)
        place++;
    return place;
#endif
}

#endif
