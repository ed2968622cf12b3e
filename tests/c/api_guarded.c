/*
 * Buffers that end where memory ends, and that begin where it begins, for every
 * function that reads or writes one; and every amount of room that makes a
 * difference.
 */
#include "api.h"

#include "guarded.h"

#if defined(HAS_POSIX)

/* What goes into a function, what comes out, and its error. */
static guarded in, more_in, out, more_out, said;

static const guarded_side sides[] = {AT_START, AT_END};
#define SIDES (sizeof sides / sizeof *sides)

static harmony_error *error_at(guarded_side side)
{
    return guarded_room(said, side, sizeof(harmony_error));
}

/* Texts of which every beginning is tried. */
static const char *const texts[] = {
    "It's what we'll see, the quick brown fox; HTTPServer 1234567 (x) = 5.\n"
    "\n\n    indented  \t and /// more_of it == 'quoted' ...",
    "if (a[i] != b->c)\n\t\treturn NULL; // why?\r\n/* 0x1F600 */ n += 3.14e-1"
    "0;"
    "      xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "\xC3\x89t\xC3\xA9 \xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82 "
    "\xE4\xB8\x96\xE7\x95\x8C \xF0\x9F\x98\x80\xF0\x9F\x91\xA9\xE2\x80\x8D "
    "\xE0\xA4\xA8\xE0\xA4\xAE\xE0\xA4\xB8\xCC\x81 caf\xC3\xA9 na\xC3\xAFve "
    "\xE1\xBA\xA1\xE1\xBA\xA5 \xC2\xA0\xE3\x80\x80x",
    "a<|start|>b<|end|><|reserved_200013|>c<|reserved_20001|<|message|>d<|",
    "                                                                      "
    "                                             x",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "qzxj wvkq jjxz qqqq zxzx \xFF\xFE\xC3\xE4\xB8\xF0\x9F\x98 \x80\x80 kqzvw",
};
#define TEXTS (sizeof texts / sizeof *texts)

/* Rooms around what is needed, then one far below; copies of several tokens, or
 * of 16 bytes, at a time must not step over the end. */
static size_t room_number(size_t i, size_t needed)
{
    const size_t around = 20;

    if (i == 0)
        return needed / 2;
    return needed + around > i ? needed + around - i : 0;
}
#define ROOMS 40

/* ---- Text and tokens --------------------------------------------------- */

static void check_encode(guarded_side side, harmony_cache *own,
                         const char *text, size_t length, const id_list *wanted)
{
    static const int32_t allowed[] = {HARMONY_TOKEN_END, 200013};
    const char *at = guarded_copy(in, side, text, length);
    const int32_t *specials
        = guarded_copy(more_in, side, allowed, sizeof allowed);
    size_t i, count;

    for (i = 0; i < ROOMS; i++) {
        size_t room_for = room_number(i, wanted->count);
        int enough = room_for >= wanted->count;
        int32_t *to = guarded_room(out, side, room_for * sizeof *to);

        CHECK_EQUAL(harmony_encode(encoding, own, at, length, specials, 2, to,
                                   room_for, &count, error_at(side)),
                    enough ? HARMONY_OK : HARMONY_SHORT_BUFFER);
        CHECK_EQUAL(count, wanted->count);
        if (enough)
            CHECK(memcmp(to, wanted->ids, count * sizeof *to) == 0);
    }
}

static void check_decode(guarded_side side, const char *text, size_t length,
                         const id_list *list)
{
    const int32_t *from
        = guarded_copy(in, side, list->ids, list->count * sizeof *from);
    size_t i, found;

    for (i = 0; i < ROOMS; i++) {
        size_t room_for = room_number(i, length);
        int enough = room_for >= length;
        char *to = guarded_room(out, side, room_for);

        CHECK_EQUAL(harmony_decode(encoding, from, list->count, to, room_for,
                                   &found, error_at(side)),
                    enough ? HARMONY_OK : HARMONY_SHORT_BUFFER);
        CHECK_EQUAL(found, length);
        if (enough)
            CHECK(memcmp(to, text, length) == 0);
    }
}

static void test_encode_and_decode(void)
{
    static const int32_t allowed[] = {HARMONY_TOKEN_END, 200013};
    size_t i, length, side;

    for (i = 0; i < TEXTS; i++)
        for (length = 0; length <= strlen(texts[i]); length++) {
            id_list list = encode_bytes(texts[i], length, allowed, 2);

            for (side = 0; side < SIDES; side++) {
                check_encode(sides[side], NULL, texts[i], length, &list);
                check_encode(sides[side], cache, texts[i], length, &list);
                check_decode(sides[side], texts[i], length, &list);
            }
            free(list.ids);
        }
}

static void test_unknown_token(void)
{
    static const int32_t ids[] = {1, 2, HARMONY_TOKEN_LIMIT};
    size_t side, length;

    for (side = 0; side < SIDES; side++)
        CHECK_EQUAL(
            harmony_decode(encoding,
                           guarded_copy(in, sides[side], ids, sizeof ids), 3,
                           guarded_room(out, sides[side], 1), 1, &length,
                           error_at(sides[side])),
            HARMONY_UNKNOWN_TOKEN);
}

static void test_find_special(void)
{
    static const char *const spelled[]
        = {"<|reserved_200013|>", "<|startoftext|>", "<|end|>"};
    size_t i, side, length, position, token_length;

    for (i = 0; i < 3; i++)
        for (length = 0; length <= strlen(spelled[i]); length++)
            for (side = 0; side < SIDES; side++) {
                int whole = length == strlen(spelled[i]);
                int32_t found = harmony_find_special_token(
                    guarded_copy(in, sides[side], spelled[i], length), length,
                    0, &position, &token_length);

                CHECK_EQUAL(found != HARMONY_NO_TOKEN, whole);
                CHECK_EQUAL(position, whole ? 0 : length);
            }
}

/* ---- Vocabularies ------------------------------------------------------ */

/* All single bytes, and a few merges: a compact file, or lines. */
static char *compact_file(size_t *size)
{
    static const uint8_t merges[][6] = {
        {'a', 0, 0, 'b', 0, 0}, {0, 1, 0, 'c', 0, 0}, {1, 1, 0, 1, 1, 0},
        {2, 1, 0, 2, 1, 0},     {3, 1, 0, 3, 1, 0},
    };
    const uint32_t count = 256 + sizeof merges / sizeof *merges;
    uint8_t *file = room(48 + 6 * (size_t)count), *entry = file + 48;
    int byte;

    for (byte = 0; byte < 256; byte++, entry += 6) {
        memset(entry, 0xFF, 6);
        entry[0] = (uint8_t)byte;
        entry[1] = entry[2] = 0;
    }
    memcpy(entry, merges, sizeof merges);
    seal_compact(file, count);
    *size = 48 + 6 * (size_t)count;
    return (char *)file;
}

static char *line_file(size_t *size)
{
    static const char *const longer[]
        = {"ab", "abc", "abcabc", "abcabcabcabc", "abcabcabcabcabcabcabcabc"};
    char *file = room(300 * LINE_ROOM(24)), *to = file;
    int32_t rank;

    for (rank = 0; rank < 256; rank++) {
        char byte = (char)rank;

        to = write_line(to, &byte, 1, rank, "\n");
    }
    for (; rank < 261; rank++)
        to = write_line(to, longer[rank - 256], strlen(longer[rank - 256]),
                        rank, rank == 260 ? "" : "\n");
    *size = (size_t)(to - file);
    return file;
}

static void check_piece(guarded_side side, const harmony_vocabulary *made,
                        size_t length)
{
    int32_t split[2];
    size_t i, count, needed;
    const char *text = guarded_copy(in, side, texts[5], length);
    const int32_t *ends;

    split[0] = (int32_t)length / 3;
    split[1] = (int32_t)length;
    ends = guarded_copy(more_in, side, split, sizeof split);
    harmony_vocabulary_encode(made, text, length, ends, 2, NULL, 0, &needed,
                              NULL);
    for (i = 0; i < ROOMS; i++) {
        size_t room_for = room_number(i, needed);

        CHECK_EQUAL(harmony_vocabulary_encode(
                        made, text, length, ends, 2,
                        guarded_room(out, side, room_for * sizeof *ends),
                        room_for, &count, error_at(side)),
                    room_for >= needed ? HARMONY_OK : HARMONY_SHORT_BUFFER);
        CHECK_EQUAL(count, needed);
    }
}

/* Every beginning of a file is refused, or is a vocabulary without what stands
 * behind it, as for lines. */
static void check_file(guarded_side side, const char *file, size_t size)
{
    harmony_vocabulary *made;
    harmony_encoding *none;
    size_t length;

    for (length = 0; length <= size; length++) {
        const char *part = guarded_copy(in, side, file, length);
        harmony_status status
            = harmony_vocabulary_new(part, length, &made, error_at(side));

        CHECK(status == HARMONY_OK || (length < size && made == NULL));
        harmony_vocabulary_free(made);
        CHECK_EQUAL(harmony_encoding_new(part, length, &none, error_at(side)),
                    HARMONY_BAD_VOCABULARY);
        CHECK(none == NULL);
    }
    harmony_vocabulary_new(guarded_copy(in, side, file, size), size, &made,
                           NULL);
    for (length = 0; length <= 140; length++)
        check_piece(side, made, length);
    harmony_vocabulary_free(made);
}

static void test_files(void)
{
    size_t side, size, lines_size;
    char *compact = compact_file(&size), *lines = line_file(&lines_size);

    for (side = 0; side < SIDES; side++) {
        check_file(sides[side], compact, size);
        check_file(sides[side], lines, lines_size);
    }
    free(lines);
    free(compact);
}

static void test_encoding_new(void)
{
    guarded whole = guarded_new(vocabulary_size);
    harmony_encoding *made;
    size_t side;

    for (side = 0; side < SIDES; side++) {
        const char *file = guarded_copy(whole, sides[side], vocabulary_file,
                                        vocabulary_size);

        CHECK_EQUAL(harmony_encoding_new(file, vocabulary_size, &made,
                                         error_at(sides[side])),
                    HARMONY_OK);
        harmony_encoding_free(made);
    }
    guarded_free(whole);
}

/* ---- Conversations ----------------------------------------------------- */

/* Three messages whose last field is the end of the text. */
static const char words[] = "bobfunctions.fcommentary<|constrain|>jsonHello!";
static const harmony_message records[] = {
    {HARMONY_ROLE_USER, {0, 3}, {-1, 0}, {-1, 0}, {-1, 0}, {41, 6}},
    {HARMONY_ROLE_ASSISTANT, {-1, 0}, {3, 11}, {14, 10}, {24, 17}, {41, 6}},
    {HARMONY_ROLE_CONTINUED, {-1, 0}, {-1, 0}, {-1, 0}, {-1, 0}, {47, 0}},
    {HARMONY_ROLE_TOOL, {3, 11}, {0, 3}, {47, 0}, {37, 4}, {46, 1}},
};
#define RECORDS (sizeof records / sizeof *records)

static void check_render(guarded_side side, harmony_cache *own)
{
    harmony_conversation conversation;
    size_t i, count, needed;

    conversation.text = guarded_copy(in, side, words, sizeof words - 1);
    conversation.text_length = sizeof words - 1;
    conversation.messages
        = guarded_copy(more_in, side, records, sizeof records);
    conversation.message_count = RECORDS;
    harmony_render(encoding, NULL, &conversation, NULL, NULL, 0, &needed, NULL);
    CHECK(needed > 20 && needed <= harmony_render_bound(&conversation));
    for (i = 0; i < ROOMS; i++) {
        size_t room_for = room_number(i, needed);
        int32_t *to = guarded_room(out, side, room_for * sizeof *to);
        harmony_part *parts = guarded_room(more_out, side, 3 * sizeof *parts);

        CHECK_EQUAL(harmony_render_parts(encoding, own, &conversation, NULL, to,
                                         room_for, &count, parts,
                                         error_at(side)),
                    room_for >= needed ? HARMONY_OK : HARMONY_SHORT_BUFFER);
        CHECK_EQUAL(count, needed);
        CHECK_EQUAL(parts[2].stop, needed);
        CHECK_EQUAL(harmony_render(encoding, own, &conversation, NULL, to,
                                   room_for, &count, error_at(side)),
                    room_for >= needed ? HARMONY_OK : HARMONY_SHORT_BUFFER);
    }
}

static void check_parse(guarded_side side, int32_t recover)
{
    const harmony_parser_options options
        = {sizeof options, HARMONY_ROLE_NONE, 1, recover};
    id_list list = encode_framed("<|start|>user<|message|>Hello \xF0\x9F"
                                 "\x98\x80\xFF!<|end|><|start|>assistant"
                                 "<|channel|>final<|message|>Hi");
    size_t first;

    for (first = 0; first <= list.count; first++) {
        harmony_parser *parser;
        const int32_t *ids
            = guarded_copy(in, side, list.ids, first * sizeof *ids);

        harmony_parser_new(encoding, &options, &parser, NULL);
        CHECK_EQUAL(harmony_parser_feed(parser, ids, first, error_at(side)),
                    HARMONY_OK);
        ids = guarded_copy(in, side, list.ids + first,
                           (list.count - first) * sizeof *ids);
        CHECK_EQUAL(harmony_parser_feed(parser, ids, list.count - first,
                                        error_at(side)),
                    HARMONY_OK);
        CHECK_EQUAL(harmony_parser_finish(parser, error_at(side)), HARMONY_OK);
        CHECK_EQUAL(harmony_parser_view(parser)->finished.message_count, 2);
        harmony_parser_free(parser);
        ids = guarded_copy(in, side, list.ids, first * sizeof *ids);
        CHECK_EQUAL(harmony_parser_after(encoding, ids, first, NULL, &parser,
                                         error_at(side)),
                    HARMONY_OK);
        harmony_parser_free(parser);
    }
    free(list.ids);
}

static void test_conversations(void)
{
    size_t side;

    for (side = 0; side < SIDES; side++) {
        check_render(sides[side], NULL);
        check_render(sides[side], cache);
        check_parse(sides[side], 0);
        check_parse(sides[side], 1);
    }
}

void test_guarded(void)
{
    guarded *const all[] = {&in, &more_in, &out, &more_out, &said};
    size_t i;

    for (i = 0; i < 5; i++)
        *all[i] = guarded_new(8192);
    test_encode_and_decode();
    test_unknown_token();
    test_find_special();
    test_files();
    test_encoding_new();
    test_conversations();
    for (i = 0; i < 5; i++)
        guarded_free(*all[i]);
}
#else
void test_guarded(void)
{
}
#endif
