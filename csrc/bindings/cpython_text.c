/*
 * Straight ways of an encoding: text to tokens and back.
 */
#include "cpython.h"

#if HM_DIRECT

#include <string.h>

const char *hm_utf8(PyObject *text, size_t *length)
{
    Py_ssize_t size;
    const char *data;

    if (!PyUnicode_CheckExact(text))
        return NULL;
    data = PyUnicode_AsUTF8AndSize(text, &size);
    if (data == NULL) {
        PyErr_Clear(); /* a lone surrogate, or no memory: said in full */
        return NULL;
    }
    *length = (size_t)size;
    return data;
}

/* One character is found many times as fast as two. */
int hm_is_unmarked(const char *text, size_t length)
{
    size_t position, token_length;
    const char *mark = memchr(text, '<', length);

    return mark == NULL
           || harmony_find_special_token(text, length, (size_t)(mark - text),
                                         &position, &token_length)
                  == HARMONY_NO_TOKEN;
}

/* ---- Text to tokens ----------------------------------------------------- */

/* Whether the arguments are one text and, perhaps, `disallowed_special=()`;
 * *is_checked: special tokens in it are an error. */
static int is_plain_call(PyObject *const *args, Py_ssize_t count,
                         PyObject *names, int *is_checked)
{
    *is_checked = 1;
    if (count != 1)
        return 0;
    if (names == NULL)
        return 1;
    *is_checked = 0;
    return PyTuple_Size(names) == 1 && PyTuple_CheckExact(args[1])
           && PyTuple_Size(args[1]) == 0
           && PyUnicode_CompareWithASCIIString(PyTuple_GetItem(names, 0),
                                               "disallowed_special")
                  == 0;
}

static harmony_status encode(const hm_pool *pool, hm_room *room,
                             const char *text, size_t length, int counted_only,
                             size_t *count)
{
    PyThreadState *state = length >= HM_LONG ? PyEval_SaveThread() : NULL;
    harmony_status status
        = harmony_encode(pool->encoding, room->cache, text, length, NULL, 0,
                         counted_only ? NULL : room->tokens,
                         counted_only ? 0 : room->capacity, count, NULL);

    if (state != NULL)
        PyEval_RestoreThread(state);
    return counted_only && status == HARMONY_SHORT_BUFFER ? HARMONY_OK : status;
}

/* Encode the text of a call: the room with the tokens, which is to be given
 * back, and their number; or NULL, if it is to be done in full. */
static hm_room *encoded(PyObject *self, PyObject *const *args, Py_ssize_t given,
                        PyObject *names, int counted_only, size_t *count)
{
    hm_pool *pool = ((hm_pooled *)self)->pool;
    const char *text;
    size_t length;
    hm_room *room;
    int is_checked;

    if (pool == NULL || !is_plain_call(args, given, names, &is_checked))
        return NULL;
    text = hm_utf8(args[0], &length);
    if (text == NULL || (is_checked && !hm_is_unmarked(text, length)))
        return NULL;
    room = hm_take_room(pool, counted_only ? 0 : length);
    if (room == NULL
        || encode(pool, room, text, length, counted_only, count) == HARMONY_OK)
        return room;
    hm_give_room(room);
    return NULL;
}

static PyObject *encode_to_list(PyObject *self, PyObject *const *args,
                                Py_ssize_t given, PyObject *names)
{
    size_t count;
    hm_room *room = encoded(self, args, given, names, 0, &count);
    PyObject *list;

    if (room == NULL)
        return hm_in_full(self, "encode", args, given, names);
    list = hm_list(((hm_pooled *)self)->pool, room->tokens, count);
    hm_give_room(room);
    return list;
}

static PyObject *encode_to_array(PyObject *self, PyObject *const *args,
                                 Py_ssize_t given, PyObject *names)
{
    size_t count;
    hm_pool *pool = ((hm_pooled *)self)->pool;
    hm_room *room = encoded(self, args, given, names, 0, &count);
    PyObject *array;

    if (room == NULL)
        return hm_in_full(self, "encode_to_array", args, given, names);
    array = hm_new_array(pool);
    if (array != NULL && !hm_extend_array(pool, array, room->tokens, count)) {
        Py_DECREF(array);
        array = NULL;
    }
    hm_give_room(room);
    return array;
}

static PyObject *count_tokens(PyObject *self, PyObject *const *args,
                              Py_ssize_t given, PyObject *names)
{
    size_t count;
    hm_room *room = encoded(self, args, given, names, 1, &count);

    if (room == NULL)
        return hm_in_full(self, "count_tokens", args, given, names);
    hm_give_room(room);
    return PyLong_FromSize_t(count);
}

/* ---- Tokens to text ----------------------------------------------------- */

/* What most tokens have room in; if it is too little, it is done again. */
#define TEXT_BOUND(count) (8 * (size_t)(count) + 64)

static harmony_status decode(const hm_pool *pool, hm_room *room, size_t count,
                             size_t *length)
{
    PyThreadState *state = count >= HM_LONG ? PyEval_SaveThread() : NULL;
    harmony_status status;

    do
        status = harmony_decode(pool->encoding, room->tokens, count, room->text,
                                room->text_capacity, length, NULL);
    while (status == HARMONY_SHORT_BUFFER && hm_make_text_room(room, *length));
    if (state != NULL)
        PyEval_RestoreThread(state);
    return status;
}

/* Decode the tokens of a call: the room with the text, which is to be given
 * back, and its length; or NULL, if it is to be done in full. */
static hm_room *decoded(PyObject *self, PyObject *const *args, Py_ssize_t given,
                        PyObject *names, size_t *length)
{
    hm_pool *pool = ((hm_pooled *)self)->pool;
    Py_ssize_t count;
    hm_room *room;

    if (pool == NULL || given != 1 || names != NULL)
        return NULL;
    count = hm_take_ids(pool, args[0], &room);
    if (count < 0)
        return NULL;
    if (hm_make_text_room(room, TEXT_BOUND(count))
        && decode(pool, room, (size_t)count, length) == HARMONY_OK)
        return room;
    hm_give_room(room);
    return NULL;
}

static PyObject *decode_to_str(PyObject *self, PyObject *const *args,
                               Py_ssize_t given, PyObject *names)
{
    size_t length;
    hm_room *room = decoded(self, args, given, names, &length);
    PyObject *text;

    if (room == NULL)
        return hm_in_full(self, "decode", args, given, names);
    text = PyUnicode_DecodeUTF8(room->text, (Py_ssize_t)length, "replace");
    hm_give_room(room);
    return text;
}

static PyObject *decode_utf8(PyObject *self, PyObject *const *args,
                             Py_ssize_t given, PyObject *names)
{
    size_t length;
    hm_room *room = decoded(self, args, given, names, &length);
    PyObject *text = NULL;

    if (room != NULL) {
        text = PyUnicode_DecodeUTF8(room->text, (Py_ssize_t)length, NULL);
        hm_give_room(room);
    }
    if (text != NULL)
        return text;
    PyErr_Clear(); /* said in full */
    return hm_in_full(self, "decode_utf8", args, given, names);
}

static PyObject *decode_bytes(PyObject *self, PyObject *const *args,
                              Py_ssize_t given, PyObject *names)
{
    size_t length;
    hm_room *room = decoded(self, args, given, names, &length);
    PyObject *bytes;

    if (room == NULL)
        return hm_in_full(self, "decode_bytes", args, given, names);
    bytes = PyBytes_FromStringAndSize(room->text, (Py_ssize_t)length);
    hm_give_room(room);
    return bytes;
}

static PyObject *is_special_token(PyObject *self, PyObject *const *args,
                                  Py_ssize_t given, PyObject *names)
{
    int overflow;
    long id;

    if (given != 1 || names != NULL || !PyLong_CheckExact(args[0]))
        return hm_in_full(self, "is_special_token", args, given, names);
    id = PyLong_AsLongAndOverflow(args[0], &overflow);
    return PyBool_FromLong(!overflow && id >= 0 && id <= INT32_MAX
                           && harmony_is_special_token((int32_t)id));
}

/* ---- The type ----------------------------------------------------------- */

#define FAST (METH_FASTCALL | METH_KEYWORDS)

const PyMethodDef hm_encoding_methods[] = {
    {"encode", HM_FUNCTION(encode_to_list), FAST, NULL},
    {"encode_to_array", HM_FUNCTION(encode_to_array), FAST, NULL},
    {"count_tokens", HM_FUNCTION(count_tokens), FAST, NULL},
    {"decode", HM_FUNCTION(decode_to_str), FAST, NULL},
    {"decode_utf8", HM_FUNCTION(decode_utf8), FAST, NULL},
    {"decode_bytes", HM_FUNCTION(decode_bytes), FAST, NULL},
    {"is_special_token", HM_FUNCTION(is_special_token), FAST, NULL},
    {NULL, NULL, 0, NULL},
};

static const PyMethodDef own_methods[] = {
    {"_share", hm_take_pool, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

PyObject *hm_new_encoding_base(void)
{
    PyType_Slot slots[] = {
        {Py_tp_new, hm_slot((void (*)(void))hm_new_pooled)},
        {Py_tp_dealloc, hm_slot((void (*)(void))hm_free_pooled)},
        {Py_tp_methods, (void *)own_methods},
        {0, NULL},
    };
    PyType_Spec spec = {"harmony._native._ffi.EncodingBase", sizeof(hm_pooled),
                        0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

    return PyType_FromSpec(&spec);
}

#endif
