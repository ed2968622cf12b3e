/*
 * What only the internal headers reach: small vocabularies, the words of a
 * header, characters, pieces, memory for tables, error messages, options, a
 * parser's last byte.
 */
#include "check.h"
#include "internals.h"

int main(int count, char **arguments)
{
    if (count != 2) {
        printf("usage: test_internals VOCABULARY\n");
        return EXIT_FAILURE;
    }
    test_error();
    test_options();
    test_header();
    test_unicode();
    test_pretokenize();
    test_pages();
    test_vocabulary();
    test_bpe();
    test_parser(arguments[1]);
    return check_summary("test_internals");
}
