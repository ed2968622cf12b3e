/*
 * The extension module: what cffi makes, and the straight ways beside it.
 */
#include "cpython.h"

#if HM_DIRECT

#undef PyInit__ffi

#include <string.h>

PyMODINIT_FUNC hm_cffi_module(void);
PyMODINIT_FUNC PyInit__ffi(void);

void *hm_slot(void (*function)(void))
{
    void *slot;

    memcpy(&slot, &function, sizeof slot);
    return slot;
}

/* The arguments of a fast call as tuple and dict; 0 if there is no memory. */
static int pack(PyObject *const *args, Py_ssize_t count, PyObject *names,
                PyObject **packed, PyObject **named)
{
    Py_ssize_t i, total = names == NULL ? 0 : PyTuple_Size(names);

    *named = names == NULL ? NULL : PyDict_New();
    *packed = PyTuple_New(count);
    if (*packed == NULL || (names != NULL && *named == NULL))
        return 0;
    for (i = 0; i < count; i++) {
        Py_INCREF(args[i]);
        PyTuple_SetItem(*packed, i, args[i]);
    }
    for (i = 0; i < total; i++)
        if (PyDict_SetItem(*named, PyTuple_GetItem(names, i), args[count + i])
            < 0)
            return 0;
    return 1;
}

PyObject *hm_in_full(PyObject *self, const char *name, PyObject *const *args,
                     Py_ssize_t count, PyObject *names)
{
    PyObject *method, *packed, *named, *result = NULL;
    PyObject *full = PyUnicode_FromFormat("_%s_in_full", name);

    if (full == NULL)
        return NULL;
    method = PyObject_GetAttr(self, full);
    Py_DECREF(full);
    if (method != NULL && pack(args, count, names, &packed, &named))
        result = PyObject_Call(method, packed, named);
    if (method != NULL) {
        Py_XDECREF(packed);
        Py_XDECREF(named);
        Py_DECREF(method);
    }
    return result;
}

static const PyMethodDef *find(const PyMethodDef *methods, const char *name)
{
    while (methods->ml_name != NULL && strcmp(methods->ml_name, name) != 0)
        methods++;
    return methods->ml_name == NULL ? NULL : methods;
}

/* A copy of text that lives as long as the process; NULL without memory. */
static const char *lasting(const char *text)
{
    char *copy = PyMem_Malloc(strlen(text) + 1);

    return copy == NULL ? NULL : strcpy(copy, text);
}

/* method = straight(class, name, documentation): the method in C, for a class
 * that is based on one of ours. What describes it lives as long as the
 * process, as all classes in C do. */
static PyObject *straight(PyObject *module, PyObject *args)
{
    PyObject *owner;
    const char *name, *documentation;
    const PyMethodDef *found;
    PyMethodDef *method;

    (void)module;
    if (!PyArg_ParseTuple(args, "Oss", &owner, &name, &documentation))
        return NULL;
    found = find(hm_encoding_methods, name);
    if (found == NULL)
        found = find(hm_parser_methods, name);
    if (found == NULL)
        return PyErr_Format(PyExc_LookupError, "no such method: %s", name);
    method = PyMem_Malloc(sizeof *method);
    if (method == NULL)
        return PyErr_NoMemory();
    *method = *found;
    method->ml_doc = lasting(documentation);
    if (method->ml_doc == NULL)
        return PyErr_NoMemory();
    return PyDescr_NewMethod((PyTypeObject *)owner, method);
}

/* descriptor = member(class, name, member of ours, documentation): the same,
 * to be read only, by another name. */
static PyObject *member(PyObject *module, PyObject *args)
{
    PyObject *owner;
    const char *name, *member, *documentation;
    const PyMemberDef *found = hm_parser_members;
    PyMemberDef *copy;

    (void)module;
    if (!PyArg_ParseTuple(args, "Osss", &owner, &name, &member, &documentation))
        return NULL;
    while (found->name != NULL && strcmp(found->name, member) != 0)
        found++;
    if (found->name == NULL)
        return PyErr_Format(PyExc_LookupError, "no such member: %s", member);
    copy = PyMem_Malloc(sizeof *copy);
    if (copy == NULL)
        return PyErr_NoMemory();
    *copy = *found;
    copy->flags = READONLY;
    copy->name = lasting(name);
    copy->doc = lasting(documentation);
    if (copy->name == NULL || copy->doc == NULL)
        return PyErr_NoMemory();
    return PyDescr_NewMember((PyTypeObject *)owner, copy);
}

static const PyMethodDef functions[] = {
    {"pool", hm_new_pool, METH_VARARGS, NULL},
    {"encode_texts", hm_encode_texts, METH_VARARGS, NULL},
    {"forms", HM_FUNCTION(hm_new_forms), METH_VARARGS | METH_KEYWORDS, NULL},
    {"parse_messages", hm_parse_messages, METH_VARARGS, NULL},
    {"are_same", hm_are_same, METH_VARARGS, NULL},
    {"plain_parts", hm_plain_parts, METH_VARARGS, NULL},
    {"render_said", hm_render_said, METH_VARARGS, NULL},
    {"shape", hm_new_shape, METH_VARARGS, NULL},
    {"read_form", hm_read_form, METH_VARARGS, NULL},
    {"write_form", hm_write_form, METH_VARARGS, NULL},
    {"copy_json", HM_FUNCTION(hm_copy_json), METH_FASTCALL, NULL},
    {"member", member, METH_VARARGS, NULL},
    {"straight", straight, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* Steals the reference to what is added. */
static int add(PyObject *module, const char *name, PyObject *added)
{
    int status
        = added == NULL ? -1 : PyObject_SetAttrString(module, name, added);

    Py_XDECREF(added);
    return status == 0;
}

PyMODINIT_FUNC PyInit__ffi(void)
{
    PyObject *module = hm_cffi_module();

    if (module == NULL)
        return NULL;
    if (PyModule_AddFunctions(module, (PyMethodDef *)functions) == 0
        && add(module, "EncodingBase", hm_new_encoding_base())
        && add(module, "ParserBase", hm_new_parser_base()))
        return module;
    Py_DECREF(module);
    return NULL;
}

#endif
