/*
 * What only the internal headers reach: room, error messages, options, the
 * words of a header, whole or broken, characters, pieces, memory for tables,
 * small vocabularies, a parser's last byte.
 */
#include "check.h"
#include "internals.h"

const char *vocabulary_path;

static const struct {
    const char *name;
    void (*test)(void);
} parts[] = {
    {"buffer", test_buffer},           {"error", test_error},
    {"options", test_options},         {"header", test_header},
    {"repair", test_repair},           {"unicode", test_unicode},
    {"pretokenize", test_pretokenize}, {"pages", test_pages},
    {"vocabulary", test_vocabulary},   {"bpe", test_bpe},
    {"pieces", test_pieces},           {"parser", test_parser},
};

int main(int count, char **arguments)
{
    size_t i, tested = 0;

    if (count != 2 && count != 3) {
        printf("usage: test_internals VOCABULARY [PART]\n");
        return EXIT_FAILURE;
    }
    vocabulary_path = arguments[1];
    for (i = 0; i < sizeof parts / sizeof *parts; i++)
        if (count == 2 || strcmp(parts[i].name, arguments[2]) == 0) {
            parts[i].test();
            tested++;
        }
    CHECK(tested > 0);
    return check_summary("test_internals");
}
