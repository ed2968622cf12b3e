/*
 * Memory between two pages that can't be touched: a step over either end of a
 * buffer ends the program, whoever takes it, even code that no sanitizer sees.
 */
#ifndef GUARDED_H
#define GUARDED_H

#include <stddef.h>

/* Where there are pages to protect, and threads. */
#if defined(__unix__) || defined(__APPLE__)
#define HAS_POSIX
#endif

typedef struct guarded {
    char *start; /* behind a page that can't be touched */
    char *end;   /* where the next one begins */
} guarded;

/* Whole pages, for at least `size` bytes. */
guarded guarded_new(size_t size);
void guarded_free(guarded memory);

/* Which end of the memory a buffer touches. */
typedef enum guarded_side { AT_START, AT_END } guarded_side;

/* A buffer of `size` bytes there; the same with a copy of some bytes. */
void *guarded_room(guarded memory, guarded_side side, size_t size);
void *guarded_copy(guarded memory, guarded_side side, const void *bytes,
                   size_t size);

#endif
