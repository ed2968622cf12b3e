/*
 * What compilers offer beyond C99, and what stands in where they don't.
 */
#ifndef HM_MACHINE_H
#define HM_MACHINE_H

#include <stdint.h>

#if defined(__GNUC__)
#define HM_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define HM_PREFETCH(address) __builtin_prefetch(address)
#else
#define HM_LIKELY(condition) (condition)
#define HM_PREFETCH(address) ((void)(address))
#endif

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

#endif
