/*
 * A fuzz target without its fuzzer: run it over the files given.
 */
#include <stdio.h>

#include "fuzz.h"

int main(int count, char **arguments)
{
    size_t size;
    int i;

    for (i = 1; i < count; i++) {
        char *bytes = read_file(arguments[i], &size);

        LLVMFuzzerTestOneInput((const uint8_t *)bytes, size);
        free(bytes);
    }
    printf("replay: %d inputs\n", count - 1);
    return count > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
