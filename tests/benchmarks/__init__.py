"""harmony beside its peers, in one run::

    python -m tests.benchmarks                          all of it
    python -m tests.benchmarks --quick                  in two minutes
    python -m tests.benchmarks --section array --section start

Run it from the root of the repository with a Python in which harmony is installed with
the extra ``bench``. Each peer is installed, at an exact version, in an environment of
its own under ``--cache`` (``~/.cache/harmony-benchmarks``); nothing else is fetched.

How it is fair:

- a pass of one implementation follows a pass of another, round by round, and who
  begins changes with the round; a ratio compares passes of one round, and the median
  of the rounds is shown;
- text is seen once: every pass gets documents that its process has not seen, after
  other documents of the same kind to warm up on;
- before anything is timed, another process of the same implementation encodes all the
  documents, and who gets other tokens than tiktoken is shown but not counted;
- where one core is compared, what is counted is the processor time of the whole
  process, so helping threads gain nothing and other programs disturb little.

The modules: ``corpora`` makes texts, ``conversations`` conversations, ``vocabularies``
the files from which peers load; ``peers`` is who is compared and how each is called;
``environments`` installs them. ``worker`` runs in a peer's environment and does the
``jobs`` that ``driver`` sends it. ``sections`` is what is measured, ``targets`` what is
wanted, ``tables``, ``charts`` and ``report`` show it.
"""
