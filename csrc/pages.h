/*
 * Memory for large tables that are read all over.
 */
#ifndef HM_PAGES_H
#define HM_PAGES_H

#include <stddef.h>

/* Memory that begins with a cache line. Where a system can be asked for huge
 * pages, large memory is in some, so that a look-up has no page to look up
 * first. `*block` is what to free. NULL if there is none. */
void *hm_table_memory(size_t size, void **block);

#endif
