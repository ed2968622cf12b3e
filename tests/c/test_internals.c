/*
 * What only the internal headers reach: small vocabularies, the words of a
 * header, characters, error messages.
 */
#include "check.h"
#include "internals.h"

int main(void)
{
    test_error();
    test_header();
    test_unicode();
    test_vocabulary();
    test_bpe();
    return check_summary("test_internals");
}
