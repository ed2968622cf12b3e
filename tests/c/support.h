/*
 * What the tests share besides checks: memory that is exactly as large as it
 * has to be, memory that is refused, and random numbers that are the same
 * everywhere.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <stddef.h>
#include <stdint.h>

/* The library under test gets its memory here (see the Makefile). The request
 * number `memory_refused`, from 0, gets none; all are counted, but for threads,
 * which would count at the same time. */
enum { REFUSE_NONE = -1, DONT_COUNT = -2 };
extern long memory_requests;
extern long memory_refused;
void *support_malloc(size_t size);
void *support_calloc(size_t count, size_t size);
void *support_realloc(void *memory, size_t size);

/* Begin to count the library's requests, and refuse that one. */
void refuse_memory(long request);

/* Memory of exactly this size, so that a sanitizer sees a step beyond it; a
 * copy of bytes in such memory; a file in such memory. The test ends if that
 * can't be had. */
void *room(size_t size);
void *exact_copy(const void *bytes, size_t size);
char *read_file(const char *path, size_t *size);

/* A random number below `limit`, by a generator whose state is the seed. */
uint32_t random_below(uint64_t *seed, uint32_t limit);

/* The compact vocabulary's header before entries that are in place: `file` has
 * 48 + 6 * count bytes. */
void seal_compact(uint8_t *file, uint32_t count);

/* Append a line "BASE64 RANK" (with `end` behind it) at `to`; where it ends. */
char *write_line(char *to, const void *bytes, size_t length, int32_t rank,
                 const char *end);

/* Room that such a line needs at most. */
#define LINE_ROOM(length) (((length) + 2) / 3 * 4 + 16)

#endif
