/*
 * Whether two values of the types that JSON has say the same, to the letter:
 * which are 1 and 1.0, and -0.0 and 0.0, not; nor are dicts in another order.
 */
#include "cpython.h"

#if HM_DIRECT

#include <string.h>

/* Lists and dicts in one another, beyond which nothing is said to be the same.
 */
#define DEEPEST 100

static int are_same(PyObject *one, PyObject *other, int depth);

static int are_same_dicts(PyObject *one, PyObject *other, int depth)
{
    PyObject *key, *value, *other_key, *other_value;
    Py_ssize_t at = 0, other_at = 0;

    if (PyDict_Size(one) != PyDict_Size(other))
        return 0;
    while (PyDict_Next(one, &at, &key, &value)
           && PyDict_Next(other, &other_at, &other_key, &other_value))
        if (!are_same(key, other_key, depth)
            || !are_same(value, other_value, depth))
            return 0;
    return 1;
}

static int are_same_lists(PyObject *one, PyObject *other, int depth)
{
    Py_ssize_t i, size = PyList_Size(one);

    if (PyList_Size(other) != size)
        return 0;
    for (i = 0; i < size; i++)
        if (!are_same(PyList_GetItem(one, i), PyList_GetItem(other, i), depth))
            return 0;
    return 1;
}

static int are_same_tuples(PyObject *one, PyObject *other, int depth)
{
    Py_ssize_t i, size = PyTuple_Size(one);

    if (PyTuple_Size(other) != size)
        return 0;
    for (i = 0; i < size; i++)
        if (!are_same(PyTuple_GetItem(one, i), PyTuple_GetItem(other, i),
                      depth))
            return 0;
    return 1;
}

static int are_same_floats(PyObject *one, PyObject *other)
{
    double a = PyFloat_AsDouble(one), b = PyFloat_AsDouble(other);

    return memcmp(&a, &b, sizeof a) == 0;
}

/* No code of Python's runs meanwhile, for all types are Python's own. */
static int are_same(PyObject *one, PyObject *other, int depth)
{
    if (Py_TYPE(one) != Py_TYPE(other))
        return 0;
    if (PyUnicode_CheckExact(one))
        return one == other || PyUnicode_Compare(one, other) == 0;
    if (PyDict_CheckExact(one))
        return depth < DEEPEST && are_same_dicts(one, other, depth + 1);
    if (PyList_CheckExact(one))
        return depth < DEEPEST && are_same_lists(one, other, depth + 1);
    if (PyTuple_CheckExact(one))
        return depth < DEEPEST && are_same_tuples(one, other, depth + 1);
    if (PyFloat_CheckExact(one))
        return are_same_floats(one, other);
    if (PyLong_CheckExact(one))
        return PyObject_RichCompareBool(one, other, Py_EQ) == 1;
    return one == other && (one == Py_None || PyBool_Check(one));
}

PyObject *hm_are_same(PyObject *module, PyObject *args)
{
    PyObject *one, *other;
    int same = 0;

    (void)module;
    if (!PyArg_ParseTuple(args, "OO", &one, &other))
        return NULL;
#ifndef Py_GIL_DISABLED /* or other threads may change them meanwhile */
    same = are_same(one, other, 0);
#endif
    return PyBool_FromLong(same);
}

#endif
