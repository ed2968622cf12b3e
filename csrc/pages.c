/*
 * Huge pages. A table of 4 MB has a thousand pages of 4 kB, more than a
 * processor keeps the places of; it has two of 2 MB. Linux gives them to memory
 * that asks before it is first written to.
 */
#if defined(__linux__)
#define _DEFAULT_SOURCE /* madvise, which is not in C99 */
#include <sys/mman.h>
#endif

#include "pages.h"

#include <stdint.h>
#include <stdlib.h>

#define LINE 64 /* bytes of a cache line */
#define HUGE_PAGE ((size_t)2 << 20)

static void *aligned(void *memory, size_t to)
{
    return (uint8_t *)memory + (to - (uintptr_t)memory % to) % to;
}

#if defined(MADV_HUGEPAGE)
/* What is behind a table in its last page is lost, so there have to be some.
 * The memory before and behind these pages is never touched. */
static void *huge_memory(size_t size, void **block)
{
    size_t pages = size / HUGE_PAGE + (size % HUGE_PAGE != 0);
    void *memory;

    *block = malloc((pages + 1) * HUGE_PAGE);
    if (*block == NULL)
        return NULL;
    memory = aligned(*block, HUGE_PAGE);
    madvise(memory, pages * HUGE_PAGE, MADV_HUGEPAGE); /* or else without */
    return memory;
}
#endif

void *hm_table_memory(size_t size, void **block)
{
#if defined(MADV_HUGEPAGE)
    if (size >= HUGE_PAGE)
        return huge_memory(size, block);
#endif
    *block = malloc(size + LINE);
    return *block == NULL ? NULL : aligned(*block, LINE);
}
