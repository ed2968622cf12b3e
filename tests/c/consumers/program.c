/*
 * A program that uses the library from outside: the vocabulary comes from the
 * file that is named, or, where BUILTIN is defined, from the program itself.
 */
#include <harmony.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef BUILTIN
static const void *vocabulary(char **arguments, size_t *size)
{
    (void)arguments;
    return harmony_builtin_vocabulary(size);
}
#else
static const void *vocabulary(char **arguments, size_t *size)
{
    static char bytes[4 << 20];
    FILE *file = fopen(arguments[1], "rb");

    if (file == NULL)
        exit(EXIT_FAILURE);
    *size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return bytes;
}
#endif

int main(int count, char **arguments)
{
    static const char text[] = "consumed";
    harmony_encoding *encoding;
    harmony_error error;
    int32_t tokens[sizeof text];
    char back[sizeof text];
    size_t size, length;
    const void *bytes = vocabulary(arguments, &size);

    (void)count;
    if (harmony_encoding_new(bytes, size, &encoding, &error) != HARMONY_OK
        || harmony_encode(encoding, NULL, text, strlen(text), NULL, 0, tokens,
                          sizeof text, &size, &error)
               != HARMONY_OK
        || harmony_decode(encoding, tokens, size, back, sizeof back, &length,
                          &error)
               != HARMONY_OK) {
        printf("%s\n", error.message);
        return EXIT_FAILURE;
    }
    printf("%s %.*s\n", harmony_version(), (int)length, back);
    harmony_encoding_free(encoding);
    return EXIT_SUCCESS;
}
