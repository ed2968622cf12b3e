"""Mutation testing: which small errors in harmony/ would the tests not notice?

    python -m tests.mutants prompts.py typescript.py

A mutant is a file with one small error in it. The kinds of error are those of mutmut
(a number more, ``<`` for ``<=``, None for an argument, ...) and four of our own.
mutmut's own runner leaves out properties, whatever else is decorated, and what stands
outside of functions; and it knows mutants by their number. Here all are made; each is
run in a fork of its own, by the tests that execute its line, fastest first; and those
that change nothing are in equal.json under what they say, with the reason.
"""
