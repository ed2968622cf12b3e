/*
 * The parts of test_internals: one for each internal header.
 */
#ifndef INTERNALS_H
#define INTERNALS_H

extern const char *vocabulary_path;

void test_buffer(void);
void test_error(void);
void test_options(void);
void test_header(void);
void test_repair(void);
void test_unicode(void);
void test_pages(void);
void test_pieces(void);
void test_pretokenize(void);
void test_vocabulary(void);
void test_bpe(void);
void test_parser(void);

#endif
