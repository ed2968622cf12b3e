/*
 * Straight ways for many texts: one call, and other threads run while tokens
 * are made of a window of them.
 */
#include "cpython.h"

#if HM_DIRECT

#include <stdlib.h>

/* Bytes of text that are encoded at a time, or one text that has more. */
#define WINDOW ((size_t)1 << 16)

struct text {
    const char *data; /* belongs to the string, which the tuple keeps */
    size_t length;
    size_t token_count;
};

struct batch {
    hm_pool *pool;
    hm_room *room;
    struct text *texts;
    size_t count;
};

/* 0 if one of them is for the way written in Python. */
static int take_texts(struct batch *batch, PyObject *texts, Py_ssize_t start,
                      int is_checked)
{
    size_t i;

    for (i = 0; i < batch->count; i++) {
        struct text *text = batch->texts + i;
        PyObject *item = PyTuple_GetItem(texts, start + (Py_ssize_t)i);

        text->data = hm_utf8(item, &text->length);
        if (text->data == NULL
            || (is_checked && !hm_is_unmarked(text->data, text->length)))
            return 0;
    }
    return 1;
}

/* Encode texts, one behind the other, for which there is room. */
static int encode_window(const struct batch *batch, size_t start, size_t stop,
                         size_t *total)
{
    const hm_room *room = batch->room;

    for (*total = 0; start < stop; start++) {
        struct text *text = batch->texts + start;

        if (harmony_encode(batch->pool->encoding, room->cache, text->data,
                           text->length, NULL, 0, room->tokens + *total,
                           room->capacity - *total, &text->token_count, NULL)
            != HARMONY_OK)
            return 0;
        *total += text->token_count;
    }
    return 1;
}

/* Where the window that begins at a text stops. */
static size_t window(const struct batch *batch, size_t start, size_t *size)
{
    size_t stop = start;

    *size = 0;
    do
        *size += batch->texts[stop++].length;
    while (stop < batch->count && *size < WINDOW
           && batch->texts[stop].length <= WINDOW - *size);
    return stop;
}

/* What is made of the tokens of a window; 0 after an error. */
typedef int (*put_function)(struct batch *batch, PyObject *result, size_t start,
                            size_t stop, size_t total);

static int put_lists(struct batch *batch, PyObject *result, size_t start,
                     size_t stop, size_t total)
{
    const int32_t *tokens = batch->room->tokens;

    (void)total;
    for (; start < stop; start++) {
        PyObject *list
            = hm_list(batch->pool, tokens, batch->texts[start].token_count);

        if (list == NULL)
            return 0;
        PyList_SetItem(result, (Py_ssize_t)start, list);
        tokens += batch->texts[start].token_count;
    }
    return 1;
}

static int put_counts(struct batch *batch, PyObject *result, size_t start,
                      size_t stop, size_t total)
{
    (void)total;
    for (; start < stop; start++) {
        PyObject *count = PyLong_FromSize_t(batch->texts[start].token_count);

        if (count == NULL)
            return 0;
        PyList_SetItem(result, (Py_ssize_t)start, count);
    }
    return 1;
}

static int put_array(struct batch *batch, PyObject *result, size_t start,
                     size_t stop, size_t total)
{
    (void)start;
    (void)stop;
    return hm_extend_array(batch->pool, result, batch->room->tokens, total);
}

/* 1; 0 if it is for the way written in Python; -1 after an error. */
static int encode_all(struct batch *batch, PyObject *result, put_function put)
{
    size_t start, stop, size, total;

    for (start = 0; start < batch->count; start = stop) {
        PyThreadState *state;
        int is_done;

        stop = window(batch, start, &size);
        if (!hm_grow_room(batch->room, size))
            return 0;
        state = PyEval_SaveThread();
        is_done = encode_window(batch, start, stop, &total);
        PyEval_RestoreThread(state);
        if (!is_done)
            return 0;
        if (!put(batch, result, start, stop, total))
            return -1;
    }
    return 1;
}

/* The offsets of tokens, as bytes of int64: 0, and where each text stops. */
static PyObject *offsets(const struct batch *batch)
{
    PyObject *bytes = PyBytes_FromStringAndSize(
        NULL, (Py_ssize_t)((batch->count + 1) * sizeof(int64_t)));
    int64_t *numbers;
    size_t i;

    if (bytes == NULL)
        return NULL;
    numbers = (int64_t *)PyBytes_AsString(bytes);
    numbers[0] = 0;
    for (i = 0; i < batch->count; i++)
        numbers[i + 1] = numbers[i] + (int64_t)batch->texts[i].token_count;
    return bytes;
}

static PyObject *encode_batch(struct batch *batch, int form)
{
    static const put_function puts[] = {put_lists, put_counts, put_array};
    int is_array = form == 2, done;
    PyObject *result = is_array ? hm_new_array(batch->pool)
                                : PyList_New((Py_ssize_t)batch->count);

    if (result == NULL)
        return NULL;
    if (!is_array) /* or other threads can find it before it has its items */
        PyObject_GC_UnTrack(result);
    done = encode_all(batch, result, puts[form]);
    if (!is_array)
        PyObject_GC_Track(result);
    if (done == 1)
        return is_array ? Py_BuildValue("(NN)", result, offsets(batch))
                        : result;
    Py_DECREF(result);
    if (done < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyObject *hm_encode_texts(PyObject *module, PyObject *args)
{
    struct batch batch = {NULL, NULL, NULL, 0};
    PyObject *capsule, *texts, *result = NULL;
    Py_ssize_t start, stop;
    int is_checked, form;

    (void)module;
    if (!PyArg_ParseTuple(args, "OO!nnpi", &capsule, &PyTuple_Type, &texts,
                          &start, &stop, &is_checked, &form))
        return NULL;
    batch.pool = hm_pool_of(capsule);
    if (batch.pool == NULL)
        return NULL;
    if (form < 0 || form > 2 || start < 0 || stop < start
        || stop > PyTuple_Size(texts))
        return PyErr_Format(PyExc_ValueError, "no such form, or no such texts");
    batch.count = (size_t)(stop - start);
    batch.texts = calloc(batch.count + 1, sizeof *batch.texts);
    batch.room = batch.texts == NULL ? NULL : hm_take_room(batch.pool, 0);
    if (batch.room != NULL) {
        if (take_texts(&batch, texts, start, is_checked))
            result = encode_batch(&batch, form);
        hm_give_room(batch.room);
    }
    free(batch.texts);
    if (result != NULL || PyErr_Occurred())
        return result;
    Py_RETURN_NONE;
}

#endif
