/*
 * Straight ways into C for CPython: functions that take and give its objects,
 * in the module that cffi builds. They exist where HM_DIRECT is 1; elsewhere,
 * as on PyPy, every call goes through cffi.
 *
 * The rule of all of them: a straight way gives the result, or it does nothing
 * and the method written in Python does all of the work. So it has no errors
 * and no words of its own, and takes only what nearly every call is: plain
 * strings, plain lists of plain ints.
 */
#ifndef HARMONY_CPYTHON_H
#define HARMONY_CPYTHON_H

#include <pyconfig.h> /* which says whether there is a GIL */

/* One wheel serves every CPython from 3.10 on. A free-threaded one has no such
 * ABI before 3.15; and from then on, not one that shows what an object is. */
#if !defined(Py_LIMITED_API) && !defined(Py_GIL_DISABLED)                      \
    && !defined(Py_DEBUG) && !defined(_DEBUG)
#define Py_LIMITED_API 0x030a0000
#endif
#include <Python.h>
#include <structmember.h>

#if defined(PYPY_VERSION)                                                      \
    || (defined(Py_GIL_DISABLED) && PY_VERSION_HEX >= 0x030f0000)
#define HM_DIRECT 0
#else
#define HM_DIRECT 1
/* cffi's function that makes the module is called by ours, in cpython.c. */
#define PyInit__ffi hm_cffi_module
#endif

#if HM_DIRECT

#include "harmony.h"
#include "machine.h"

/* From this many bytes or tokens on, other threads run meanwhile. */
#define HM_LONG 1024

/* What one call at a time needs: a cache, and room for tokens and text. */
typedef struct hm_room {
    hm_mark taken;
    harmony_cache *cache;
    int32_t *tokens;
    size_t capacity;
    char *text;
    size_t text_capacity;
} hm_room;

#define HM_ROOMS 64

/* How many tokens an encoding knows the text of: two megabytes. Each has one
 * place, which others with the same low bits take from it. */
#define HM_KNOWN ((size_t)1 << 14)

typedef struct hm_known {
    int32_t token;
    PyObject *text;
} hm_known;

/* The ints that token ids are to Python, by id: long lists share them, for a
 * new one takes longer, and 32 bytes. */
#define HM_IDS ((size_t)HARMONY_TOKEN_LIMIT)

/* What all objects of one encoding share. */
typedef struct hm_pool {
    const harmony_encoding *encoding;
    PyObject *owner; /* of the encoding */
    PyObject *empty; /* array.array("i") */
    PyObject *frombytes;
    hm_known *known; /* from the first that is asked for */
    PyObject **ids;  /* from the first long list; NULL: none are shared */
    hm_room rooms[HM_ROOMS];
} hm_pool;

/* Before an object's own fields: the pool, or NULL until it is given. */
typedef struct hm_pooled {
    PyObject_HEAD PyObject *capsule; /* that holds the pool */
    hm_pool *pool;
} hm_pooled;

/* A function as Python's method tables have it, of whatever kind. */
#define HM_FUNCTION(function) ((PyCFunction)(void (*)(void))(function))

/* ---- cpython.c ---------------------------------------------------------- */

/* A function as void *, as slots of types have it. */
void *hm_slot(void (*function)(void));

/* Call the method written in Python, "_NAME_in_full". */
PyObject *hm_in_full(PyObject *self, const char *name, PyObject *const *args,
                     Py_ssize_t count, PyObject *names);

/* ---- cpython_pool.c ----------------------------------------------------- */

/* capsule = pool(address of the encoding, its owner, array("i")) */
PyObject *hm_new_pool(PyObject *module, PyObject *args);

/* The pool in a capsule; or NULL, and an error that says that there is none. */
hm_pool *hm_pool_of(PyObject *capsule);

/* Methods for types that begin as hm_pooled. */
PyObject *hm_new_pooled(PyTypeObject *type, PyObject *args, PyObject *named);
void hm_free_pooled(PyObject *self);
PyObject *hm_take_pool(PyObject *self, PyObject *capsule);

/* A room that no other call has, with room for so many tokens; or NULL. */
hm_room *hm_take_room(hm_pool *pool, size_t wanted);
void hm_give_room(hm_room *room);

/* Room for so many tokens, in place of what was there. 0 if there is no
 * memory. */
int hm_grow_room(hm_room *room, size_t wanted);

/* Room for so many bytes of text. 0 if there is no memory. */
int hm_make_text_room(hm_room *room, size_t wanted);

/* Token ids of a plain list or tuple, into the room: how many; -1 if these are
 * not all plain ints that fit. */
Py_ssize_t hm_take_ids(hm_pool *pool, PyObject *ids, hm_room **room);

/* The text of an ordinary token that is whole characters, for the caller to
 * give back. NULL after an error. */
PyObject *hm_token_text(hm_pool *pool, int32_t token);

/* A list of tokens of the encoding, whose ints are its own if there is no pool.
 * NULL after an error. */
PyObject *hm_list(hm_pool *pool, const int32_t *ids, size_t count);

/* An array of int32; more of them at its end. */
PyObject *hm_new_array(hm_pool *pool);
int hm_extend_array(hm_pool *pool, PyObject *array, const int32_t *ids,
                    size_t count);

/* ---- cpython_text.c ----------------------------------------------------- */

/* The UTF-8 of a plain str that has one, which belongs to it; or NULL. */
const char *hm_utf8(PyObject *text, size_t *length);

/* Whether text may be encoded without looking further: it spells no special
 * token. */
int hm_is_unmarked(const char *text, size_t length);

/* The type that an encoding is based on; its methods, by name, ending in
 * NULL. */
PyObject *hm_new_encoding_base(void);
extern const PyMethodDef hm_encoding_methods[];

/* ---- cpython_parser.c --------------------------------------------------- */

/* The type that a parser is based on; its methods and members, by name. */
PyObject *hm_new_parser_base(void);
extern const PyMethodDef hm_parser_methods[];
extern const PyMemberDef hm_parser_members[];

/* result = parse_messages(pool, forms, tokens, role, whether strict, whether to
 * recover): a list of messages; or None, if it is to be done in Python. */
PyObject *hm_parse_messages(PyObject *module, PyObject *args);

/* ---- cpython_many.c ----------------------------------------------------- */

/* result = encode_texts(pool, tuple, start, stop, whether special tokens are
 * an error, form): of texts[start ... stop), form 0: a list of lists, 1: a list
 * of counts, 2: an array and offsets, as bytes of int64; or None, if it is to
 * be done in Python. */
PyObject *hm_encode_texts(PyObject *module, PyObject *args);

/* ---- cpython_messages.c ------------------------------------------------- */

/* What fields are called, and how messages end. */
typedef enum hm_name {
    HM_AUTHOR,
    HM_ROLE,
    HM_NAME,
    HM_CONTENT,
    HM_TEXT,
    HM_RECIPIENT,
    HM_CHANNEL,
    HM_CONTENT_TYPE,
    HM_END_TOKEN,
    HM_MODEL_IDENTITY,
    HM_KNOWLEDGE_CUTOFF,
    HM_START_DATE,
    HM_EFFORT,
    HM_VALUE,
    HM_TOOLS,
    HM_CHANNEL_CONFIG,
    HM_VALID_CHANNELS,
    HM_CHANNEL_REQUIRED,
    HM_MESSAGE,
    HM_FINISHED,
    HM_END,
    HM_CALL,
    HM_RETURN,
    HM_NAME_COUNT
} hm_name;

/* Where in the tuple of what a message says its parts are; texts follow. */
enum {
    HM_SAID_ROLE,
    HM_SAID_NAME,
    HM_SAID_RECIPIENT,
    HM_SAID_CHANNEL,
    HM_SAID_CONTENT_TYPE,
    HM_SAID_TEXTS
};

/* The classes of what is read and made here, and what stands for the numbers
 * of C. Prompts are only read, and only parsers have segments and states. */
typedef struct hm_forms {
    PyObject *message, *author, *text;
    PyObject *roles; /* a tuple, one for each harmony_role */
    PyObject *system, *channels, *effort, *prompt;
    PyObject *segment;
    PyObject *states; /* a tuple, one for each harmony_state */
    PyObject *names[HM_NAME_COUNT];
} hm_forms;

/* capsule = forms(message=Message, author=Author, text=TextContent,
 * roles=tuple), and perhaps system=SystemContent, channels=ChannelConfig,
 * effort=ReasoningEffort, prompt=SystemPrompt; or segment=Segment,
 * states=tuple. */
PyObject *hm_new_forms(PyObject *module, PyObject *args, PyObject *given);

/* The forms in a capsule; or NULL, and an error that says there are none. */
hm_forms *hm_forms_of(PyObject *capsule);

/* The number of a role, or of None; 0 if it is neither. */
int hm_role_number(const hm_forms *forms, PyObject *role, int32_t *number);

/* list = plain_parts(tuple of messages, forms, whether there are function
 * tools): of each message role, name, recipient, channel, content type and
 * text; None for one that is not plain. Of a system prompt without tools there
 * is not its text but what harmony/prompts.py makes it from. */
PyObject *hm_plain_parts(PyObject *module, PyObject *args);

/* The finished messages of a parser from an index on, and what the last call
 * added to messages. The parser holds still meanwhile. */
PyObject *hm_new_messages(const hm_forms *forms,
                          const struct harmony_parser *parser, size_t first);
PyObject *hm_new_segments(const hm_forms *forms,
                          const struct harmony_parser *parser);

/* ---- cpython_same.c ----------------------------------------------------- */

/* bool = are_same(value, value): whether both are made of plain values of the
 * same types, equal and in the same order; False if that is not sure. */
PyObject *hm_are_same(PyObject *module, PyObject *args);

/* ---- cpython_render.c --------------------------------------------------- */

/* tokens, kept = render_said(pool, what messages say, what is known of each,
 * roles, drop rule, training, channel first, open last); or None, if it is to
 * be done in Python. Nothing new is kept of training. */
PyObject *hm_render_said(PyObject *module, PyObject *args);

/* ---- cpython_forms.c ---------------------------------------------------- */

/* shape = shape(class, fields): what the JSON form of a class has. A field is
 * (name, kind, of what, a tuple of what an absent key means or of nothing, how
 * many, whether it may be None, whether None is written):
 * harmony/_model/forms.py says more. */
PyObject *hm_new_shape(PyObject *module, PyObject *args);

/* object = read_form(shape, class, form, whether JSON values are kept and not
 * copied, levels of nesting that they may have); form = write_form(shape,
 * object, and the same); copy = copy_json(value, levels). None: it is to be
 * done in Python. */
PyObject *hm_read_form(PyObject *module, PyObject *args);
PyObject *hm_write_form(PyObject *module, PyObject *args);
PyObject *hm_copy_json(PyObject *module, PyObject *const *args,
                       Py_ssize_t count);

#endif
#endif
