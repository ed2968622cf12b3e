/*
 * The whole of the test harness. A check that fails says where and goes on;
 * the program's exit status is that of `check_summary`. Only the main thread
 * checks.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern long checks_made;
extern long checks_failed;

#define CHECK(condition)                                                       \
    check_that((condition) != 0, #condition, __FILE__, __LINE__)

/* Two integers, what was found first. */
#define CHECK_EQUAL(found, wanted)                                             \
    check_equal((long long)(found), (long long)(wanted), #found, __FILE__,     \
                __LINE__)

/* Two strings of bytes. */
#define CHECK_BYTES(found, found_length, wanted, wanted_length)                \
    check_bytes(found, found_length, wanted, wanted_length, #found, __FILE__,  \
                __LINE__)

/* Two C strings. */
#define CHECK_STRING(found, wanted)                                            \
    check_bytes(found, strlen(found), wanted, strlen(wanted), #found,          \
                __FILE__, __LINE__)

int check_that(int holds, const char *what, const char *file, int line);
int check_equal(long long found, long long wanted, const char *what,
                const char *file, int line);
int check_bytes(const void *found, size_t found_length, const void *wanted,
                size_t wanted_length, const char *what, const char *file,
                int line);

/* Print how it went; the exit status. */
int check_summary(const char *program);

#endif
