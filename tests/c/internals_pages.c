/*
 * Memory for tables: all of it is there, from a cache line on.
 */
#include "pages.h"

#include "check.h"
#include "internals.h"
#include "support.h"

void test_pages(void)
{
    static const size_t sizes[]
        = {1, 64, 100000, (2u << 20) - 1, 2 << 20, 5000000, 6 << 20};
    size_t i;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *block = NULL;
        uint8_t *memory = hm_table_memory(sizes[i], &block);

        CHECK(memory != NULL && (uintptr_t)memory % 64 == 0);
        memset(memory, 1, sizes[i]);
        free(block);
        refuse_memory(0);
        CHECK(hm_table_memory(sizes[i], &block) == NULL);
        CHECK(block == NULL);
        refuse_memory(REFUSE_NONE);
    }
}
