/*
 * What the straight ways of one encoding share: caches and room, one for each
 * call that is under way at the same time, and token ids as Python has them.
 */
#include "cpython.h"

#if HM_DIRECT

#include <stdlib.h>
#include <string.h>

/* Tokens, and bytes of text, that a room keeps room for. What a longer text
 * needs is given back by the next call. */
#define KEPT_TOKENS ((size_t)1 << 18)
#define KEPT_TEXT ((size_t)1 << 20)
#define FIRST_TOKENS ((size_t)1 << 12)

#ifndef PyBUF_READ /* the limited API has the function but not its number */
#define PyBUF_READ 0x100
#endif

static const char capsule_name[] = "harmony.pool";

/* ---- The pool ----------------------------------------------------------- */

hm_pool *hm_pool_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, capsule_name);
}

static void free_pool(PyObject *capsule)
{
    hm_pool *pool = hm_pool_of(capsule);
    size_t i;

    for (i = 0; i < HM_ROOMS; i++) {
        harmony_cache_free(pool->rooms[i].cache);
        free(pool->rooms[i].tokens);
        free(pool->rooms[i].text);
    }
    for (i = 0; pool->known != NULL && i < HM_KNOWN; i++)
        Py_XDECREF(pool->known[i].text);
    for (i = 0; pool->ids != NULL && i < HM_IDS; i++)
        Py_XDECREF(pool->ids[i]);
    free(pool->known);
    free(pool->ids);
    Py_XDECREF(pool->owner);
    Py_XDECREF(pool->empty);
    Py_XDECREF(pool->frombytes);
    free(pool);
}

PyObject *hm_new_pool(PyObject *module, PyObject *args)
{
    PyObject *address, *owner, *empty, *capsule;
    hm_pool *pool;

    (void)module;
    if (!PyArg_ParseTuple(args, "OOO", &address, &owner, &empty))
        return NULL;
    pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return PyErr_NoMemory();
    capsule = PyCapsule_New(pool, capsule_name, free_pool);
    if (capsule == NULL) {
        free(pool);
        return NULL;
    }
    Py_INCREF(owner);
    Py_INCREF(empty);
    pool->owner = owner;
    pool->empty = empty;
    pool->encoding = PyLong_AsVoidPtr(address);
    pool->frombytes = PyUnicode_InternFromString("frombytes");
    if (!PyErr_Occurred())
        return capsule;
    Py_DECREF(capsule);
    return NULL;
}

PyObject *hm_new_pooled(PyTypeObject *type, PyObject *args, PyObject *named)
{
    (void)args;
    (void)named;
    return PyType_GenericAlloc(type, 0);
}

void hm_free_pooled(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    void *slot = PyType_GetSlot(type, Py_tp_free);
    freefunc release;

    memcpy(&release, &slot, sizeof release);
    Py_XDECREF(((hm_pooled *)self)->capsule);
    release(self);
    Py_DECREF(type);
}

PyObject *hm_take_pool(PyObject *self, PyObject *capsule)
{
    hm_pooled *pooled = (hm_pooled *)self;
    hm_pool *pool = hm_pool_of(capsule);

    if (pool == NULL)
        return NULL;
    if (pooled->pool == NULL) { /* which calls may be using */
        Py_INCREF(capsule);
        pooled->capsule = capsule;
        pooled->pool = pool;
    }
    Py_RETURN_NONE;
}

/* ---- Rooms -------------------------------------------------------------- */

int hm_grow_room(hm_room *room, size_t wanted)
{
    size_t twice = 2 * room->capacity, capacity;

    if (wanted <= room->capacity && room->capacity <= KEPT_TOKENS)
        return 1;
    capacity = twice < KEPT_TOKENS ? twice : KEPT_TOKENS;
    if (capacity < FIRST_TOKENS)
        capacity = FIRST_TOKENS;
    if (capacity < wanted)
        capacity = wanted;
    free(room->tokens);
    room->capacity = 0;
    room->tokens = capacity > SIZE_MAX / sizeof *room->tokens
                       ? NULL
                       : malloc(capacity * sizeof *room->tokens);
    if (room->tokens == NULL)
        return 0;
    room->capacity = capacity;
    return 1;
}

int hm_make_text_room(hm_room *room, size_t wanted)
{
    if (wanted <= room->text_capacity && room->text_capacity <= KEPT_TEXT)
        return 1;
    free(room->text);
    room->text = malloc(wanted);
    room->text_capacity = room->text == NULL ? 0 : wanted;
    return room->text != NULL;
}

hm_room *hm_take_room(hm_pool *pool, size_t wanted)
{
    hm_room *room = pool->rooms, *end = room + HM_ROOMS;

    while (room < end && !hm_take_mark(&room->taken))
        room++;
    if (room == end)
        return NULL;
    if (hm_grow_room(room, wanted)
        && (room->cache != NULL
            || harmony_cache_new(pool->encoding, &room->cache, NULL)
                   == HARMONY_OK))
        return room;
    hm_give_room(room);
    return NULL;
}

void hm_give_room(hm_room *room)
{
    hm_give_mark(&room->taken);
}

/* ---- Texts of tokens ---------------------------------------------------- */

static PyObject *new_text(const hm_pool *pool, int32_t token)
{
    size_t length;
    const char *bytes = harmony_token_bytes(pool->encoding, token, &length);

    return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)length, NULL);
}

#ifdef Py_GIL_DISABLED /* there, keeping it safe costs more than a new one */
PyObject *hm_token_text(hm_pool *pool, int32_t token)
{
    return new_text(pool, token);
}
#else
PyObject *hm_token_text(hm_pool *pool, int32_t token)
{
    hm_known *known;
    PyObject *text;

    if (pool->known == NULL)
        pool->known = calloc(HM_KNOWN, sizeof *pool->known);
    if (pool->known == NULL)
        return PyErr_NoMemory();
    known = pool->known + ((size_t)token & (HM_KNOWN - 1));
    if (known->text == NULL || known->token != token) {
        text = new_text(pool, token);
        if (text == NULL)
            return NULL;
        Py_XDECREF(known->text);
        known->text = text;
        known->token = token;
    }
    Py_INCREF(known->text);
    return known->text;
}
#endif

/* ---- Token ids ---------------------------------------------------------- */

/* So many tokens before one is needed, its int is asked for. */
#define AHEAD 64

/* Lists that are no longer have ints of their own: what is in no cache near the
 * processor takes longer than a new one, unless it is asked for in time. */
#define FEW_IDS (2 * AHEAD)

/* Item i of a plain list or tuple, for the caller to give back; NULL if a list
 * is no longer that long, as other threads may see to. */
static PyObject *item_of(PyObject *ids, Py_ssize_t i, int is_list)
{
#ifdef Py_GIL_DISABLED
    if (is_list)
        return PyList_GetItemRef(ids, i);
#else
    if (is_list)
        return PyList_GetItem(ids, i);
#endif
    return PyTuple_GetItem(ids, i);
}

static void give_item(PyObject *item, int is_list)
{
#ifdef Py_GIL_DISABLED
    if (is_list)
        Py_DECREF(item);
#else
    (void)item;
    (void)is_list;
#endif
}

/* No code of Python's runs meanwhile, so a list stays as it is. */
static int take_ids(PyObject *ids, Py_ssize_t count, int32_t *to)
{
    int is_list = PyList_CheckExact(ids);
    Py_ssize_t i;

    for (i = 0; i < count; i++) {
        PyObject *item = item_of(ids, i, is_list);
        int overflow = 0, is_int = item != NULL && PyLong_CheckExact(item);
        long id = is_int ? PyLong_AsLongAndOverflow(item, &overflow) : 0;

        if (item != NULL)
            give_item(item, is_list);
        if (!is_int || overflow || id < INT32_MIN || id > INT32_MAX)
            return 0;
        to[i] = (int32_t)id;
    }
    return 1;
}

Py_ssize_t hm_take_ids(hm_pool *pool, PyObject *ids, hm_room **room)
{
    Py_ssize_t count;

    if (PyList_CheckExact(ids))
        count = PyList_Size(ids);
    else if (PyTuple_CheckExact(ids))
        count = PyTuple_Size(ids);
    else
        return -1;
    *room = hm_take_room(pool, (size_t)count);
    if (*room == NULL)
        return -1;
    if (take_ids(ids, count, (*room)->tokens))
        return count;
    PyErr_Clear();
    hm_give_room(*room);
    return -1;
}

/* Whether there is a table of ints. Without the GIL, what threads share costs
 * more than ints of their own. */
static int has_ids(hm_pool *pool)
{
#ifndef Py_GIL_DISABLED
    if (pool->ids == NULL)
        pool->ids = calloc(HM_IDS, sizeof *pool->ids);
#endif
    return pool->ids != NULL;
}

/* Ask for the memory of the ints of tokens further on: it is all over the
 * place. Asking at NULL would cost more than an int that is there. */
static void ask_for_ids(const hm_pool *pool, const int32_t *ids, size_t left)
{
    if (left > 2 * AHEAD)
        HM_PREFETCH(pool->ids + ids[2 * AHEAD]);
    if (left > AHEAD && pool->ids[ids[AHEAD]] != NULL)
        HM_PREFETCH(pool->ids[ids[AHEAD]]);
}

static PyObject *shared_id(hm_pool *pool, int32_t id)
{
    PyObject **place = pool->ids + id;

    if (*place == NULL)
        *place = PyLong_FromLong(id);
    Py_XINCREF(*place);
    return *place;
}

PyObject *hm_list(hm_pool *pool, const int32_t *ids, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    int is_shared = pool != NULL && count > FEW_IDS && has_ids(pool);
    size_t i;

    for (i = 0; list != NULL && i < count; i++) {
        PyObject *id;

        if (is_shared)
            ask_for_ids(pool, ids + i, count - i);
        id = is_shared ? shared_id(pool, ids[i]) : PyLong_FromLong(ids[i]);
        if (id == NULL) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SetItem(list, (Py_ssize_t)i, id);
    }
    return list;
}

PyObject *hm_new_array(hm_pool *pool)
{
    return PySequence_Repeat(pool->empty, 0);
}

int hm_extend_array(hm_pool *pool, PyObject *array, const int32_t *ids,
                    size_t count)
{
    PyObject *memory, *done;

    if (count == 0)
        return 1;
    memory = PyMemoryView_FromMemory(
        (char *)ids, (Py_ssize_t)(count * sizeof *ids), PyBUF_READ);
    if (memory == NULL)
        return 0;
    done = PyObject_CallMethodObjArgs(array, pool->frombytes, memory, NULL);
    Py_DECREF(memory);
    Py_XDECREF(done);
    return done != NULL;
}

#endif
