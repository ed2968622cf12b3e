#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* ---- Checks ------------------------------------------------------------ */

long checks_made, checks_failed;

int check_that(int holds, const char *what, const char *file, int line)
{
    checks_made++;
    if (!holds) {
        checks_failed++;
        printf("%s:%d: does not hold: %s\n", file, line, what);
    }
    return holds;
}

int check_equal(long long found, long long wanted, const char *what,
                const char *file, int line)
{
    checks_made++;
    if (found != wanted) {
        checks_failed++;
        printf("%s:%d: %s is %lld, not %lld\n", file, line, what, found,
               wanted);
    }
    return found == wanted;
}

int check_bytes(const void *found, size_t found_length, const void *wanted,
                size_t wanted_length, const char *what, const char *file,
                int line)
{
    int same
        = found_length == wanted_length
          && (found_length == 0 || memcmp(found, wanted, found_length) == 0);

    checks_made++;
    if (!same) {
        checks_failed++;
        printf("%s:%d: %s is\n    %.*s\n  not\n    %.*s\n", file, line, what,
               (int)found_length, found_length ? (const char *)found : "",
               (int)wanted_length, wanted_length ? (const char *)wanted : "");
    }
    return same;
}

int check_summary(const char *program)
{
    if (checks_failed > 0)
        printf("%s: %ld of %ld checks failed\n", program, checks_failed,
               checks_made);
    else
        printf("%s: %ld checks passed\n", program, checks_made);
    fflush(stdout); /* a leak ends the program without that */
    return checks_failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- Memory ------------------------------------------------------------ */

long memory_requests, memory_refused = REFUSE_NONE;

static int is_refused(void)
{
    return memory_refused != DONT_COUNT && memory_requests++ == memory_refused;
}

void *support_malloc(size_t size)
{
    return is_refused() ? NULL : malloc(size);
}

void *support_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : calloc(count, size);
}

void *support_realloc(void *memory, size_t size)
{
    return is_refused() ? NULL : realloc(memory, size);
}

void refuse_memory(long request)
{
    memory_requests = 0;
    memory_refused = request;
}

void *room(size_t size)
{
    void *memory = malloc(size > 0 ? size : 1);

    if (memory == NULL) {
        printf("no memory for the test itself\n");
        exit(EXIT_FAILURE);
    }
    return memory;
}

void *exact_copy(const void *bytes, size_t size)
{
    void *copy = room(size);

    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *bytes = room(8u << 20), *exact;

    if (file == NULL) {
        printf("can't read %s\n", path);
        exit(EXIT_FAILURE);
    }
    *size = fread(bytes, 1, 8u << 20, file);
    fclose(file);
    exact = exact_copy(bytes, *size);
    free(bytes);
    return exact;
}

/* ---- Random numbers ---------------------------------------------------- */

uint32_t random_below(uint64_t *seed, uint32_t limit)
{
    uint64_t x = *seed += 0x9E3779B97F4A7C15u;

    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((x >> 32 ^ x) % limit);
}

/* ---- Vocabulary files -------------------------------------------------- */

/* The checksum of zlib, bit by bit. */
static uint32_t slow_crc32(const uint8_t *bytes, size_t length)
{
    uint32_t crc = 0xFFFFFFFFu;
    size_t i;
    int bit;

    for (i = 0; i < length; i++)
        for (crc ^= bytes[i], bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    return crc ^ 0xFFFFFFFFu;
}

static void put_little32(uint8_t *to, uint32_t number)
{
    int i;

    for (i = 0; i < 4; i++)
        to[i] = (uint8_t)(number >> 8 * i);
}

void seal_compact(uint8_t *file, uint32_t count)
{
    memcpy(file, "harmvoc1", 8);
    put_little32(file + 8, count);
    memset(file + 16, 0, 32);
    put_little32(file + 12, slow_crc32(file + 16, 32 + 6 * (size_t)count));
}

char *write_line(char *to, const void *bytes, size_t length, int32_t rank,
                 const char *end)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *from = bytes;
    size_t i, j;

    for (i = 0; i < length; i += 3) {
        uint32_t group = 0;

        for (j = 0; j < 3; j++)
            group = group << 8 | (i + j < length ? from[i + j] : 0u);
        for (j = 0; j < 4; j++)
            *to++ = i + j > length ? '=' : digits[group >> (18 - 6 * j) & 63];
    }
    return to + sprintf(to, " %ld%s", (long)rank, end);
}
