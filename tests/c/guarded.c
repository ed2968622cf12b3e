/* For MAP_ANONYMOUS, which C99 by itself hides. */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "guarded.h"

#if defined(HAS_POSIX)
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

guarded guarded_new(size_t size)
{
    size_t page = page_size(), inside = (size + page - 1) / page * page;
    guarded memory;
    char *all = mmap(NULL, inside + 2 * page, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memory.start = all + page;
    memory.end = memory.start + inside;
    if (all == MAP_FAILED
        || mprotect(memory.start, inside, PROT_READ | PROT_WRITE) != 0) {
        printf("no pages for the test itself\n");
        exit(EXIT_FAILURE);
    }
    return memory;
}

void guarded_free(guarded memory)
{
    size_t page = page_size();

    munmap(memory.start - page, (size_t)(memory.end - memory.start) + 2 * page);
}

void *guarded_room(guarded memory, guarded_side side, size_t size)
{
    return side == AT_START ? memory.start : memory.end - size;
}

void *guarded_copy(guarded memory, guarded_side side, const void *bytes,
                   size_t size)
{
    void *copy = guarded_room(memory, side, size);

    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}
#else
typedef int no_pages_to_protect;
#endif
